import jax.numpy as jnp
import numpy as np

from jaxcnn.training.examples import Examples, evaluation_batches, padded_slices, take


def test_take_draws_the_same_rows_of_both(make_images):
    data = make_images(5)
    part = take(Examples(*data), jnp.array([3, 0]))
    np.testing.assert_array_equal(part.images, data.images[[3, 0]])
    np.testing.assert_array_equal(part.labels, data.labels[[3, 0]])


def test_slices_have_one_shape_and_the_last_ends_in_zeros():
    slices = list(padded_slices(np.array([[1], [2], [3]]), 2))
    np.testing.assert_array_equal(slices, [[[1], [2]], [[3], [0]]])


def test_evaluation_batches_mask_the_padding(make_images):
    data = make_images(5)
    batches = list(evaluation_batches(Examples(*data), 3))
    np.testing.assert_array_equal([valid for _, valid in batches], [[1, 1, 1], [1, 1, 0]])
    kept = np.concatenate([np.asarray(batch.images)[np.asarray(valid)] for batch, valid in batches])
    np.testing.assert_array_equal(kept, data.images)
    assert all(batch.images.shape == (3, 8, 8, 1) and batch.labels.shape == (3,) for batch, _ in batches)
