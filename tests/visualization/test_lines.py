import numpy as np
import pytest

from jaxcnn.visualization.lines import Line, lines


def draw(series, **options):
    return lines(series, title="Slopes", xlabel="x", ylabel="value", **options)


def test_a_panel_each_and_a_colour_a_name(visible_texts, assert_legible):
    x = np.linspace(-2, 2, 50)
    figure = draw([Line(panel, name, x, x * k) for panel in ("f", "f'") for k, name in ((1, "a"), (2, "b"))])
    assert_legible(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["f", "f'"]
    first, second = figure.axes
    assert [line.get_color() for line in first.lines] == [line.get_color() for line in second.lines]
    np.testing.assert_allclose(first.lines[1].get_xydata(), np.stack([x, 2 * x], 1))
    assert (first.get_xlabel(), first.get_ylabel()) == ("x", "value")
    assert {"a", "b", "Slopes"} <= {text for text, _ in visible_texts(figure)}


def test_a_logarithmic_axis_leaves_out_0_and_says_so(visible_texts, assert_legible):
    figure = draw([Line("2 layers", "a", [1, 2, 3], [1e-9, 0.0, 1.0])], log_y=True)
    assert_legible(figure)
    assert figure.axes[0].get_yscale() == "log"
    assert np.isnan(figure.axes[0].lines[0].get_ydata()).tolist() == [False, True, False]
    assert any("not drawn there: 2 layers a." in text for text, _ in visible_texts(figure))


@pytest.mark.parametrize("series", [[], [Line("p", "a", [], [])], [Line("p", "a", [1, 2], [1])]])
def test_lines_without_places_are_refused(series):
    with pytest.raises(ValueError, match="give"):
        draw(series)
