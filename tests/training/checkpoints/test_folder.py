"""Checkpoints come and go by renames; only our own names are ever touched."""

import pytest

from jaxcnn.training.checkpoints.folder import clean, discard, name_of, new_checkpoint, set_aside, steps_in


def save(folder, step):
    with new_checkpoint(folder, step) as passing:
        (passing / "file").write_text(str(step))


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_names_are_steps_and_nothing_else(tmp_path):
    assert name_of(123) == "step_00000123"
    assert name_of(10**9) == "step_1000000000"
    for stray in ("7", "step_7", "step_0000000x", "step_000000001", "step_00000001.orbax-checkpoint-tmp", "..step_1"):
        (tmp_path / stray).mkdir()
    (tmp_path / "step_00000002").touch()  # no folder, but under the name of one
    save(tmp_path, 10**9)
    assert steps_in(tmp_path) == [10**9, 2]


def test_a_failed_save_leaves_nothing_and_a_repeated_one_replaces(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "step_00000001" / "file").write_text("damaged")
    with pytest.raises(NotADirectoryError), new_checkpoint(tmp_path, 1) as passing:
        (passing / ".." / "step_00000001" / "file" / "below").touch()
    assert names(tmp_path) == ["step_00000001"]
    save(tmp_path, 1)
    assert (tmp_path / "step_00000001" / "file").read_text() == "1"
    assert names(tmp_path) == ["step_00000001"]


def test_what_a_killed_process_leaves_is_cleaned_and_strangers_stay(tmp_path):
    strange = [".saving-step_00000001", ".hidden", ".discarded-step_x-0123456789abcdef", "step_00000003"]
    ours = [".saving-step_00000001-0123456789abcdef", ".discarded-step_00000002-0123456789abcdef"]
    for name in strange + ours:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / ".saving-step_00000009-0123456789abcdef").symlink_to(tmp_path / ".hidden")
    clean(tmp_path)
    assert names(tmp_path) == sorted(strange)
    assert (tmp_path / ".hidden" / "file").exists()


def test_discarding_and_setting_aside(tmp_path):
    for step in (1, 2):
        save(tmp_path, step)
    discard(tmp_path, 1)
    aside = set_aside(tmp_path, 2)
    assert names(tmp_path) == [aside.name]
    assert aside.name.startswith("damaged-step_00000002-")
    assert steps_in(tmp_path) == []
