"""The fixed inputs of the conformance table: ordinary ones, and those on which libraries fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ORDINARY = "ordinary"
PAIRS, DTYPES = ("A-B", "A-C"), ("float64", "float32")


@dataclass(frozen=True)
class Case:
    """Two representations and the metrics that are asked of them; none: all of them.

    `undefined` says why there is no true number: then an error or a NaN is right and a number is
    made up.
    """

    name: str
    what: str
    x: np.ndarray
    y: np.ndarray
    metrics: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    undefined: str = ""

    def asks(self, metric: str) -> bool:
        return not self.metrics or metric in self.metrics

    @property
    def kind(self) -> str:
        """What reasons are given for: all ordinary cases are one."""
        return self.name if self.metrics else ORDINARY


def views() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A and B share eight factors, C is independent of both; 256 rows of unit length, float64."""
    draw = np.random.RandomState(0)
    z = draw.randn(256, 8)
    a = z @ draw.randn(8, 16) + 0.5 * draw.randn(256, 16)
    b = np.tanh(z @ draw.randn(8, 24)) + 0.5 * draw.randn(256, 24)
    c = draw.randn(256, 24)
    return tuple(view / np.linalg.norm(view, axis=1, keepdims=True) for view in (a, b, c))


def ordinary() -> tuple[Case, ...]:
    """Both pairs in both types: what is called agreement holds on all four."""
    a, b, c = views()
    return tuple(
        Case(f"{pair}-{dtype}", f"{pair} in {dtype}", x.astype(dtype), y.astype(dtype))
        for dtype in DTYPES
        for pair, (x, y) in zip(PAIRS, ((a, b), (a, c)), strict=True)
    )


LISTS = ("mutual_knn", "jaccard_knn", "cknna_reference")
CKA = ("cka_linear_biased", "cka_linear_unbiased")
SHAPES = ("procrustes", "procrustes_distance", "angular_shape_distance")


def hard() -> tuple[Case, ...]:
    a, b, c = views()
    draw = np.random.RandomState(1)
    single = np.float32

    wide = draw.randn(64, 8192).astype(single)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    fourfold = draw.randn(50, 16)[np.arange(200) % 50].astype(single)
    apart = fourfold + 0.3 * draw.randn(200, 16).astype(single)
    holes = [draw.randn(200, 16).astype(single) for _ in range(2)]
    for view in holes:
        view[draw.permutation(200)[:60]] = 0
    missing = a.copy()
    missing[7, 3] = np.nan
    few = [view[:20] for view in (a, c)]
    loud = (200 + 100 * draw.randn(256, 64)).astype(np.float16)
    heard = loud.astype(single) @ draw.randn(64, 64) / 8 + 30 * draw.randn(256, 64)

    return (
        Case(
            "offset",
            "A + 100 and B + 100 in float32: the mean of a feature is some 400 times its spread",
            (a + 100).astype(single),
            (b + 100).astype(single),
            (
                *CKA,
                "cka_rbf_biased",
                "distance_correlation",
                "cca",
                *SHAPES,
                "rsa_euclidean_pearson",
            ),
        ),
        Case(
            "small",
            "0.01 A with itself in float32: every similarity is 1",
            (0.01 * a).astype(single),
            (0.01 * a).astype(single),
            (*CKA, *LISTS, "cca", "svcca", "pwcca", "distance_correlation"),
        ),
        Case(
            "wide",
            "64 random unit rows of 8192 features with themselves in float32",
            wide,
            wide,
            (*CKA, *LISTS),
        ),
        Case(
            "duplicates",
            "50 random rows, each four times, and the same with noise; k = 3, and the 3 nearest of "
            "a row of the first are its copies",
            fourfold,
            apart,
            ("mutual_knn", "jaccard_knn"),
            {"k": 3},
        ),
        Case(
            "zero_rows",
            "independent data, a different 30 % of the rows of each zero",
            *holes,
            ("mutual_knn", "jaccard_knn"),
            undefined="a row of zeros has no direction",
        ),
        *(
            Case(
                name,
                f"A with features that are {value} in every row{remark}",
                a,
                np.full_like(b, value),
                (*CKA, "distance_correlation", "cca", *SHAPES, "rsa_euclidean_pearson"),
                undefined="0 / 0, a constant has no variance to share",
            )
            for name, value, remark in (
                ("constant", 1.0, ""),
                ("rounded_constant", 0.1, ", whose mean rounding makes another number"),
            )
        ),
        Case(
            "nan",
            "A with one NaN, and B",
            missing,
            b,
            (*CKA, *LISTS, "distance_correlation", "cca", *SHAPES, "rsa_euclidean_pearson"),
            undefined="one entry is not a number",
        ),
        Case(
            "too_few",
            "20 rows of A and C, k = 20",
            *few,
            ("mutual_knn", "jaccard_knn", "cknna_reference"),
            {"k": 20},
            undefined="a row has 19 neighbours",
        ),
        Case(
            "half",
            "entries of some hundreds in float16: their products leave its range",
            loud,
            heard.astype(np.float16),
            (*CKA, "mutual_knn", "distance_correlation", *SHAPES),
        ),
    )
