"""Vision transformers, and the vision towers of image-text models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..errors import UserError
from .batches import Item
from .encoder import Encoded, choose_pooling, memory_of_token
from .last_norm import LastNorm
from .loading import load_companion, load_config, load_weights
from .source import ModelSource

_ALLOWED = ("cls", "mean")


class ImageEncoder:
    """Images through a vision transformer of transformers.

    Pooling cls is the class token; mean is over the patches, without class and register tokens.
    Hidden states are those of the library: most of its vision models leave out the last norm.
    """

    pads = False
    extras = ()
    packages = ("transformers", "pillow")

    def __init__(self, source: ModelSource, pooling: str | None, dtype: str, device: str) -> None:
        self.pooling = choose_pooling(pooling, _ALLOWED, "cls", "images")
        config = load_config(source)
        config = getattr(config, "vision_config", config)
        if not isinstance(getattr(config, "patch_size", None), int):
            raise UserError(
                f"{source.directory} is a {config.model_type}, which has no patches of one size; "
                "expected a vision transformer such as ViT, DINOv2, CLIP or MAE."
            )
        if config.model_type == "vit_mae":
            config.mask_ratio = 0.0
        self._masks = config.model_type == "vit_mae"
        self._patch = config.patch_size
        self._processor = load_companion(source, "AutoImageProcessor")
        self._model = load_weights(source, "AutoModel", config, dtype, device)
        self._last_norm = LastNorm(self._model)
        self.parameters = sum(weights.numel() for weights in self._model.parameters())
        self._dtype = getattr(torch, dtype)
        self._device = device
        side = config.image_size if isinstance(config.image_size, int) else max(config.image_size)
        self._tokens = (side // self._patch) ** 2 + 1
        self.bytes_per_token = memory_of_token(config, dtype)
        self.preprocessing = processor_settings(self._processor)

    def measure(self, samples: Sequence[Any], first_row: int) -> list[Item]:
        return [
            Item(first_row + number, self._tokens, sample) for number, sample in enumerate(samples)
        ]

    @torch.inference_mode()
    def encode(self, items: Sequence[Item]) -> Encoded:
        images = [item.payload.load() for item in items]
        pixels = self._processor(images=images, return_tensors="pt")["pixel_values"]
        pixels = pixels.to(self._device, self._dtype)
        patches = (pixels.shape[-2] // self._patch) * (pixels.shape[-1] // self._patch)
        inputs: dict[str, Any] = {"pixel_values": pixels}
        if self._masks:
            # It shuffles the patches by sorting noise, even where it keeps them all.
            inputs["noise"] = torch.arange(patches, device=self._device).repeat(len(items), 1)
        states = self._model(**inputs, output_hidden_states=True).hidden_states
        prefix = states[0].shape[1] - patches
        if self.pooling == "cls" and prefix < 1:
            raise UserError(
                f"{type(self._model).__name__} has no class token; expected --pool mean."
            )
        if self.pooling == "cls":
            pooled = [layer[:, 0].float().cpu() for layer in states]
        else:
            pooled = [layer[:, prefix:].float().mean(1).cpu() for layer in states]
        return Encoded(pooled, last_is_normed=self._last_norm.gave(states[-1]))


def processor_settings(processor: Any) -> dict[str, Any]:
    """Return a processor's class and numbers, as the header keeps them."""
    settings = {
        name: value
        for name, value in processor.to_dict().items()
        if isinstance(value, (bool, int, float, str, list, dict)) and not name.startswith("_")
    }
    # Filter banks and windows follow from the other settings.
    for name in ("mel_filters", "window"):
        settings.pop(name, None)
    return {**settings, "processor": type(processor).__name__}
