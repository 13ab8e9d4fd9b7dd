"""Training: a pure step on optax, `fit`, `fit_seeds`, `fit_stream`, `evaluate` and `predict`, and what they return."""

from jaxcnn.training.evaluation import evaluate, predict
from jaxcnn.training.examples import Examples, LabeledImages
from jaxcnn.training.fit import fit
from jaxcnn.training.fit_seeds import fit_seeds
from jaxcnn.training.fit_stream import fit_stream
from jaxcnn.training.history import History
from jaxcnn.training.metrics import Metrics
from jaxcnn.training.state import TrainState, create_state
from jaxcnn.training.steps import eval_step, predict_step, train_step

__all__ = [
    "Examples",
    "History",
    "LabeledImages",
    "Metrics",
    "TrainState",
    "create_state",
    "eval_step",
    "evaluate",
    "fit",
    "fit_seeds",
    "fit_stream",
    "predict",
    "predict_step",
    "train_step",
]
