"""What a directory of sentence-transformers says beside its transformer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..files import read_json

_POOLING = {
    "mean": "mean",
    "mean_tokens": "mean",
    "cls": "cls",
    "cls_token": "cls",
    "lasttoken": "last",
}
_PREFIX = "pooling_mode_"


@dataclass(frozen=True)
class SentenceSettings:
    """Pooling, longest text in tokens, whether texts are put in lower case, modules not run."""

    pooling: str
    max_tokens: int | None
    lower_case: bool
    left_out: tuple[str, ...]


def sentence_settings(root: Path, pooling: str | None = None) -> SentenceSettings | None:
    """Read the settings of a sentence encoder; None for any other directory.

    pooling: what to use in place of its own. Without it, raises UserError where its own is another
    than one of mean, cls and last token.
    """
    if not (root / "modules.json").exists():
        return None
    modules = {
        str(module.get("type", "")).rpartition(".")[2]: str(module.get("path", ""))
        for module in read_json(root / "modules.json")
    }
    if pooling is None:
        has_own = "Pooling" in modules
        pooling = _pooling(root / modules["Pooling"] / "config.json") if has_own else "mean"
    settings = root / "sentence_bert_config.json"
    content = read_json(settings) if settings.exists() else {}
    left_out = tuple(name for name in modules if name not in ("Transformer", "Pooling"))
    limit = content.get("max_seq_length")
    return SentenceSettings(
        pooling,
        limit if isinstance(limit, int) else None,
        bool(content.get("do_lower_case", False)),
        left_out,
    )


def _pooling(path: Path) -> str:
    content = read_json(path)
    if "pooling_mode" in content:
        named = content["pooling_mode"]
        modes = [str(name) for name in (named if isinstance(named, list) else [named])]
    else:
        modes = [
            name.removeprefix(_PREFIX)
            for name, on in content.items()
            if name.startswith(_PREFIX) and on is True
        ]
    if len(modes) != 1 or modes[0] not in _POOLING:
        raise UserError(
            f"{path} pools by {' and '.join(modes) or 'nothing'}; choose mean, cls or last with "
            "--pool."
        )
    return _POOLING[modes[0]]
