"""Vision transformers of timm, from a directory in the layout that timm saves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import torch

from ..data.arrays import one_line
from ..errors import UserError
from ..optional import require
from .batches import Item
from .encoder import Encoded, choose_pooling
from .source import ModelSource


def is_timm(source: ModelSource) -> bool:
    """Tell timm's layout: its config.json names an architecture, transformers' a model type."""
    return "architecture" in source.config and "model_type" not in source.config


class TimmEncoder:
    """Images through a vision transformer of timm: the state after every block, before the norm.

    Pooling as for :class:`~mmalign.extract.image_encoder.ImageEncoder`. Layer 0 is the input of
    the first block.
    """

    pads = False
    extras = ()
    packages = ("timm", "torchvision", "pillow")

    def __init__(self, source: ModelSource, pooling: str | None, dtype: str, device: str) -> None:
        try:
            timm = require("timm", "models of timm", "models")
        except UserError:
            raise UserError(
                f"{source.directory} is a model of timm, which is not installed: pip install timm."
            ) from None
        safetensors = require("safetensors.torch", "weights")
        self.pooling = choose_pooling(pooling, ("cls", "mean"), "cls", "images")
        architecture = str(source.config["architecture"])
        arguments = dict(source.config.get("model_args", {}))
        if "num_classes" in source.config:
            arguments.setdefault("num_classes", source.config["num_classes"])
        # A name with a scheme, or an argument of the factory, could have other files loaded.
        foreign = set(inspect.signature(timm.create_model).parameters) & set(arguments)
        if foreign or not re.fullmatch(r"[\w.]+", architecture):
            raise UserError(
                f"{source.directory / 'config.json'} asks for {min(foreign, default=architecture)}"
                "; expected an architecture of timm and its own arguments."
            )
        try:
            model = timm.create_model(architecture, pretrained=False, **arguments)
            model.load_state_dict(
                safetensors.load_file(source.directory / "model.safetensors"), strict=True
            )
            data = timm.data.resolve_data_config(
                {}, pretrained_cfg=source.config.get("pretrained_cfg"), model=model
            )
            self._transform = timm.data.create_transform(**data, is_training=False)
        except Exception as error:
            raise UserError(
                f"{source.directory}: the model of timm cannot be loaded ({one_line(error)})."
            ) from None
        if not hasattr(model, "blocks") or not hasattr(model, "forward_intermediates"):
            raise UserError(
                f"{source.directory} is a {architecture}; of timm, vision "
                "transformers with blocks are read."
            )
        self.parameters = sum(weights.numel() for weights in model.parameters())
        self._prefix = model.num_prefix_tokens
        if self.pooling == "cls" and self._prefix < 1:
            raise UserError(f"{source.directory} has no class token; expected --pool mean.")
        self._dtype = getattr(torch, dtype)
        self._model = model.to(device, self._dtype).eval()
        self._device = device
        self._tokens = model.patch_embed.num_patches + self._prefix
        itemsize = 4 if dtype == "float32" else 2
        self.bytes_per_token = (len(model.blocks) + 17) * model.embed_dim * itemsize
        self.preprocessing = {
            name: list(value) if isinstance(value, tuple) else value for name, value in data.items()
        }

    def measure(self, samples: Sequence[Any], first_row: int) -> list[Item]:
        return [
            Item(first_row + number, self._tokens, sample) for number, sample in enumerate(samples)
        ]

    @torch.inference_mode()
    def encode(self, items: Sequence[Item]) -> Encoded:
        pixels = torch.stack([self._transform(item.payload.load()) for item in items])
        before: list[torch.Tensor] = []
        hook = self._model.blocks[0].register_forward_pre_hook(
            lambda module, inputs: before.append(inputs[0])
        )
        try:
            after = self._model.forward_intermediates(
                pixels.to(self._device, self._dtype),
                return_prefix_tokens=True,
                norm=False,
                output_fmt="NLC",
                intermediates_only=True,
            )
        finally:
            hook.remove()
        split = self._prefix
        # Without prefix tokens timm returns the patches alone.
        pairs = [(before[0][:, :split], before[0][:, split:])]
        pairs += [(one[1], one[0]) if split else (one[:, :0], one) for one in after]
        if self.pooling == "cls":
            return Encoded([prefix[:, 0].float().cpu() for prefix, _ in pairs])
        return Encoded([patches.float().mean(1).cpu() for _, patches in pairs])
