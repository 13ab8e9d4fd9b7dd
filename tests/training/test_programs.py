import jax
import optax
import pytest
from flax import nnx

from jaxcnn import training


@pytest.fixture
def compilations():
    """The compilations of the backend during a test, one event each."""
    events = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: events.append(event) if event.endswith("backend_compile_duration") else None
    )
    yield events
    jax.monitoring.clear_event_listeners()


def test_a_second_fit_of_the_same_structure_compiles_nothing(make_images, stateful, compilations):
    optimizer, data = optax.sgd(0.1), make_images(20)

    def fit(seed):
        model = stateful(rngs=nnx.Rngs(seed))
        compilations.clear()
        history = training.fit(
            model, data, validation=data, epochs=1, batch_size=8, optimizer=optimizer, seed=seed, progress=False
        )
        return len(compilations), history.loss

    (first, loss), (second, other_loss) = fit(0), fit(1)
    assert first >= 2 > second == 0
    assert loss != other_loss
