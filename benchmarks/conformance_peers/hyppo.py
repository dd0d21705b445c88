"""hyppo: tests of independence; here, their statistics.

Its HSIC is the distance correlation of 1 - K / max K, which is CKA: the square root of it when
biased.
"""

from __future__ import annotations

from .peer import Call, Peer
from .reasons import NOISE


def dcorr(x, y, bias):
    from hyppo.independence import Dcorr

    return Dcorr(bias=bias).statistic(x, y)


def hsic(x, y, bias, **kernel):
    from hyppo.independence import Hsic

    found = Hsic(bias=bias, **kernel).statistic(x, y)
    return found**2 if bias else found


FLOAT32 = {"raises": "its compiled functions do not take float32 or float16"}
DEGENERATE = {
    **FLOAT32,
    "constant": "answers 0 where a variance is not above 0",
    "rounded_constant": NOISE,
}
LINEAR = {
    **DEGENERATE,
    "half": "takes the diagonal of 1 - K / max K for 0, as it is where rows have equal norms",
}
ONE_BANDWIDTH = {**FLOAT32, "ordinary": "takes the bandwidth of x for y too"}
L1 = {"ordinary": "its distance is the sum of absolute differences, not the Euclidean one"}


def correlation(metric, spelled, bias, reasons):
    return Call(metric, spelled, lambda x, y: dcorr(x, y, bias), reasons=reasons)


def cka(metric, spelled, bias, reasons, kernel="gaussian", **options):
    def call(x, y):
        return hsic(x, y, bias, compute_kernel=kernel, **options)

    return Call(metric, spelled, call, reasons=reasons)


PEER = Peer(
    name="hyppo",
    requirements=("hyppo==0.5.2",),
    calls=(
        correlation("distance_correlation", "Dcorr(bias=True)", True, DEGENERATE),
        correlation("distance_correlation_unbiased", "Dcorr()", False, FLOAT32),
        cka("cka_linear_biased", "Hsic('linear', bias=True) ** 2", True, DEGENERATE, "linear"),
        cka("cka_linear_unbiased", "Hsic('linear')", False, LINEAR, "linear"),
        cka("cka_rbf_biased", "Hsic(gamma=0.5, bias=True) ** 2", True, FLOAT32, gamma=0.5),
        cka("cka_rbf_unbiased", "Hsic(gamma=0.5)", False, FLOAT32, gamma=0.5),
        cka("cka_rbf_median_biased", "Hsic(bias=True) ** 2", True, ONE_BANDWIDTH),
        cka(
            "cka_laplacian_unbiased",
            "Hsic('laplacian', gamma=0.5)",
            False,
            L1,
            "laplacian",
            gamma=0.5,
        ),
    ),
)
