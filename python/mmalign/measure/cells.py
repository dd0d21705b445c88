"""What one result is made from; its hash names the file it is kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..study.cell import Hashed
from .metrics import Metric
from .models import Model
from .treatment import Treatment


@dataclass(frozen=True)
class ListsCell(Hashed):
    """The neighbours of every sample of a model in each of its layers."""

    kind: ClassVar[str] = "neighbours"

    model: Mapping[str, Any]
    treatment: Mapping[str, Any]
    k: int
    similarity: str

    __hash__ = Hashed.__hash__


@dataclass(frozen=True)
class PairCell(Hashed):
    """How alike all layers of two models are, and what the best pair scores by chance."""

    kind: ClassVar[str] = "measured pair"

    x: Mapping[str, Any]
    y: Mapping[str, Any]
    treatment: Mapping[str, Any]
    metric: Mapping[str, Any]
    permutations: int
    seed: int

    __hash__ = Hashed.__hash__


def identity(model: Model) -> dict[str, Any]:
    """The file of a model as it is now: another path or a later change is another model."""
    return {
        "path": str(model.path.resolve()),
        "stamp": list(model.stamp),
        "layer_axis": model.layer_axis,
    }


def lists_cell(model: Model, metric: Metric, treatment: Treatment) -> ListsCell:
    return ListsCell(
        identity(model), treatment.describe(), metric.options["k"], metric.options["metric"]
    )


def pair_cell(
    x: Model, y: Model, metric: Metric, treatment: Treatment, permutations: int, seed: int
) -> PairCell:
    # Without permutations nothing is drawn, whatever the seed.
    return PairCell(
        identity(x),
        identity(y),
        treatment.describe(),
        metric.describe(),
        permutations,
        seed if permutations else 0,
    )
