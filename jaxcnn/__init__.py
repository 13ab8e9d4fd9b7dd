"""jaxcnn: a functional CNN toolkit for JAX."""

__version__ = "0.1.0"
