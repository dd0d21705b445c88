"""platonic-rep: the metrics file of Huh et al. 2024.

Its rows are L2-normalised before they come to the file, so the neighbour metrics get unit rows
here; kernels and CKNNA get the features as they are. The file imports torchaudio, for one function,
where we stand in with a plain dynamic program.
"""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np

from .peer import Call, Peer, options_text, tensors, unit_rows
from .reasons import CANCELS, NOT_CHECKED, OVERFLOW, ZERO_ROWS


def edit_distance(a, b) -> int:
    """Levenshtein's, in place of torchaudio.functional.edit_distance."""
    row = list(range(len(b) + 1))
    for i, item in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            cost = min(diagonal + (item != other), row[j] + 1, row[j - 1] + 1)
            diagonal, row[j] = row[j], cost
    return row[-1]


def measure(name: str, x: np.ndarray, y: np.ndarray, **options) -> float:
    functional = ModuleType("torchaudio.functional")
    functional.edit_distance = edit_distance
    sys.modules.setdefault("torchaudio", ModuleType("torchaudio")).functional = functional
    sys.modules.setdefault("torchaudio.functional", functional)
    from metrics import AlignmentMetrics

    return float(AlignmentMetrics.measure(name, *tensors(x, y), **options))


def neighbors(metric: str, name: str, **reasons: str) -> Call:
    """They count in float32, whatever they are given."""

    def call(x, y, k=10):
        return measure(name, *unit_rows(x, y), topk=k)

    return Call(metric, f"{name}(x, y, topk=k)", call, "float32", reasons)


def cknna(metric: str, **reasons: str) -> Call:
    """On features as they are: it multiplies them."""

    def call(x, y, k=10):
        return measure("cknna", x, y, topk=k)

    return Call(metric, "cknna(x, y, topk=k)", call, reasons=reasons)


def kernel(metric: str, name: str, reasons: dict[str, str], **options) -> Call:
    spelled = f"{name}(x, y{options_text(options)})"
    return Call(metric, spelled, lambda x, y: measure(name, x, y, **options), reasons=reasons)


EPSILON = "adds 1e-6 to the denominator"
HARD = {"offset": CANCELS, "half": OVERFLOW, "constant": f"{EPSILON}, of rounding noise"}
CDIST = "torch.cdist multiplies features that are not centred, and subtracts what it gets"
RBF = {"kernel_metric": "rbf", "rbf_sigma": 1.0}
SELF = "takes a sample into its own list when k = n"

PEER = Peer(
    name="platonic-rep",
    checkout="https://github.com/minyoungg/platonic-rep",
    remark="our dynamic program in place of torchaudio.functional.edit_distance",
    calls=(
        neighbors("mutual_knn", "mutual_knn", too_few=SELF, zero_rows=ZERO_ROWS, nan=NOT_CHECKED),
        neighbors("cycle_knn", "cycle_knn"),
        neighbors("lcs_knn", "lcs_knn"),
        neighbors("edit_distance_knn", "edit_distance_knn"),
        cknna("cknna_reference", ordinary=EPSILON, wide=EPSILON, small=EPSILON, too_few=SELF),
        cknna("cknna_paper", ordinary="does not centre the kernels, as the definition does"),
        kernel("cka_linear_biased", "cka", {"small": EPSILON, **HARD}),
        kernel(
            "cka_linear_unbiased",
            "unbiased_cka",
            {"ordinary": EPSILON, "small": EPSILON, "wide": EPSILON, **HARD},
        ),
        kernel("cka_rbf_biased", "cka", {"offset": CDIST}, **RBF),
        kernel("cka_rbf_unbiased", "unbiased_cka", {"ordinary": EPSILON}, **RBF),
        kernel(
            "svcca",
            "svcca",
            dict.fromkeys(
                ("ordinary", "small"),
                "draws the singular vectors at random, stops an iteration for the correlations "
                "early and adds noise: every call says something else (here with a seed)",
            ),
            cca_dim=10,
        ),
    ),
)
