import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.training.metrics import add_metrics, mean_metrics, measure, zero_metrics

LOGITS = jnp.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
LABELS = jnp.array([0, 0, 0])
LOSSES = jnp.array([1.0, 2.0, 30.0])


def test_unequal_batches_add_up_to_the_example_mean():
    sums = add_metrics(zero_metrics(), measure(LOSSES, LOGITS, LABELS))
    sums = add_metrics(sums, measure(LOSSES[:1], LOGITS[:1], LABELS[:1]))
    assert mean_metrics(sums) == {"loss": 8.5, "accuracy": 0.75}


def test_padding_weighs_nothing_even_if_its_loss_is_nan():
    losses = LOSSES.at[2].set(jnp.nan)
    means = mean_metrics(measure(losses, LOGITS, LABELS, np.array([True, True, False])))
    assert means == {"loss": pytest.approx(1.5), "accuracy": 0.5}
    assert all(type(value) is float for value in means.values())


@pytest.mark.parametrize("broken", [jnp.nan, jnp.inf])
def test_the_first_batch_that_is_not_finite_is_known(broken):
    sums = zero_metrics()
    for losses in (LOSSES, LOSSES[:2], LOSSES.at[1].set(broken), LOSSES[:1], LOSSES.at[0].set(broken)):
        sums = add_metrics(sums, measure(losses, LOGITS[: len(losses)], LABELS[: len(losses)]))
    assert (int(sums.examples), int(sums.sound)) == (12, 5)
