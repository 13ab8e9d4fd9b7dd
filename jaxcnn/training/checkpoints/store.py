"""One checkpoint, written whole or not at all; and the newest whole one, found among what is there."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax

from jaxcnn.training.checkpoints import folder as folders
from jaxcnn.training.checkpoints import manifest as manifests
from jaxcnn.training.checkpoints.arrays import read_arrays, to_host, to_tree, write_arrays
from jaxcnn.training.checkpoints.identity import differences, versions
from jaxcnn.training.checkpoints.manifest import DamagedError, Manifest
from jaxcnn.training.leaves import shapes_of
from jaxcnn.training.run_state import Arrays, Record, RunState

_ARRAYS = "arrays"


class About(NamedTuple):
    """What a checkpoint says beside the run's state; see `Manifest`."""

    identity: Mapping[str, str]
    model: str
    stopped: str | None
    monitored: float | None


class Found(NamedTuple):
    """A checkpoint that was found whole, in NumPy."""

    manifest: Manifest
    arrays: Arrays
    record: Record


def write_checkpoint(folder: Path, state: RunState, about: About) -> None:
    """Write the state after `state.record.step` steps; when this returns, it is on the disk.

    Raises:
      OSError: it can't be written, as on a full disk; other checkpoints are as they were.
    """
    record = state.record
    with folders.new_checkpoint(folder, record.step) as passing:
        write_arrays(passing / _ARRAYS, to_host(state.arrays))
        manifest = Manifest(
            step=record.step,
            arrays=shapes_of(state.arrays),
            record=record.to_dict(),
            versions=versions(),
            files={path: manifests.describe_file(passing / path) for path in manifests.file_paths(passing)},
            **about._asdict(),
        )
        for path in manifest.files:
            folders.flush(passing / path)
        (passing / manifests.NAME).write_bytes(manifests.encode(manifest))
        for path in (passing / manifests.NAME, *(entry for entry in passing.rglob("*") if entry.is_dir()), passing):
            folders.flush(path)


def find_newest(
    folder: Path, template: Callable[[bool], Arrays], identity: Mapping[str, str], tell: Callable[[str], object]
) -> Found | None:
    """The newest whole checkpoint; damaged ones are set aside, each with a sentence to `tell`.

    Args:
      folder: of all checkpoints of a run.
      template: the shapes of the run that is to go on, with a best model or without.
      identity: of the run that is to go on.
      tell: is told what was damaged, and which software differs.

    Raises:
      ValueError: it is of another model (lists the arrays that differ) or another run, or of a newer format.
      OSError: the folder can't be read or changed.
    """
    for step in folders.steps_in(folder):
        path = folder / folders.name_of(step)
        try:
            manifest = _whole(path, step)
            _check_same(path, manifest, template, identity)
            found = _read(path, manifest, template)
        except DamagedError as damage:
            aside = folders.set_aside(folder, step)
            tell(f"the checkpoint {path} is damaged: {damage}; it is now {aside.name}, and the one before it serves")
            continue
        if changed := differences(manifest.versions, versions()):
            tell(f"results may differ in their last bits from a run never interrupted: {'; '.join(changed)}")
        return found
    return None


def monitored_in(folder: Path) -> dict[int, float | None]:
    """The steps that have a whole manifest, with what the best is chosen by."""
    found = {}
    for step in folders.steps_in(folder):
        try:
            found[step] = manifests.read(folder / folders.name_of(step)).monitored
        except (DamagedError, ValueError):  # is told of when its turn to be read comes
            continue
    return found


def _whole(path: Path, step: int) -> Manifest:
    manifest = manifests.read(path)
    if manifest.step != step:
        raise DamagedError(f"its manifest is of step {manifest.step}")
    manifests.verify(path, manifest)
    return manifest


def _check_same(
    path: Path, manifest: Manifest, template: Callable[[bool], Arrays], identity: Mapping[str, str]
) -> None:
    """Shapes first: those of another model say more than that its options differ."""
    if different := differences(manifest.arrays, shapes_of(template(_has_best(manifest)))):
        raise ValueError(
            f"the checkpoint {path} is of another model ({manifest.model}) or optimizer: {'; '.join(different)};"
            " build what it was saved from, or name another folder"
        )
    if different := differences(manifest.identity, identity):
        raise ValueError(
            f"the checkpoint {path} is of another run: {'; '.join(different)};"
            " give what it was saved with, or name another folder"
        )


def _read(path: Path, manifest: Manifest, template: Callable[[bool], Arrays]) -> Found:
    shapes = template(_has_best(manifest))
    try:
        record = Record(**manifest.record)
    except TypeError as error:
        raise DamagedError("its record of the run lacks what it must have") from error
    return Found(manifest, to_tree(shapes, read_arrays(path / _ARRAYS, shapes)), record)


def _has_best(manifest: Manifest) -> bool:
    return bool(manifest.record.get("has_best"))


def is_finite(state: RunState) -> bool:
    """Whether the state is worth keeping; waits for the device."""
    return bool(jax.device_get(state.finite))
