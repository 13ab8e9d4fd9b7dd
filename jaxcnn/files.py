"""Writing a file so that a reader sees the old one or the whole new one, never a part."""

import os
import secrets
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], data: str | bytes) -> Path:
    """Write `data` to `path`: first under a temporary name in the same folder, then renamed over it.

    A run that is interrupted, or a full disk, must not leave half a result behind.

    Args:
      path: the file to write; its folder exists. A link is followed, so that it stays a link; a device or a pipe, such
        as /dev/null, is written to and stays what it is.
      data: text, written as UTF-8 with its line ends untouched, or bytes.

    Returns:
      `path` as a `Path`.

    Raises:
      OSError: the file cannot be written; it names `path`, and an earlier file of that name is unchanged.
      UnicodeEncodeError: the text holds a lone surrogate, which UTF-8 has no form for.
    """
    content = data.encode() if isinstance(data, str) else data
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        if Path(path).exists() and not target.is_file():
            _write_through(Path(path), content)
        else:
            _write_and_flush(temporary, content)
            os.replace(temporary, target)
    except OSError as error:
        # The temporary name would tell the caller nothing.
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        temporary.unlink(missing_ok=True)
    return Path(path)


def _write_and_flush(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as device:
        device.write(content)
