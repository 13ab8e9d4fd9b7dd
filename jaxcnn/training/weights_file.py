"""The bytes of a .safetensors file: arrays by name, and what shows that they are whole.

safetensors has no checksum and lets a repeated name replace the one before; a file of ours says its format's version,
and the SHA-256 of the whole file, taken with zeros in the place of the sum itself.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

import jaxcnn

PREFIX = "jaxcnn."  # of our own keys in the metadata; one damaged key still leaves the others
VERSION = "1"
_FORMAT, _PACKAGE, _SUM = f"{PREFIX}format", f"{PREFIX}version", f"{PREFIX}sha256"
_NO_SUM = "0" * 64
_METADATA = "__metadata__"

_DTYPES: dict[str, Any] = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "U16": np.uint16,
    "I16": np.int16,
    "U32": np.uint32,
    "I32": np.int32,
    "U64": np.uint64,
    "I64": np.int64,
    "F8_E4M3": jnp.float8_e4m3fn,
    "F8_E5M2": jnp.float8_e5m2,
    "BF16": jnp.bfloat16,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
    "C64": np.complex64,
}
DTYPES = frozenset(map(np.dtype, _DTYPES.values()))

_KINDS = {
    b"PK\x03\x04": "a zip archive, as torch.save, numpy.savez and Keras write",
    b"\x80": "a pickle",
    b"\x93NUMPY": "an .npy file of NumPy",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
}


def encode(arrays: Mapping[str, NDArray], metadata: Mapping[str, str]) -> bytes:
    """The file's bytes, which depend on the arrays and the metadata alone; dtypes are of `DTYPES`."""
    header, data = _cut(safetensors.numpy.save(dict(arrays)))
    # Written here, as the library puts metadata in another order each time.
    ours = {_FORMAT: VERSION, _PACKAGE: jaxcnn.__version__, _SUM: _NO_SUM}
    entries = {_METADATA: ours | dict(sorted(metadata.items())), **json.loads(header)}
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of 8, as the library has it
    start = len(text).to_bytes(8, "little") + text
    return start.replace(_field(_NO_SUM), _field(_digest(start, data)), 1) + data


def decode(path: Path, content: bytes) -> tuple[dict[str, NDArray], dict[str, str]]:
    """The arrays and the metadata; the file may come from elsewhere, without our keys.

    Raises:
      ValueError: the bytes are damaged, of another kind or of another version; it names `path`.
    """
    try:
        tensors = safetensors.deserialize(content)
        metadata = json.loads(_cut(content)[0], object_pairs_hook=_unique).get(_METADATA) or {}
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise ValueError(_refusal(path, content, error)) from error
    if any(key.startswith(PREFIX) for key in metadata):
        _check_whole(path, content, metadata)
    return {name: _array(path, name, tensor) for name, tensor in tensors}, metadata


def _cut(content: bytes) -> tuple[bytes, bytes]:
    """The header's JSON and the arrays' bytes."""
    start = 8 + int.from_bytes(content[:8], "little")
    return content[8:start], content[start:]


def _field(digest: str) -> bytes:
    return f'"{_SUM}":"{digest}"'.encode()


def _digest(start: bytes, data: bytes) -> str:
    total = hashlib.sha256(start)
    total.update(data)
    return total.hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} occurs twice in its header")
        found[key] = value
    return found


def _refusal(path: Path, content: bytes, error: Exception) -> str:
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is not None:
        return (
            f"{path} must be a .safetensors file, got {kind}, which is never opened, as a pickle may run any code;"
            " convert it where you trust it, and save the weights with training.save"
        )
    reason = " ".join(str(error).removeprefix("Error while deserializing: ").split())[:200]
    return (
        f"{path} must be a whole .safetensors file, but it is damaged, cut off or of another kind ({reason});"
        " copy it again from its source, or save the model anew with training.save"
    )


def _check_whole(path: Path, content: bytes, metadata: Mapping[str, str]) -> None:
    version, digest = metadata.get(_FORMAT), metadata.get(_SUM, "")
    if version is not None and version != VERSION:
        raise ValueError(
            f"{path} must be of format {VERSION} for jaxcnn {jaxcnn.__version__}, got format {version[:20]!r}, written"
            f" by jaxcnn {metadata.get(_PACKAGE, 'of an unknown version')[:20]}; update jaxcnn to read it"
        )
    header, data = _cut(content)
    start = content[: 8 + len(header)].replace(_field(digest), _field(_NO_SUM), 1)
    if version is None or _digest(start, data) != digest:
        raise ValueError(
            f"{path} must have the SHA-256 that it was saved with, but it is damaged or was edited;"
            " copy it again from its source, or save the model anew with training.save"
        )


def _array(path: Path, name: str, tensor: Mapping[str, Any]) -> NDArray:
    dtype = _DTYPES.get(tensor["dtype"])
    if dtype is None:
        raise ValueError(
            f"{path} must hold dtypes that JAX computes with, got {tensor['dtype']} for {name}; convert it"
        )
    return np.frombuffer(tensor["data"], dtype).reshape(tensor["shape"])
