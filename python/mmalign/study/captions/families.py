"""Families of vision models, by the names of their models."""

from __future__ import annotations

import re

#: The published families and the names of their models in timm; the first that fits.
FAMILIES = {
    "DINOv2": r"dinov2",
    "ImageNet-21k": r"augreg_in21k",
    "CLIP I12k-ft": r"clip.*ft_in12k",
    "CLIP": r"clip",
    "MAE": r"(?<![a-z])mae(?![a-z])",
}


def family_of(model: str) -> str:
    """Return the published family that a model's name belongs to, or else the name itself.

    >>> family_of("vit_large_patch14_dinov2.lvd142m"), family_of("vit_base_patch16_224.mae")
    ('DINOv2', 'MAE')
    """
    for family, pattern in FAMILIES.items():
        if re.search(pattern, model.lower()):
            return family
    return model
