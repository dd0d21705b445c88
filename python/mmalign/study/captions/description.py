"""What a study of captions asks, and the file that says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...files import read_json, write_json
from ...measure.metrics import Metric, metric
from ...measure.run import Request
from ...measure.treatment import Treatment
from ..directory import versions

NAME = "captions"


@dataclass(frozen=True)
class CaptionStudy:
    """Which captions, which features, how they are compared.

    captions:  the file of caption sets. captions_sha256: of its bytes.
    vision:    directory of vision features.
    features:  directory of language features, FEATURES/LEVEL/MODEL.safetensors.
    levels:    of the caption sets, rising.
    k:         neighbours.
    permutations: of the samples, for the null of the best pair of layers.
    """

    captions: Path
    captions_sha256: str
    vision: Path
    features: Path
    levels: tuple[int, ...]
    k: int = 10
    permutations: int = 200

    @property
    def metric(self) -> Metric:
        return metric("mutual_knn", k=self.k)

    @property
    def request(self) -> Request:
        """Mutual nearest neighbours by cosine, outliers clamped as in the published study."""
        return Request((self.metric,), Treatment(clamp=0.95), self.permutations)

    def describe(self, vision: Sequence[str], language: Sequence[str]) -> dict[str, Any]:
        """Return the study as plain JSON content."""
        return {
            "name": NAME,
            "captions": self.captions.name,
            "captions_sha256": self.captions_sha256,
            "levels": list(self.levels),
            "k": self.k,
            "permutations": self.permutations,
            "treatment": str(self.request.treatment),
            "vision_models": list(vision),
            "language_models": list(language),
        }


def begin(directory: Path, description: dict[str, Any]) -> None:
    """Write study.json, or check that the one there asks the same.

    Raises UserError, naming what differs, for the directory of another study.
    """
    file = directory / "study.json"
    asked = json.loads(json.dumps(description))
    if not file.exists():
        write_json(file, {**asked, "versions": versions()})
        return
    found = read_json(file)
    if not isinstance(found, dict):
        raise UserError(f"{file} does not describe a study.")
    for name, value in asked.items():
        if found.get(name) != value:
            raise UserError(
                f"{directory} holds another study: {name} is {_short(found.get(name))} there and "
                f"{_short(value)} here. Use another directory."
            )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
