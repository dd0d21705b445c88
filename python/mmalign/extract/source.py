"""Where a model is: a directory, or a repository of a hub when that is asked for."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.arrays import one_line, sha256_of_file
from ..errors import UserError
from ..files import read_json
from ..optional import require

# Weights that are plain numbers, and the files that say how to use them: no code, no pickles.
_WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*/config.json")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")


@dataclass(frozen=True)
class ModelSource:
    """The directory of a model's weights, its name, and a commit or a sha256 that pins it.

    root: the directory as given; that of a sentence encoder may hold its transformer deeper.
    config: the content of config.json.
    """

    root: Path
    directory: Path
    name: str
    revision: str
    config: dict[str, Any]


def open_source(model: str | os.PathLike[str]) -> ModelSource:
    """Return where ``model`` is, a directory or ``hf:owner/name[@revision]``.

    A directory is used as it is and never touches the network. A repository is brought by
    huggingface_hub, into its cache, without code and pickles. Raises UserError for anything else,
    for weights that are not safetensors, and where the hub has no answer.
    """
    model = os.fspath(model)
    if model.startswith("hf:"):
        root = _snapshot(model)
    else:
        root = Path(model)
        if not root.is_dir():
            raise UserError(
                f"{model} is not a directory; a model is a directory with its config.json and "
                f"weights, or hf:owner/name to fetch it from the hub."
            )
    directory = root / _transformer_of(root)
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        pickles = [path.name for path in directory.iterdir() if path.suffix in _PICKLES]
        also = f" {pickles[0]} is not read, because it could run code." if pickles else ""
        raise UserError(f"{directory} holds no weights in safetensors.{also}")
    name, commit = _cached_name(root.resolve())
    return ModelSource(root, directory, name, commit or _digest(root), _config(directory))


def _snapshot(model: str) -> Path:
    repository, _, revision = model.removeprefix("hf:").partition("@")
    if not re.fullmatch(r"(\w[\w.-]*/)?\w[\w.-]*", repository):
        raise UserError(f"{model} is not the name of a repository; expected hf:owner/name.")
    hub = require("huggingface_hub", "models of a hub", "models")
    try:
        directory = hub.snapshot_download(
            repository, revision=revision or None, allow_patterns=list(_WANTED)
        )
    # Names, addresses, rights, proxies and the network fail with errors of four libraries.
    except Exception as error:
        raise UserError(f"{model} cannot be fetched ({one_line(error)}).") from None
    return Path(directory)


def _transformer_of(root: Path) -> str:
    """The folder of the transformer in a directory of sentence-transformers; else the root."""
    if not (root / "modules.json").exists():
        return ""
    modules = read_json(root / "modules.json")
    try:
        folder = str(modules[0]["path"])
    except (KeyError, IndexError, TypeError):
        raise UserError(f"{root / 'modules.json'} does not list modules.") from None
    if Path(folder).is_absolute() or ".." in Path(folder).parts:
        raise UserError(f"{root / 'modules.json'} names a folder outside of the model: {folder}.")
    return folder


def _cached_name(root: Path) -> tuple[str, str | None]:
    """Return "owner/name" and the commit of a snapshot in the hub's cache, or just a name."""
    if root.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", root.name):
        return root.parent.parent.name.removeprefix("models--").replace("--", "/", 1), root.name
    return root.name, None


def _config(directory: Path) -> dict[str, Any]:
    path = directory / "config.json"
    if not path.exists():
        raise UserError(f"{directory} holds no config.json; expected a saved model.")
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}; expected an object.")
    return content


def _digest(root: Path) -> str:
    """A sha256 over names and contents of the files that decide the features."""
    files = sorted({path for pattern in _WANTED for path in root.rglob(pattern) if path.is_file()})
    parts = {path.relative_to(root).as_posix(): sha256_of_file(path) for path in files}
    return "sha256:" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
