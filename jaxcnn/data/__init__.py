"""Images with labels: named sets, the shipped samples, and the `Dataset` that training reads."""

from jaxcnn.data.dataset import Dataset
from jaxcnn.data.load import available, load

__all__ = ["Dataset", "available", "load"]
