"""The metrics that can be measured, and the options each takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEIGHBORS = ("k", "similarity")
KERNELS = ("kernel", "sigma", "biased")
# Every metric, and which options it takes.
METRICS: dict[str, tuple[str, ...]] = {
    "mutual_knn": NEIGHBORS,
    "cka": KERNELS,
    "jaccard_knn": NEIGHBORS,
    "cycle_knn": NEIGHBORS,
    "lcs_knn": NEIGHBORS,
    "edit_distance_knn": NEIGHBORS,
    "rank_similarity": NEIGHBORS,
    "second_order_cosine": NEIGHBORS,
    "cknna": ("k",),
    "hsic": KERNELS,
    "distance_correlation": (),
    "cmd": (),
    "cca": (),
    "svcca": (),
    "pwcca": (),
    "procrustes": (),
    "procrustes_distance": (),
    "angular_shape_distance": (),
    "rsa": (),
    "linear_predictivity": (),
    "linear_regression": (),
}
#: Those that look at the indices of neighbours and at nothing else.
ON_LISTS = (
    "mutual_knn",
    "jaccard_knn",
    "cycle_knn",
    "lcs_knn",
    "edit_distance_knn",
    "rank_similarity",
)
#: Those that look at a kernel matrix and at nothing else.
ON_KERNELS = ("cka", "hsic")
# Equal representations score something else: k, a number with the units of the features, or 0.
_NOT_AT_MOST_1 = ("lcs_knn", "hsic", "procrustes_distance", "angular_shape_distance")


@dataclass(frozen=True)
class Metric:
    """A metric with all its options, as :mod:`mmkernels` names them."""

    name: str
    options: Mapping[str, Any]

    @property
    def engine_name(self) -> str:
        """What :func:`mmkernels.measure_matrix` calls it."""
        return f"unbiased_{self.name}" if self.options.get("unbiased") else self.name

    @property
    def engine_options(self) -> dict[str, Any]:
        """The keyword arguments of :func:`mmkernels.measure_matrix`."""
        return {name: value for name, value in self.options.items() if name != "unbiased"}

    @property
    def is_distance(self) -> bool:
        """Whether less is more alike."""
        return self.name.endswith("_distance")

    @property
    def highest_is_1(self) -> bool:
        """Whether equal representations score 1."""
        return self.name not in _NOT_AT_MOST_1

    def chance(self, n: int) -> float | None:
        """The expected score of n unrelated samples, where it does not depend on their features."""
        if self.name == "mutual_knn":
            return self.options["k"] / max(n - 1, 1)
        return 0.0 if self.options.get("unbiased") else None

    def describe(self) -> dict[str, Any]:
        """As plain JSON content."""
        return {"metric": self.name, "options": dict(self.options)}


def metric(
    name: str,
    *,
    k: int | None = None,
    similarity: str | None = None,
    kernel: str | None = None,
    sigma: float | str | None = None,
    biased: bool | None = None,
) -> Metric:
    """The metric called ``name``, with the defaults of what is None: k = 10, cosine, linear kernel.

    Options that the metric does not take are passed over.
    """
    names = METRICS[name]
    options: dict[str, Any] = {}
    if "k" in names:
        options["k"] = 10 if k is None else k
    if "similarity" in names:
        options["metric"] = similarity or "cosine"
    if "kernel" in names:
        options["kernel"] = kernel or "linear"
        wide = options["kernel"] in ("rbf", "laplacian")
        options["sigma"] = sigma or ("median" if wide else None)
        options["unbiased"] = not biased
    return Metric(name, options)
