"""Models of the transformers library from a directory: no network, no code, nothing random."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..data.arrays import one_line
from ..errors import UserError
from ..optional import require
from .source import ModelSource

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")
# transformers would fetch other implementations of attention from a hub and run them.
_ATTENTION = (None, "eager", "sdpa", "flash_attention_2", "flex_attention")
# Parts that do not take part in the hidden states, and that many checkpoints lack.
_UNUSED = ("pooler", "masked_spec_embed", "mask_token")
_LOCAL = {"local_files_only": True, "trust_remote_code": False}


def load_config(source: ModelSource) -> Any:
    """Return the configuration; unknown kinds, and those that need code, are UserErrors."""
    auto = require("transformers", "models", "models")
    with _named(source, "its configuration"):
        config = auto.AutoConfig.from_pretrained(source.directory, **_LOCAL)
    for part in (config, *_parts(config)):
        asked = getattr(part, "_attn_implementation", None)
        if asked not in _ATTENTION:
            raise UserError(
                f"{source.directory} asks for attention by {asked!r}, which could run code; "
                f"allowed are {', '.join(filter(None, _ATTENTION))}."
            )
    return config


def load_companion(source: ModelSource, kind: str) -> Any:
    """Return the tokenizer, image processor or feature extractor: ``kind`` is its Auto class."""
    auto = require("transformers", "models", "models")
    with _named(source, f"what {kind} reads"):
        return getattr(auto, kind).from_pretrained(source.directory, **_LOCAL)


def load_weights(
    source: ModelSource, auto_class: str, config: Any, dtype: str, device: str
) -> torch.nn.Module:
    """Return the model in evaluation mode, with every weight that counts taken from the files.

    auto_class: a name such as AutoModel. config: the model's, or that of one of its towers.
    """
    torch = require("torch", "models")
    transformers = require("transformers", "models", "models")
    recent = int(transformers.__version__.partition(".")[0]) >= 5
    with _named(source, "its weights"):
        model, information = getattr(transformers, auto_class).from_pretrained(
            source.directory,
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            **{"dtype" if recent else "torch_dtype": getattr(torch, dtype)},
            **_LOCAL,
        )
    missing = sorted(
        name for name in information["missing_keys"] if not set(name.split(".")) & set(_UNUSED)
    )
    if missing or information["mismatched_keys"]:
        what = missing[0] if missing else str(sorted(information["mismatched_keys"])[0])
        raise UserError(
            f"{source.directory}: its weights do not fit a {type(model).__name__}: {what} is "
            "missing or of another shape, and would be random."
        )
    return model.to(device).eval()


def _parts(config: Any) -> Iterator[Any]:
    for value in vars(config).values():
        if hasattr(value, "to_diff_dict"):
            yield value
            yield from _parts(value)


@contextmanager
def _named(source: ModelSource, what: str) -> Iterator[None]:
    try:
        yield
    except (UserError, KeyboardInterrupt, MemoryError):
        raise
    except ModuleNotFoundError as error:
        raise UserError(
            f"{source.directory}: {what} needs the package {error.name}, which is not installed."
        ) from None
    # A damaged or foreign model meets code all over transformers, each with its own errors.
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise UserError(
                f"{source.directory} needs code that comes with the model, which is never run; "
                "only models that transformers knows are read."
            ) from None
        raise UserError(
            f"{source.directory}: {what} cannot be loaded ({one_line(error)})."
        ) from None
