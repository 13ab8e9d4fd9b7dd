"""What every operation means: pure functions, arrays in, arrays out."""

from jaxcnn.functional.conv import conv as conv
from jaxcnn.functional.pool import avg_pool as avg_pool
from jaxcnn.functional.pool import global_avg_pool as global_avg_pool
from jaxcnn.functional.pool import global_max_pool as global_max_pool
from jaxcnn.functional.pool import max_pool as max_pool
from jaxcnn.functional.pool import min_pool as min_pool
from jaxcnn.functional.pool import pool as pool
from jaxcnn.functional.pool import sum_pool as sum_pool
