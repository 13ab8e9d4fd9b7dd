import numpy as np
import pytest
from flax import nnx

from jaxcnn import training


@pytest.fixture
def trained(make_images, stateful, sgd):
    """A model whose running statistics differ from those of any batch."""
    model = stateful(rngs=nnx.Rngs(0))
    training.fit(model, make_images(16), epochs=1, batch_size=8, optimizer=sgd, progress=False)
    return model


def test_evaluate_and_predict_agree_with_the_model_in_eval_mode(make_images, trained):
    data = make_images(21, seed=2)
    probabilities = np.asarray(training.predict(trained, data.images, batch_size=8), np.float64)
    result = training.evaluate(trained, data, batch_size=8)
    reference = nnx.clone(trained)
    reference.eval()
    logits = np.asarray(reference(data.images / np.float32(255)), np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    picked = expected[np.arange(21), data.labels]
    assert result["loss"] == pytest.approx(-np.log(picked).mean(), rel=1e-5)
    assert result["accuracy"] == (expected.argmax(-1) == data.labels).mean()


def test_batch_size_and_representation_do_not_matter(make_images, trained):
    data = make_images(21, seed=2)
    scaled = data._replace(images=data.images / np.float32(255), labels=data.labels.astype(np.uint8))
    small, whole, floats = (
        training.evaluate(trained, d, batch_size=size) for d, size in ((data, 8), (data, 1000), (scaled, 8))
    )
    assert small == pytest.approx(whole, rel=1e-6)
    assert small == pytest.approx(floats, rel=1e-6)


def test_nothing_changes_in_the_model(make_images, trained, arrays):
    before, graph = arrays(trained), nnx.graphdef(trained)
    training.evaluate(trained, make_images(5))
    training.predict(trained, make_images(5).images)
    np.testing.assert_equal(arrays(trained), before)
    assert nnx.graphdef(trained) == graph
