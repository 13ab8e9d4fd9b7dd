"""Kernels of PyTorch and Keras in this library's layout, and back: the same weights give the same outputs.

Only kernels are laid out differently. Vectors are taken as they are: every bias, and the four of a batch normalisation
(PyTorch's weight, bias, running_mean, running_var and Keras's gamma, beta, moving_mean, moving_variance are
`flax.nnx.BatchNorm`'s scale, bias, mean, var). Options differ all the same: epsilon is 1e-5 by default in PyTorch
and Flax and 1e-3 in Keras, and PyTorch's momentum of 0.1 is called 0.9 in Flax and Keras, whose default is 0.99.
"""

from jaxcnn.interop.keras import from_keras as from_keras
from jaxcnn.interop.keras import to_keras as to_keras
from jaxcnn.interop.torch import from_torch as from_torch
from jaxcnn.interop.torch import to_torch as to_torch
