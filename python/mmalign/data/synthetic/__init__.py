"""Data whose redundancy, unique information and synergy are known exactly.

Two views of fair bits, some shared, some not, and a label that is a noisy function of a few of
them. The recipe is that of the synthetic study of Tjandrasuwita et al. 2025 (arXiv 2502.16282).
"""

from .generate import SyntheticData, synthetic_data
from .settings import SyntheticSettings, temperature_at_level, unique_split
from .truth import GroundTruth, ground_truth

__all__ = [
    "GroundTruth",
    "SyntheticData",
    "SyntheticSettings",
    "ground_truth",
    "synthetic_data",
    "temperature_at_level",
    "unique_split",
]
