"""Whatever is done to the newest checkpoint, the one before it serves, and it is said."""

import shutil

import pytest

from jaxcnn import training
from jaxcnn.training.checkpoints import store
from jaxcnn.training.checkpoints.folder import name_of


class Look(training.Callback):
    def on_train_begin(self, run):
        self.run = run


@pytest.fixture
def saved(fit, tmp_path):
    """A folder with the checkpoints of steps 3, 5, 6, 9 and 10, and what finds the newest whole one of a folder."""
    look = Look()
    fit(tmp_path / "run", callbacks=[look])
    identity = store.manifests.read(tmp_path / "run" / name_of(10)).identity

    def find(folder, told):
        found = store.find_newest(folder, lambda best: look.run.template(best=best), identity, told.append)
        return found and found.manifest.step

    return tmp_path / "run", find


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.slow
def test_every_file_damaged_in_turn(saved, tmp_path):
    folder, find = saved
    newest = folder / name_of(10)
    files = sorted(path.relative_to(newest) for path in newest.rglob("*") if path.is_file())
    assert len(files) > 5
    for number, (file, damage) in enumerate((f, d) for f in files for d in (flip, truncate, lambda p: p.unlink())):
        damaged, told = tmp_path / str(number), []
        for step in (9, 10):
            shutil.copytree(folder / name_of(step), damaged / name_of(step))
        damage(damaged / name_of(10) / file)
        assert find(damaged, told) == 9
        assert len(told) == 1
        assert "step_00000010 is damaged" in told[0]
        assert [entry.name for entry in damaged.glob("damaged-step_00000010-*")]


def test_stray_entries_and_other_software_are_told(saved, tmp_path, monkeypatch):
    folder, find = saved
    (folder / "7").mkdir()  # which orbax itself would take for the newest step
    (folder / "step_00000099").mkdir()
    (folder / "step_00000098").write_text("")
    shutil.copytree(folder / name_of(10), folder / name_of(97))
    told = []
    assert find(folder, told) == 10
    assert [word for sentence in told for word in ("no manifest", "no folder", "of step 10") if word in sentence] == [
        "no manifest",
        "no folder",
        "of step 10",
    ]
    monkeypatch.setattr(store, "versions", lambda: {"jax": "0"})
    assert find(folder, told) == 10
    assert "results may differ in their last bits" in told[-1]
    assert (folder / "7").is_dir()
    assert find(tmp_path / "run" / "7", told) is None
