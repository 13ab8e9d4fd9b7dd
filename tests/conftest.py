"""Every test runs with rank promotion refused; floats stay in the dtype a test gives them.

Random tests draw the same cases each time; `pytest --hypothesis-profile=search` draws new ones.
"""

import jax
import pytest
from hypothesis import settings

settings.register_profile("search", deadline=None, database=None)
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def x64():
    """float64 arrays inside one test."""
    with jax.enable_x64(True):
        yield
