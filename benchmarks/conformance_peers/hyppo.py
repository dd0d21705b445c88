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


FLOAT32 = "its compiled functions do not take float32"
ZERO = "answers 0 where a variance is not above 0"
REASONS = {
    **dict.fromkeys(("ordinary", "offset", "small", "wide", "half"), FLOAT32),
    "constant": ZERO,
    "rounded_constant": NOISE,
}
ONE_BANDWIDTH = {"ordinary": f"{FLOAT32}; the bandwidth of x is taken for y too"}
MANHATTAN = {"ordinary": "its distance is the sum of absolute differences, not the Euclidean one"}


def cka(metric, spelled, bias, reasons=REASONS, **kernel):
    return Call(metric, spelled, lambda x, y: hsic(x, y, bias, **kernel), reasons=reasons)


LAPLACIAN = {"compute_kernel": "laplacian", "gamma": 0.5}

PEER = Peer(
    name="hyppo",
    requirements=("hyppo==0.5.2",),
    calls=(
        Call(
            "distance_correlation",
            "Dcorr(bias=True)",
            lambda x, y: dcorr(x, y, True),
            None,
            REASONS,
        ),
        Call(
            "distance_correlation_unbiased",
            "Dcorr()",
            lambda x, y: dcorr(x, y, False),
            None,
            REASONS,
        ),
        cka("cka_linear_biased", "Hsic('linear', bias=True) ** 2", True, compute_kernel="linear"),
        cka("cka_linear_unbiased", "Hsic('linear')", False, compute_kernel="linear"),
        cka("cka_rbf_biased", "Hsic(gamma=0.5, bias=True) ** 2", True, gamma=0.5),
        cka("cka_rbf_unbiased", "Hsic(gamma=0.5)", False, gamma=0.5),
        cka("cka_rbf_median_biased", "Hsic(bias=True) ** 2", True, ONE_BANDWIDTH),
        cka(
            "cka_laplacian_unbiased", "Hsic('laplacian', gamma=0.5)", False, MANHATTAN, **LAPLACIAN
        ),
    ),
)
