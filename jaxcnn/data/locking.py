"""The lock that preparing takes."""

from jaxcnn.locking import exclusive as exclusive
