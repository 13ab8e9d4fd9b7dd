import pytest
from matplotlib.figure import Figure

from jaxcnn.visualization.lettering import lettering
from jaxcnn.visualization.panels import add_panels, empty_figure, set_epoch_ticks


@pytest.mark.parametrize(
    ("epochs", "ticks"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (7, [1, 2, 4, 6]), (50, [1, 10, 20, 30, 40, 50])]
)
def test_ticks_are_whole_epochs_from_the_first(epochs, ticks):
    axes = Figure().add_subplot()
    set_epoch_ticks(axes, epochs)
    assert axes.get_xticks().tolist() == ticks
    left, right = axes.get_xlim()
    assert left < 1
    assert right > epochs


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (4, 2, 2), (7, 3, 3)])
def test_panels_stand_in_rows_of_three_of_one_height_and_four_in_a_square(count, rows, columns):
    titles = [f"model {i}" for i in range(count)]
    figure = empty_figure(titles, "title", lettering([]))
    axes = add_panels(figure, titles, "epoch", "loss")
    assert len({round(panel.get_position().y0, 6) for panel in axes}) == rows
    assert figure.get_figheight() == pytest.approx(0.5 + 3 * rows)
    assert [panel.get_ylabel() for panel in axes] == ["" if i % columns else "loss" for i in range(count)]
