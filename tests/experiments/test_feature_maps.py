"""Feature maps: what cells see and what excites filters, by hand; and the experiment untrained."""

import jax
import numpy as np
import pytest
from flax import nnx

from experiments import feature_maps
from experiments.harness import seen
from jaxcnn import models


def test_fields_of_lenet():
    model = nnx.eval_shape(lambda: models.create("lenet5", rngs=nnx.Rngs(0)))
    assert list(seen.layers_of(model)) == ["conv1", "pool1", "conv2", "pool2"]
    assert seen.fields_of(model, 28) == {
        "conv1": (-2, 1, 5),
        "pool1": (-2, 2, 6),
        "conv2": (-2, 2, 14),
        "pool2": (-2, 4, 16),
    }


def test_patches_are_cut_where_the_cell_looks():
    image = np.arange(16.0).reshape(4, 4, 1)
    field = seen.Field(start=-1, step=2, size=3)
    assert seen.patch(image, field, 0, 0).tolist() == [[0, 0, 0], [0, 0, 1], [0, 4, 5]]
    assert seen.patch(image, field, 1, 1).tolist() == [[5, 6, 7], [9, 10, 11], [13, 14, 15]]


def test_the_strongest_cells_come_first_one_an_image():
    maps = np.zeros((3, 2, 2, 2))
    maps[0, 1, 0, 1], maps[2, 0, 1, 1], maps[2, 1, 1, 1] = 3.0, 5.0, 4.0
    assert seen.strongest(maps, [1], 2) == [[(2, 0, 1), (0, 1, 0)]]


def test_the_most_salient_pixels_are_inverted():
    images = np.full((1, 2, 2, 1), 0.25, np.float32)
    changed = seen.erase_most_salient(images, np.array([[[1.0, 3.0], [0.0, 2.0]]]), 0.5)
    assert changed[0, ..., 0].tolist() == [[0.25, 0.75], [0.25, 0.75]]
    assert seen.scaled(np.full((1, 1, 1, 1), 255, np.uint8)).item() == 1.0


def test_other_images_are_refused():
    assert feature_maps.chosen_images((), 3) == (0, 1, 2)
    assert feature_maps.chosen_images((2, 0, 2), 3) == (2, 0)
    with pytest.raises(ValueError, match="--images must be below 3, the number of test images; got 3"):
        feature_maps.chosen_images((3,), 3)


@pytest.mark.slow
def test_a_short_run_trains_and_draws_everything(tiny_sets, tmp_path, capsys):
    config = feature_maps.Config(
        epochs=1, seeds=2, batch_size=16, data_dir=tiny_sets, out=tmp_path, model="swish_cnn", images=(1, 5)
    )
    rows = feature_maps.main(config)
    assert [(row["options"]["filters"], row["params"]) for row in rows[::2]] == [
        ("learned filters", 9_532),
        ("filters as drawn", 9_532),
    ]
    printed = capsys.readouterr().out
    assert "Each filter makes one feature map: holds; 3 filters of conv1 make 3 maps of 24×24" in printed
    assert "Saliency names the pixels that the class hangs on" in printed
    pngs = {path.name for path in tmp_path.glob("*.png")}
    assert pngs >= {"filters_conv2.png", "maps_1.png", "maps_5.png", "excites_conv1.png", "saliency.png"}


@pytest.mark.slow
def test_filters_that_are_not_learned_stay_as_drawn(tiny_sets, tmp_path):
    config = feature_maps.Config(epochs=0, seeds=1, data_dir=tiny_sets, out=tmp_path, model="swish_cnn", images=(1,))
    session = feature_maps.begin("feature_maps", config)
    fixed = feature_maps._variant("swish_cnn", session, learns=False)
    assert fixed.optimizer is not None
    model = fixed.build(0)
    params = nnx.state(model, nnx.Param)
    updates, _ = fixed.optimizer.update(params, fixed.optimizer.init(params), params)
    nnx.update(model, updates)
    assert not any(kernel.any() for kernel in seen.kernels(model).values())
    assert any(np.asarray(leaf).any() for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
