"""Writing files so that a reader sees the old content or the new, never a part."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import UserError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is synced and renamed over it.

    The parent directory is created. If the block raises (a full disk, an interrupt), the
    temporary file is removed and ``path`` is left as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; results are as readable as any other file of the user.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def require_file(path: str | os.PathLike[str]) -> None:
    """Raise UserError unless ``path`` is a plain file: a pipe waits, a device has no end."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    if stat.S_ISDIR(mode):
        raise UserError(f"{path} is a directory; expected a file.")
    if not stat.S_ISREG(mode):
        raise UserError(f"{path} is a pipe or a device; expected a plain file.")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write :func:`json_text` of ``content``, atomically."""
    text = json_text(content)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(content: Any) -> str:
    """Return ``content`` as indented JSON with sorted keys; NaN is null, infinity a ValueError."""
    without_nan = _without_nan(content)
    text = json.dumps(without_nan, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text + "\n"


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON; a missing or damaged file is a :class:`UserError` that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}).") from None


def _without_nan(content: Any) -> Any:
    if isinstance(content, float) and content != content:
        return None
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    return content
