"""Every test runs with rank promotion refused; floats stay in the dtype a test gives them."""

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def x64():
    """float64 arrays inside one test."""
    with jax.enable_x64(True):
        yield
