"""Unimodal encoders of any depth that show the representation of every layer."""

from __future__ import annotations

from .build import ENCODERS, Classifier, build_encoder
from .mlp import MLP
from .patch_vit import PatchViT
from .transformer import Transformer

__all__ = ["ENCODERS", "MLP", "Classifier", "PatchViT", "Transformer", "build_encoder"]
