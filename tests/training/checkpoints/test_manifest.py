"""Whatever is done to a checkpoint's files is noticed, and nothing outside its folder is ever looked at."""

import json

import pytest

from jaxcnn.training.checkpoints import manifest as manifests
from jaxcnn.training.checkpoints.manifest import DamagedError, File, Manifest


@pytest.fixture
def checkpoint(tmp_path):
    """A folder with two files and their manifest, as the store leaves it."""
    folder = tmp_path / "step_00000007"
    (folder / "arrays").mkdir(parents=True)
    (folder / "arrays" / "a").write_bytes(b"first")
    (folder / "arrays" / "b").write_bytes(b"")
    files = {path: manifests.describe_file(folder / path) for path in manifests.file_paths(folder)}
    write(folder, files=files)
    return folder


def write(folder, **changes):
    fields = {"step": 7, "arrays": {"w": "float32(2,)"}, "identity": {"seed": "0"}, "record": {"step": 7}}
    rest = {"stopped": None, "monitored": 0.5, "model": "MLP", "versions": {"jax": "0.10"}, "files": {}}
    found = Manifest(**fields | rest | changes)
    (folder / manifests.NAME).write_bytes(manifests.encode(found))
    return found


def check(folder):
    found = manifests.read(folder)
    manifests.verify(folder, found)
    return found


def test_what_was_written_is_read(checkpoint):
    found = check(checkpoint)
    assert (found.step, found.monitored, found.stopped) == (7, 0.5, None)
    # Of the five bytes `first`, by sha256sum.
    assert found.files["arrays/a"] == File(5, "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e")


def test_a_flipped_bit_anywhere_in_the_manifest_is_noticed(checkpoint):
    path = checkpoint / manifests.NAME
    whole = path.read_bytes()
    for position in range(0, len(whole), 5):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << position % 8]) + whole[position + 1 :])
        with pytest.raises((DamagedError, ValueError)):
            check(checkpoint)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "arrays" / "a").write_bytes(b"firsu"), "arrays/a differs"),
        (lambda f: (f / "arrays" / "a").write_bytes(b"firs"), "arrays/a differs"),
        (lambda f: (f / "arrays" / "b").unlink(), "arrays/b is missing"),
        (lambda f: (f / "arrays" / "c").touch(), "arrays/c doesn't belong"),
        (lambda f: (f / manifests.NAME).unlink(), "has no manifest"),
        (lambda f: (f / manifests.NAME).write_bytes(b""), "no JSON"),
        (lambda f: (f / manifests.NAME).write_bytes(b"[" * 100_000), "no JSON"),
        (lambda f: (f / manifests.NAME).write_bytes(b"[1]"), "none of a jaxcnn checkpoint"),
        (lambda f: write(f, files={"../step_00000007/arrays/a": File(5, "")}), "is missing|doesn't belong"),
    ],
)
def test_damage_is_named(checkpoint, damage, sentence):
    damage(checkpoint)
    with pytest.raises(DamagedError, match=sentence):
        check(checkpoint)


def test_links_are_not_followed(checkpoint, tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"first")
    (checkpoint / "arrays" / "a").unlink()
    (checkpoint / "arrays" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedError, match="arrays/a is no ordinary file"):
        check(checkpoint)
    (tmp_path / "step_00000008").symlink_to(checkpoint)
    with pytest.raises(DamagedError, match="it is no folder"):
        check(tmp_path / "step_00000008")


def test_a_huge_manifest_is_not_read(checkpoint):
    with (checkpoint / manifests.NAME).open("r+b") as file:
        file.truncate(2**40)  # sparse: it takes no room
    with pytest.raises(DamagedError, match="1,099,511,627,776 bytes"):
        check(checkpoint)


def test_a_newer_format_says_so(checkpoint):
    path = checkpoint / manifests.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(ValueError, match=r"has format 2, newer than 1, .* update jaxcnn"):
        check(checkpoint)
