"""repralign: linear CKA, and an overlap of neighbours that it calls CKNNA."""

from __future__ import annotations

from .peer import Call, Peer, tensors, unit_rows
from .reasons import NOISE, NOT_CHECKED, OVERFLOW, ZERO_ROWS


def linear_cka(x, y):
    from repralign.metrics import linear_cka

    return linear_cka(*tensors(x, y))


def cknna(x, y, k=10):
    from repralign.metrics import cknna

    return cknna(*tensors(*unit_rows(x, y)), k=k)


NAME = "it is mutual_knn under another name"
CLIPS = "cuts k to n - 1, where every list has everyone"
EPSILON = "puts 1e-12 for a denominator of 0, and so answers 0"

PEER = Peer(
    name="repralign",
    requirements=("repralign==0.1.1",),
    calls=(
        Call(
            "cka_linear_biased",
            "linear_cka(x, y)",
            linear_cka,
            reasons={"constant": EPSILON, "rounded_constant": NOISE, "half": OVERFLOW},
        ),
        Call(
            "mutual_knn",
            "cknna(x, y, k)",
            cknna,
            reasons={
                "zero_rows": ZERO_ROWS,
                "nan": NOT_CHECKED,
                "too_few": CLIPS,
                "half": "rounds distances to float16 before it orders them",
            },
        ),
        Call(
            "cknna_reference",
            "cknna(x, y, k)",
            cknna,
            reasons={"*": NAME, "nan": NOT_CHECKED, "too_few": CLIPS},
        ),
        Call("cknna_paper", "cknna(x, y, k)", cknna, reasons={"*": NAME}),
    ),
)
