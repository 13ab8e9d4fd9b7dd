"""Where compiled programs are kept, who decides, and what happens where they can't be."""

import os
import sys

import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from experiments.harness.compilation_cache import cache_folder, discard_oldest, keep_programs

SETTINGS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    """A cache folder of the test's own; JAX's settings and its open cache are put back."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", raising=False)
    found = {name: getattr(jax.config, name) for name in SETTINGS}
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    yield
    for name, value in found.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.mark.slow
def test_a_compiled_program_is_kept_and_found_again(tmp_path):
    def double_and_add(x):
        return 2 * x + 3

    events = []
    jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
    keep_programs()
    for _ in range(2):
        assert jax.jit(double_and_add)(np.float32(4)) == 11
        jax.clear_caches()  # as a new process
    jax.monitoring.clear_event_listeners()
    assert list((tmp_path / "jaxcnn" / "programs").glob("jit_double_and_add-*"))
    assert events.count("/jax/compilation_cache/cache_hits") >= 1


def test_a_folder_that_the_user_set_wins(tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "mine"))
    keep_programs()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "mine")
    assert not (tmp_path / "jaxcnn").exists()


def test_a_threshold_that_the_user_set_wins(monkeypatch):
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "7")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 7.0)
    keep_programs()
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 7.0


def test_a_folder_that_cannot_be_written_to_is_said_once(tmp_path, capsys):
    (tmp_path / "jaxcnn").write_text("a file where the folder would be")
    keep_programs()
    said = capsys.readouterr().err
    assert said.count("Compiled programs are not kept for the next run") == 1
    assert str(tmp_path / "jaxcnn") in said
    assert len(said.splitlines()) == 1
    assert jax.config.jax_compilation_cache_dir is None


def test_only_absolute_xdg_folders_count(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    for relative in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert cache_folder() == tmp_path / "home" / ".cache" / "jaxcnn" / "programs"


def test_the_programs_used_longest_ago_go_first(tmp_path):
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / f"{name}-cache"
        path.write_bytes(b"0123456789")
        os.utime(path, (1000 - age, 1000 - age))
    (tmp_path / "other").write_bytes(b"0123456789")
    discard_oldest(tmp_path, 25)
    assert {path.name for path in tmp_path.iterdir()} == {"new-cache", "middle-cache", "other"}
