"""What every operation means: pure functions, arrays in, arrays out."""

from jaxcnn.functional.conv import conv as conv
from jaxcnn.functional.depthwise import depthwise_conv as depthwise_conv
from jaxcnn.functional.depthwise import separable_conv as separable_conv
from jaxcnn.functional.general import conv_general_dilated as conv_general_dilated
from jaxcnn.functional.local import local_conv as local_conv
from jaxcnn.functional.patches import extract_patches as extract_patches
from jaxcnn.functional.patches import fold_patches as fold_patches
from jaxcnn.functional.pool import avg_pool as avg_pool
from jaxcnn.functional.pool import global_avg_pool as global_avg_pool
from jaxcnn.functional.pool import global_max_pool as global_max_pool
from jaxcnn.functional.pool import max_pool as max_pool
from jaxcnn.functional.pool import min_pool as min_pool
from jaxcnn.functional.pool import pool as pool
from jaxcnn.functional.pool import sum_pool as sum_pool
from jaxcnn.functional.signal import convolve as convolve
from jaxcnn.functional.signal import correlate as correlate
from jaxcnn.functional.transpose import conv_transpose as conv_transpose
