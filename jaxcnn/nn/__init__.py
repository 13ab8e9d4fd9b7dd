"""Flax NNX modules: parameters around `jaxcnn.functional`. Linear, Dropout, BatchNorm, Sequential are Flax's own."""

from jaxcnn.nn.adaptive import AdaptiveAvgPool as AdaptiveAvgPool
from jaxcnn.nn.adaptive import AdaptiveMaxPool as AdaptiveMaxPool
from jaxcnn.nn.adaptive import SpatialPyramidPool as SpatialPyramidPool
from jaxcnn.nn.blocks import Flatten as Flatten
from jaxcnn.nn.blur import BlurPool as BlurPool
from jaxcnn.nn.conv import Conv as Conv
from jaxcnn.nn.depthwise import DepthwiseConv as DepthwiseConv
from jaxcnn.nn.depthwise import SeparableConv as SeparableConv
from jaxcnn.nn.fractional_pool import FractionalMaxPool as FractionalMaxPool
from jaxcnn.nn.local import LocalConv as LocalConv
from jaxcnn.nn.norm import LocalResponseNorm as LocalResponseNorm
from jaxcnn.nn.patches import ExtractPatches as ExtractPatches
from jaxcnn.nn.patches import FoldPatches as FoldPatches
from jaxcnn.nn.pool import AvgPool as AvgPool
from jaxcnn.nn.pool import GlobalAvgPool as GlobalAvgPool
from jaxcnn.nn.pool import GlobalMaxPool as GlobalMaxPool
from jaxcnn.nn.pool import LpPool as LpPool
from jaxcnn.nn.pool import MaxPool as MaxPool
from jaxcnn.nn.pool import MinPool as MinPool
from jaxcnn.nn.pool import SumPool as SumPool
from jaxcnn.nn.random_pool import StochasticPool as StochasticPool
from jaxcnn.nn.squeeze_excite import SqueezeExcite as SqueezeExcite
from jaxcnn.nn.transpose import ConvTranspose as ConvTranspose
from jaxcnn.nn.unpool import MaxPoolWithArgmax as MaxPoolWithArgmax
from jaxcnn.nn.unpool import MaxUnpool as MaxUnpool
