"""The models of the lectures, each built by name; all return logits."""

from jaxcnn.models.create import MODELS as MODELS
from jaxcnn.models.create import create as create
