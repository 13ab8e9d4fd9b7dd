"""Images with labels: named sets, folders of images, streams of larger sets, augmentation, and the `Dataset`."""

from jaxcnn.data import augment
from jaxcnn.data.dataset import Dataset
from jaxcnn.data.folder import read_folder
from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.load import available, load
from jaxcnn.data.stream import stream
from jaxcnn.data.stream_batches import Stream

__all__ = ["Dataset", "Stream", "augment", "available", "folder_source", "load", "read_folder", "stream"]
