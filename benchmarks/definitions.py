"""The metrics of the conformance table: what each is, and how it is asked of `mmkernels`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Metric:
    """A function of `mmkernels`, whose float64 reference has the same name and options.

    `samples`: only so many, where the reference needs too much memory for all.
    """

    name: str
    definition: str
    function: str
    options: Mapping[str, Any] = field(default_factory=dict)
    samples: int | None = None

    def truth(self, reference: ModuleType, x: np.ndarray, y: np.ndarray, **case: Any) -> float:
        """Options of a case replace those of that name."""
        options = {name: case.get(name, value) for name, value in self.options.items()}
        few = slice(self.samples)
        return float(getattr(reference, self.function)(x[few], y[few], **options))

    def ours(self, module: ModuleType, x: np.ndarray, y: np.ndarray, **case: Any) -> float:
        return self.truth(module, x, y, **case)

    def spelled(self, function: str | None = None) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"{function or self.function}(x, y{options})"


@dataclass(frozen=True)
class Streamed(Metric):
    """A class of `mmkernels` that sees a batch at a time; the truth is that of all at once."""

    batch: int = 64

    def ours(self, module: ModuleType, x: np.ndarray, y: np.ndarray, **case: Any) -> float:
        stream = module.LinearCKA()
        for start in range(0, len(x), self.batch):
            stream.update(x[start : start + self.batch], y[start : start + self.batch])
        return float(stream.compute())

    def spelled(self, function: str | None = None) -> str:
        return super().spelled(function) if function else "LinearCKA().update(batches).compute()"


def _family(start: str, function: str, options: Mapping[str, Any], **members: Any) -> list[Metric]:
    """Metrics that differ in one option: member=(definition, more options)."""
    return [
        Metric(f"{start}_{member}", definition, function, {**options, **more})
        for member, (definition, more) in members.items()
    ]


K = {"k": 10}
RBF = {"kernel": "rbf", "sigma": 1.0}
LAPLACIAN = {"kernel": "laplacian", "sigma": 2.0}
POLYNOMIAL = {"kernel": "polynomial"}
BIASED, UNBIASED = {"unbiased": False}, {"unbiased": True}

METRICS: tuple[Metric, ...] = (
    Metric("mutual_knn", "mean share of the 10 nearest by cosine that are common", "mutual_knn", K),
    Metric("jaccard_knn", "common over all in either list", "jaccard_knn", K),
    Metric("cycle_knn", "share that are x-neighbours of their y-neighbours", "cycle_knn", K),
    Metric("lcs_knn", "mean longest common subsequence of the ordered lists", "lcs_knn", K),
    Metric("edit_distance_knn", "1 - mean Levenshtein distance / k", "edit_distance_knn", K),
    Metric("rank_similarity", "closeness of the ranks of common neighbours", "rank_similarity", K),
    Metric(
        "second_order_cosine", "cosine of the similarities to either list", "second_order_cosine", K
    ),
    *_family(
        "cknna",
        "cknna",
        K,
        reference=(
            "HSIC of the masked kernels, as in the code of Huh et al. 2024",
            {"variant": "reference"},
        ),
        paper=("masked product of the centred kernels, as in their paper", {"variant": "paper"}),
    ),
    *_family(
        "cka",
        "cka",
        {},
        linear_biased=("linear kernel", BIASED),
        linear_unbiased=("linear kernel, U-statistics (Song et al. 2012)", UNBIASED),
        linear_lange=("linear kernel, the estimate of Lange et al. 2023", {"estimator": "lange"}),
        rbf_biased=("Gaussian kernel, sigma 1", {**RBF, **BIASED}),
        rbf_unbiased=("Gaussian kernel, sigma 1, U-statistics", {**RBF, **UNBIASED}),
        rbf_median_biased=(
            "Gaussian kernel, sigma the median distance",
            {"kernel": "rbf", **BIASED},
        ),
        cosine_biased=("cosine kernel", {"kernel": "cosine", **BIASED}),
        laplacian_biased=("Laplacian kernel, exp(-distance / 2)", {**LAPLACIAN, **BIASED}),
        laplacian_unbiased=(
            "Laplacian kernel, exp(-distance / 2), U-statistics",
            {**LAPLACIAN, **UNBIASED},
        ),
        polynomial_biased=("polynomial kernel, (x.y / d + 1)^3", {**POLYNOMIAL, **BIASED}),
    ),
    Streamed(
        "cka_linear_streamed",
        "linear kernel, U-statistics of all samples, seen 64 at a time",
        "cka",
    ),
    *_family(
        "hsic",
        "hsic",
        {},
        gretton=("linear kernel, tr(KHLH) / (n - 1)^2", {"estimator": "gretton"}),
        song=("linear kernel, U-statistic", {"estimator": "song"}),
        lange=("linear kernel, Lange et al. 2023", {"estimator": "lange"}),
    ),
    Metric(
        "distance_correlation",
        "square root of the V-statistics' ratio",
        "distance_correlation",
        BIASED,
    ),
    Metric(
        "distance_correlation_unbiased",
        "ratio of the U-statistics",
        "distance_correlation",
        UNBIASED,
    ),
    Metric("cmd", "cosine of the two linear kernels, not centred", "cmd"),
    Metric("cca", "mean canonical correlation", "cca"),
    Metric(
        "cca_mean_squared", "mean squared canonical correlation", "cca", {"summary": "mean_squared"}
    ),
    Metric(
        "svcca",
        "... of 10 principal directions of standardised features",
        "svcca",
        {"components": 10},
    ),
    Metric(
        "svcca_variance",
        "... of the directions with 99 % of the variance",
        "svcca",
        {"variance": 0.99},
    ),
    Metric("pwcca", "canonical correlations weighted by what they explain of x", "pwcca"),
    Metric("procrustes", "sum of singular values of X'Y, centred, norm 1", "procrustes"),
    Metric("procrustes_distance", "sqrt(2 - 2 procrustes)", "procrustes_distance"),
    Metric("angular_shape_distance", "arccos of procrustes", "angular_shape_distance"),
    *[
        Metric(
            f"rsa_{distance}_{compare}",
            f"{compare} of the {distance} distances{', 64 samples' * (compare == 'kendall')}",
            "rsa",
            {"distance": distance, "compare": compare},
            64 if compare == "kendall" else None,
        )
        for distance, comparisons in {
            "correlation": ("spearman", "pearson", "kendall", "cosine"),
            "euclidean": ("spearman", "pearson"),
            "cosine": ("pearson",),
        }.items()
        for compare in comparisons
    ],
    Metric("linear_regression", "share of the variance of y that x explains", "linear_regression"),
    Metric(
        "linear_predictivity",
        "R^2 of least squares on samples left out, 5 folds",
        "linear_predictivity",
        {"ridge": 0.0},
    ),
)
