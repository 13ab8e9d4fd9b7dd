"""Training: a pure step on optax, `fit`, `fit_seeds`, `fit_stream`, `evaluate` and `predict`, and what they return."""

from jaxcnn.training.callbacks import Callback
from jaxcnn.training.checkpoints import Checkpoints
from jaxcnn.training.early_stopping import EarlyStopping
from jaxcnn.training.evaluation import evaluate, predict
from jaxcnn.training.examples import Examples, LabeledImages
from jaxcnn.training.export import export
from jaxcnn.training.fit import fit
from jaxcnn.training.fit_seeds import fit_seeds
from jaxcnn.training.fit_stream import fit_stream
from jaxcnn.training.history import History
from jaxcnn.training.json_lines import JSONLines
from jaxcnn.training.metrics import Metrics
from jaxcnn.training.run import Run
from jaxcnn.training.run_state import RunState
from jaxcnn.training.state import TrainState, create_state
from jaxcnn.training.steps import eval_step, predict_step, train_step
from jaxcnn.training.tensorboard import TensorBoard
from jaxcnn.training.weights import load, read_metadata, save

__all__ = [
    "Callback",
    "Checkpoints",
    "EarlyStopping",
    "Examples",
    "History",
    "JSONLines",
    "LabeledImages",
    "Metrics",
    "Run",
    "RunState",
    "TensorBoard",
    "TrainState",
    "create_state",
    "eval_step",
    "evaluate",
    "export",
    "fit",
    "fit_seeds",
    "fit_stream",
    "load",
    "predict",
    "predict_step",
    "read_metadata",
    "save",
    "train_step",
]
