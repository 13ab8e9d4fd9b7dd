"""Checkpoints of a run: everything about it, saved behind training, checked when read, and gone on from."""

from jaxcnn.training.checkpoints.config import Checkpoints as Checkpoints
from jaxcnn.training.checkpoints.run_folder import open_run_folder as open_run_folder
from jaxcnn.training.checkpoints.saver import Saver as Saver
from jaxcnn.training.checkpoints.saver import make_saver as make_saver
