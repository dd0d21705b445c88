"""Ready-made synthetic studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...data.synthetic import SyntheticSettings, synthetic_data
from ...errors import UserError
from ..hyperparameters import Hyperparameters
from .cell import MetricRequest
from .description import Grid, SyntheticStudy
from .hyperparameters import PUBLISHED

_GRIDS: dict[str, dict[str, Sequence[int]]] = {
    "quick": {
        "uniqueness": (0, 2, 4, 6, 8),
        "transform_depths": (1, 5, 9),
        "depths": (1, 2, 4),
        "seeds": range(4),
        "epochs": (15, 25),
    },
    "paper": {
        "uniqueness": range(9),
        "transform_depths": range(1, 11),
        "depths": range(1, 11),
        "seeds": range(1),
        "epochs": (50, 300),
    },
    "corrected": {
        "uniqueness": range(9),
        "transform_depths": (1, 5, 9),
        "depths": (1, 2, 3, 4, 6, 10),
        "seeds": range(10),
        "epochs": (50, 300),
    },
}
PRESETS = tuple(_GRIDS)
_ALIGNED = {"quick": 1024, "paper": 512}  # of "corrected", half of the test samples

_UNIT_ROWS_BANDWIDTH = {"kernel": "rbf", "sigma": 1.0}
_METRICS_AS_PUBLISHED = (
    MetricRequest("unbiased_cka", {"kernel": "linear"}),
    MetricRequest("unbiased_cka", _UNIT_ROWS_BANDWIDTH),
    MetricRequest("mutual_knn", {"k": 100}),
    MetricRequest("svcca", {"components": 10}),
    MetricRequest("cmd"),
)
_METRICS_CORRECTED = (
    MetricRequest("mutual_knn", {"k": 10}, calibrated=True),
    MetricRequest("unbiased_cka", {"kernel": "linear"}, calibrated=True),
    MetricRequest("unbiased_cka", _UNIT_ROWS_BANDWIDTH),
    MetricRequest("svcca", {"components": 10}),
)


def synthetic_study(
    preset: str,
    *,
    seeds: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    uniqueness: Sequence[int] | None = None,
    transform_depths: Sequence[int] | None = None,
    epochs: tuple[int, int] | None = None,
    tuned: Mapping[tuple[int, int], Hyperparameters] | None = None,
) -> SyntheticStudy:
    """The synthetic study of arXiv 2502.16282, at once, as published, or corrected.

    preset: "paper" trains every encoder of the published grid (uniqueness 0 to 8, transform depths
            and encoder depths 1 to 10; 50 epochs on view 1, 300 on view 2) on the published data
            and measures on the first 512 test samples, k = 100 of them. "corrected" has one split
            for all cells, transforms drawn anew for each of ten seeds, alignment on one half of all
            test samples and accuracy on the other, best layers held against permutations, and
            beside the published task the balanced one, whose synergy is zero at every uniqueness.
            "quick" is "corrected" with fewer epochs, seeds and samples, for a minute.
    seeds, depths, uniqueness, transform_depths, epochs (of view 1 and 2), tuned: in place of the
            preset's; ``tuned`` must have what is needed for every redundancy and view.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    asked = {
        "uniqueness": uniqueness,
        "transform_depths": transform_depths,
        "depths": depths,
        "seeds": seeds,
        "epochs": epochs,
    }
    chosen = {
        name: tuple(_GRIDS[preset][name] if value is None else value)
        for name, value in asked.items()
    }
    levels, transforms = chosen["uniqueness"], chosen["transform_depths"]
    published = preset == "paper"
    if published:
        grids = (Grid(SyntheticSettings(), levels, transforms),)
    else:
        even = tuple(level for level in levels if level % 2 == 0) or levels
        grids = (
            Grid(SyntheticSettings(split="paired"), levels, transforms),
            Grid(SyntheticSettings(task="balanced", split="paired"), even, transforms),
        )
    test_samples = len(synthetic_data(grids[0].settings, 0, 0).splits["test"])
    return SyntheticStudy(
        preset=preset,
        grids=grids,
        depths=chosen["depths"],
        seeds=chosen["seeds"],
        own_transforms=not published,
        epochs=chosen["epochs"],
        tuned=dict(tuned or PUBLISHED),
        depths_1=tuple(sorted({1, 2, 3} & set(chosen["depths"])) if published else ()) or (1,),
        aligned=_ALIGNED.get(preset, test_samples // 2),
        held=not published,
        metrics=_METRICS_AS_PUBLISHED if published else _METRICS_CORRECTED,
        permutations=0 if published else 39,
    )
