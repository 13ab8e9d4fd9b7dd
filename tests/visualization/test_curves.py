import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.visualization import Curve, curves

MODELS = ("convnet", "swish_cnn", "lenet5")
POOLS = ("max", "avg", "min", "stride", "none")


def draw(series, **options):
    return curves(series, title="Loss", ylabel="cross-entropy (nats)", **options)


def series(epochs):
    return [
        Curve(model, pool, [1 / (i + 1 + epoch) for epoch in range(epochs)], dashed=dashed)
        for model in MODELS
        for i, pool in enumerate(POOLS)
        for dashed in (False, True)
    ]


def test_a_panel_a_model_with_a_solid_and_a_dashed_line_a_pool(visible_texts, assert_legible):
    figure = draw(series(3))
    assert_legible(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(MODELS)
    for axes in figure.axes:
        assert [line.get_linestyle() for line in axes.lines] == ["-", "--"] * 5
        assert [line.get_color() for line in axes.lines[::2]] == [
            line.get_color() for line in figure.axes[0].lines[1::2]
        ]
        assert len({line.get_color() for line in axes.lines}) == 5
        assert axes.lines[2].get_xydata().tolist() == [[1, 1 / 2], [2, 1 / 3], [3, 1 / 4]]
        assert axes.get_xlabel() == "epoch"
    assert figure.axes[0].get_ylabel() == "cross-entropy (nats)"
    assert {*POOLS, "training", "test", "Loss"} <= {text for text, _ in visible_texts(figure)}


def test_panels_share_their_axes_and_fill_rows_of_three(assert_legible):
    figure = draw([Curve(f"model {i}", "max", [float(i), i + 1.0]) for i in range(5)])
    assert_legible(figure)
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert figure.axes[0].get_ylim()[1] > 5
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "epoch", "epoch", "epoch"]


def test_one_epoch_shows_markers_side_by_side_over_a_single_tick(assert_legible):
    figure = draw(series(1))
    assert_legible(figure)
    for axes in figure.axes:
        places = [line.get_xdata()[0] for line in axes.lines]
        assert np.diff(places).min() > 0.02
        assert (min(places) > 0.5, max(places) < 1.5) == (True, True)
        assert all(line.get_marker() not in ("", "None") for line in axes.lines)
    assert figure.axes[0].get_xticks().tolist() == [1]


def test_an_interval_is_shaded_and_in_the_legend(visible_texts):
    figure = draw([Curve("m", "a", np.array([2.0, 1.0]), low=jnp.array([1.5, 0.5]), high=[3.0, 1.5])])
    (band,) = figure.axes[0].collections
    assert band.get_datalim(figure.axes[0].transData).extents.tolist() == [1, 0.5, 2, 3]
    assert "95% confidence interval" in [text for text, _ in visible_texts(figure)]


def test_values_that_are_not_finite_leave_a_gap_and_are_named(visible_texts):
    figure = draw(
        [Curve("convnet", "none", [1.0, float("nan"), float("inf")]), Curve("convnet", "max", [1.0, 2.0, 3.0])]
    )
    assert np.isnan(figure.axes[0].lines[0].get_ydata()).tolist() == [False, True, True]
    (note,) = [text for text, _ in visible_texts(figure) if "Not finite" in text]
    assert "convnet none (training)" in note
    assert "max" not in note


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "series is empty"),
        ([Curve("m", "a", [])], r"series\[0\].values is empty"),
        ([Curve("m", "a", [1.0, 2.0], low=[1.0], high=[2.0])], "have 1 and 1 values, but values has 2"),
        ([Curve("m", "a", [1.0], low=[1.0])], "have 1 and None values"),
        ([Curve("m", str(i), [1.0]) for i in range(9)], "9 different names"),
    ],
)
def test_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        draw(wrong)
