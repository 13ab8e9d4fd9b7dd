"""Flax NNX modules: parameters around `jaxcnn.functional`. Linear, Dropout, BatchNorm, Sequential are Flax's own."""

from jaxcnn.nn.blocks import Flatten as Flatten
from jaxcnn.nn.conv import Conv as Conv
from jaxcnn.nn.pool import AvgPool as AvgPool
from jaxcnn.nn.pool import GlobalAvgPool as GlobalAvgPool
from jaxcnn.nn.pool import GlobalMaxPool as GlobalMaxPool
from jaxcnn.nn.pool import MaxPool as MaxPool
from jaxcnn.nn.pool import MinPool as MinPool
from jaxcnn.nn.pool import SumPool as SumPool
