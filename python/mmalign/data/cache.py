"""Where made data is kept, and making it once for all processes of a user."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import UserError
from ..files import read_json
from ..optional import require

RECIPE_NAME = "recipe.json"
"""What made data was made from, beside the data."""


def cache_directory() -> Path:
    """Return the directory in which mmalign keeps what it makes; it need not exist.

    ``MMALIGN_CACHE`` if set, otherwise the platform's convention (``$XDG_CACHE_HOME/mmalign`` or
    ``~/.cache/mmalign`` on Linux).
    """
    if chosen := os.environ.get("MMALIGN_CACHE"):
        return Path(chosen).expanduser().absolute()
    return require("platformdirs", "the cache").user_cache_path("mmalign", appauthor=False)


def make_directory_once(
    target: Path, is_complete: Callable[[Path], bool], make: Callable[[Path], None]
) -> None:
    """Make ``target`` unless ``is_complete(target)``; it appears as a whole or not at all.

    ``make`` fills a temporary directory beside ``target``, which is then renamed. A lock file
    beside it lets one process make it while others wait. An empty ``target`` is replaced, one with
    contents is left alone: UserError.
    """
    lock = require("filelock", "the cache").FileLock
    if is_complete(target):
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with lock(target.parent / f".{target.name}.lock"):
            if is_complete(target):
                return
            if target.exists() and (not target.is_dir() or any(target.iterdir())):
                raise UserError(
                    f"{target} exists and is not a complete data set; give an empty or new "
                    "directory, or delete it."
                )
            # Under the lock, what an earlier process left behind when it was killed is nobody's.
            for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.partial"):
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(
                prefix=f".{target.name}.", suffix=".partial", dir=target.parent
            ) as temporary:
                made = Path(temporary) / target.name
                made.mkdir()
                make(made)
                if target.exists():
                    target.rmdir()
                made.rename(target)
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror or error}).") from None


def made_to(directory: Path, asked: Mapping[str, object]) -> bool:
    """Tell whether a directory holds data, and that to the recipe ``asked``.

    False where it has no recipe.json. Raises UserError, saying what differs, for another recipe.
    """
    recipe_path = directory / RECIPE_NAME
    if not recipe_path.exists():
        return False
    record = read_json(recipe_path)
    found = record.get("recipe") if isinstance(record, dict) else None
    if not isinstance(found, dict):
        raise UserError(f"{recipe_path} has no recipe; delete {directory} and make it again.")
    differing = [name for name in asked if found.get(name) != asked[name]]
    if differing:
        raise UserError(
            f"{directory} holds data made to another recipe (another {', '.join(differing)}); give "
            "another directory or delete it."
        )
    return True
