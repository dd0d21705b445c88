"""Language models, sentence encoders and the text towers of image-text models."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import UserError
from .batches import Item
from .bits import bits_per_byte
from .encoder import Encoded, choose_pooling, memory_of_token
from .last_norm import LastNorm
from .loading import load_companion, load_config, load_weights
from .pooling import POOLINGS, pool_tokens
from .sentence import sentence_settings
from .source import ModelSource

BITS = "bits_per_byte"
# Tokenizers without a limit of their own claim one of this order.
_NO_LIMIT = 10**6


@dataclass(frozen=True)
class TokenizedText:
    text: str
    tokens: list[int]


class TextEncoder:
    """Texts through a model of transformers.

    Padding is on the right by default, whatever the tokenizer says: there it changes nothing for
    a causal model, nor for one with absolute positions. ``padding="left"`` is for causal models;
    positions are counted from the first token of the text.
    """

    pads = True
    packages = ("transformers", "tokenizers")

    def __init__(
        self,
        source: ModelSource,
        pooling: str | None,
        dtype: str,
        device: str,
        padding: str,
        max_tokens: int | None,
    ) -> None:
        config = load_config(source)
        sentence = sentence_settings(source.root, pooling)
        tower = getattr(config, "text_config", None) if hasattr(config, "vision_config") else None
        self._causal = tower is None and _predicts_next_token(source)
        one_way = self._causal or getattr(tower or config, "model_type", "") == "clip_text_model"
        if padding == "left" and not self._causal:
            raise UserError(
                f"--padding left is for causal language models; {source.directory} is not one."
            )
        self.pooling = choose_pooling(
            pooling,
            tuple(name for name in POOLINGS if not (one_way and name == "cls")),
            sentence.pooling if sentence else "mean",
            "a causal model, whose first token sees no other" if one_way else "texts",
        )
        self._tokenizer = load_companion(source, "AutoTokenizer")
        model = load_weights(
            source,
            "AutoModelForCausalLM" if self._causal else "AutoModel",
            tower or config,
            dtype,
            device,
        )
        self.parameters = sum(weights.numel() for weights in model.parameters())
        if getattr(config, "is_encoder_decoder", False):
            model = model.get_encoder()
        self._model = model
        self._last_norm = LastNorm(model)
        self._device = device
        self._padding = padding
        takes_positions = "position_ids" in inspect.signature(model.forward).parameters
        self._positions = padding == "left" and takes_positions
        self._lower = bool(sentence and sentence.lower_case)
        self._max_tokens = _limit(
            max_tokens,
            sentence.max_tokens if sentence else None,
            self._tokenizer.model_max_length,
            getattr(tower or config, "max_position_embeddings", None),
        )
        pad = self._tokenizer.pad_token_id
        self._pad = 0 if pad is None else pad
        self.extras = (BITS,) if self._causal else ()
        vocabulary = getattr(config, "vocab_size", 0) if self._causal else 0
        self.bytes_per_token = memory_of_token(tower or config, dtype, vocabulary)
        self.preprocessing = {
            "tokenizer": type(self._tokenizer).__name__,
            "max_tokens": self._max_tokens,
            "padding": padding,
            "lower_case": self._lower,
        }
        if sentence:
            self.preprocessing["modules_not_run"] = list(sentence.left_out)

    def measure(self, samples: Sequence[str], first_row: int) -> list[Item]:
        """Tokenize; a text without a token of its own is a UserError that names its row."""
        texts = [text.lower() for text in samples] if self._lower else list(samples)
        cut = {"truncation": True, "max_length": self._max_tokens} if self._max_tokens else {}
        encoded = self._tokenizer(
            texts, return_special_tokens_mask=True, return_attention_mask=False, **cut
        )
        items = []
        for number, text in enumerate(texts):
            tokens = encoded["input_ids"][number]
            if all(encoded["special_tokens_mask"][number]):
                raise UserError(
                    f"Sample {first_row + number} is {text!r}, which has no tokens and so no "
                    "features; leave it out, on both sides of a pair."
                )
            full = self._max_tokens is not None and len(tokens) >= self._max_tokens
            was_cut = full and len(self._tokenizer(text)["input_ids"]) > len(tokens)
            payload = TokenizedText(samples[number], tokens)
            items.append(Item(first_row + number, len(tokens), payload, was_cut))
        return items

    @torch.inference_mode()
    def encode(self, items: Sequence[Item]) -> Encoded:
        """Run a padded batch; bits per byte are NaN for a text that was cut or is one token."""
        longest = max(item.length for item in items)
        tokens = torch.full((len(items), longest), self._pad, dtype=torch.long)
        mask = torch.zeros((len(items), longest), dtype=torch.bool)
        for row, item in enumerate(items):
            start = longest - item.length if self._padding == "left" else 0
            tokens[row, start : start + item.length] = torch.tensor(item.payload.tokens)
            mask[row, start : start + item.length] = True
        tokens, mask = tokens.to(self._device), mask.to(self._device)
        inputs: dict[str, Any] = {"input_ids": tokens, "attention_mask": mask.long()}
        if self._positions:
            inputs["position_ids"] = (mask.long().cumsum(1) - 1).clamp_(min=0)
        if self._causal:
            inputs["use_cache"] = False
        output = self._model(**inputs, output_hidden_states=True)
        layers = [pool_tokens(states, mask, self.pooling).cpu() for states in output.hidden_states]
        normed = self._last_norm.gave(output.hidden_states[-1])
        if not self._causal:
            return Encoded(layers, last_is_normed=normed)
        bits = bits_per_byte(output.logits, tokens, mask, [item.payload.text for item in items])
        bits[torch.tensor([item.cut for item in items])] = torch.nan
        return Encoded(layers, {BITS: bits.numpy()}, normed)


def _predicts_next_token(source: ModelSource) -> bool:
    names = source.config.get("architectures") or [""]
    # BERT's head of that name is trained on masked tokens, seen from both sides.
    return str(names[0]).endswith(("ForCausalLM", "LMHeadModel")) and names[0] != "BertLMHeadModel"


def _limit(asked: int | None, *others: int | None) -> int | None:
    if asked is not None:
        return asked
    known = [value for value in others if isinstance(value, int) and 0 < value < _NO_LIMIT]
    return min(known, default=None)
