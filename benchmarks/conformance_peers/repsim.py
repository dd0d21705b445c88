"""repsim (of the package index): kernels, three estimates of HSIC, and canonical correlations.

It copies to float64. The score of two representations is an entry of its matrix of all pairs.
"""

from __future__ import annotations

from .peer import Call, Peer, options_text
from .reasons import NOISE


def pair(name, x, y, **options):
    import repsim

    return getattr(repsim, name)([x, y], **options)[0, 1]


def call(metric, name, reasons=None, **options):
    spelled = f"{name}([x, y]{options_text(options)})"
    return Call(metric, spelled, lambda x, y: pair(name, x, y, **options), "float64", reasons or {})


GRETTON = "divides by the biased HSIC of each side, whatever the estimator"
CLAMPS = "raises HSIC(y, y) to 1e-12, and so answers about 0"
CONSTANT = {"constant": CLAMPS, "rounded_constant": CLAMPS}

PEER = Peer(
    name="repsim",
    requirements=("repsim==0.1.5",),
    calls=(
        call("hsic_gretton", "hsic", kernel_type="linear", estimator="gretton"),
        call("hsic_song", "hsic", kernel_type="linear", estimator="song"),
        call("hsic_lange", "hsic", kernel_type="linear", estimator="lange"),
        call("cka_linear_biased", "cka", CONSTANT, kernel_type="linear", estimator="gretton"),
        call(
            "cka_linear_unbiased",
            "cka",
            {"*": GRETTON, **CONSTANT},
            kernel_type="linear",
            estimator="song",
        ),
        call("cka_linear_lange", "cka", {"*": GRETTON}, kernel_type="linear", estimator="lange"),
        call("cka_rbf_median_biased", "cka", kernel_type="rbf"),
        call(
            "cca",
            "cca",
            {"constant": NOISE, "rounded_constant": NOISE},
            summary_type="pillai",
        ),
        call("cca_mean_squared", "cca", summary_type="yanai"),
        call(
            "svcca_variance",
            "svcca",
            {"*": "takes an orthonormal basis first: all directions vary alike, none is cut"},
            summary_type="pillai",
        ),
        call("pwcca", "pwcca", {"*": "the mean of pwcca(x, y) and pwcca(y, x)"}),
    ),
)
