"""google/svcca: the programs of Raghu et al. 2017 and Morcos et al. 2018; (features, samples)."""

from __future__ import annotations

import numpy as np

from .peer import Call, Peer


def cca(x, y):
    from cca_core import get_cca_similarity

    return np.mean(get_cca_similarity(x.T, y.T, verbose=False)["cca_coef1"])


def summary(x, y):
    from cca_core import get_cca_similarity

    return get_cca_similarity(x.T, y.T, verbose=False)["mean"][0]


def pwcca(x, y):
    from pwcca import compute_pwcca

    return compute_pwcca(x.T, y.T)[0]


PEER = Peer(
    name="google-svcca",
    checkout="https://github.com/google/svcca",
    calls=(
        Call("cca", "mean of get_cca_similarity(...)['cca_coef1']", cca, computes_in="float64"),
        Call(
            "cca",
            "get_cca_similarity(...)['mean'][0]",
            summary,
            "float64",
            {"*": "of the largest correlations alone, up to 98 % of their sum"},
        ),
        Call(
            "pwcca",
            "compute_pwcca(...)[0]",
            pwcca,
            "float64",
            {"*": "leaves the inverse root of the covariance out of the canonical variates"},
        ),
    ),
)
