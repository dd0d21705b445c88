"""cca-zoo: canonical correlations of several views."""

from __future__ import annotations

from .peer import Call, Peer


def cca(x, y):
    from cca_zoo.linear import CCA

    return CCA(n_components=min(x.shape[1], y.shape[1])).fit([x, y]).score([x, y])


ZERO = "answers 0 for scores of norm 0"

PEER = Peer(
    name="cca-zoo",
    requirements=("cca-zoo==4.0.1",),
    calls=(
        Call(
            "cca",
            "CCA(n_components=16).fit([x, y]).score([x, y])",
            cca,
            reasons={"constant": ZERO, "rounded_constant": ZERO},
        ),
    ),
)
