"""Which encoders are compared with which, before any statistic is computed.

The protocol of the AV-MNIST columns of arXiv 2502.16282, table 1: for two views, the best encoder
of one (by validation accuracy) is held fixed and the encoders of the other, over depths and
seeds, are the points; then the roles are swapped. Added to it is every pair of encoders against
the mean of their accuracies.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from ..study.results import StudyResults

BOTH_VIEWS = "both"


@dataclass(frozen=True)
class Comparison:
    """The points of one correlation between alignment and performance.

    ``points`` has one row per point: ``alignment`` (best score over layer pairs),
    ``performance`` (test accuracy, or the mean of the two encoders'), ``depth`` (mean of the two
    for pairs), ``seed`` (of the varied encoder), ``layer_pairs`` (how many the best was taken
    over) and ``chance``. ``encoders`` is (1 or 2, points): which encoders a point comes from.
    ``depths`` is (1 or 2, points): their depths, the controls of the partial correlation.
    """

    metric: str
    options: str
    view_a: str
    view_b: str
    varied_view: str
    reference: pd.Series | None
    points: pd.DataFrame
    encoders: np.ndarray
    depths: np.ndarray


def views_of(results: StudyResults) -> list[str]:
    """The views of a study in the order in which their encoders are listed."""
    return list(dict.fromkeys(results.encoders["view"]))


def best_encoder(encoders: pd.DataFrame) -> pd.Series | None:
    """The encoder with the best validation accuracy; of equals, the shallowest, lowest seed.

    None if no encoder has a validation accuracy.
    """
    known = encoders[encoders["valid_accuracy"].notna()]
    if known.empty:
        return None
    order = known.sort_values(
        ["valid_accuracy", "depth", "seed", "cell"], ascending=[False, True, True, True]
    )
    return order.iloc[0]


def comparisons(results: StudyResults) -> Iterator[Comparison]:
    """Every comparison a study holds: per metric and pair of views, one a view and one for both."""
    for (metric, options), measured in results.alignments.groupby(
        ["metric", "options"], sort=False
    ):
        for view_a, view_b in itertools.combinations(views_of(results), 2):
            pairs = pairs_between(results, measured, view_a, view_b)
            if pairs.empty:
                continue
            for varied in (view_a, view_b):
                yield _against_best(metric, options, view_a, view_b, varied, pairs, results)
            yield _all_pairs(metric, options, view_a, view_b, pairs)


def pairs_between(
    results: StudyResults, measured: pd.DataFrame, view_a: str, view_b: str
) -> pd.DataFrame:
    """The alignments between two views, view_a first, with both encoders' test accuracies."""
    straight = measured[(measured["view_a"] == view_a) & (measured["view_b"] == view_b)]
    turned = measured[(measured["view_a"] == view_b) & (measured["view_b"] == view_a)]
    swap = {}
    for name in measured.columns:
        if name.endswith("_a"):
            swap[name], swap[name[:-2] + "_b"] = name[:-2] + "_b", name
    parts = [part for part in (straight, turned.rename(columns=swap)) if not part.empty]
    if not parts:
        return measured.iloc[:0]
    pairs = pd.concat(parts, ignore_index=True)
    accuracy = results.encoders.set_index("cell")["test_accuracy"]
    for side in "ab":
        pairs[f"performance_{side}"] = pairs[f"cell_{side}"].map(accuracy).astype(float)
    pairs["layer_pairs"] = pairs["depth_a"] * pairs["depth_b"] - pairs["undefined_pairs"]
    return pairs.sort_values(
        ["depth_a", "seed_a", "cell_a", "depth_b", "seed_b", "cell_b"], ignore_index=True
    )


def _against_best(
    metric: str,
    options: str,
    view_a: str,
    view_b: str,
    varied: str,
    pairs: pd.DataFrame,
    results: StudyResults,
) -> Comparison:
    own, other = ("a", "b") if varied == view_a else ("b", "a")
    measured = results.encoders["cell"].isin(pairs[f"cell_{other}"])
    reference = best_encoder(results.encoders[measured])
    chosen = pairs[pairs[f"cell_{other}"] == (None if reference is None else reference["cell"])]
    points = pd.DataFrame(
        {
            "alignment": chosen["score"].astype(float),
            "performance": chosen[f"performance_{own}"],
            "depth": chosen[f"depth_{own}"].astype(float),
            "seed": chosen[f"seed_{own}"],
            "layer_pairs": chosen["layer_pairs"],
            "chance": chosen["chance"].astype(float),
        }
    ).reset_index(drop=True)
    return Comparison(
        metric=metric,
        options=options,
        view_a=view_a,
        view_b=view_b,
        varied_view=varied,
        reference=reference,
        points=points,
        encoders=pd.factorize(chosen[f"cell_{own}"])[0][None],
        depths=points["depth"].to_numpy()[None],
    )


def _all_pairs(
    metric: str, options: str, view_a: str, view_b: str, pairs: pd.DataFrame
) -> Comparison:
    points = pd.DataFrame(
        {
            "alignment": pairs["score"].astype(float),
            "performance": (pairs["performance_a"] + pairs["performance_b"]) / 2,
            "depth": (pairs["depth_a"] + pairs["depth_b"]) / 2,
            "seed": pairs["seed_a"],
            "layer_pairs": pairs["layer_pairs"],
            "chance": pairs["chance"].astype(float),
        }
    )
    return Comparison(
        metric=metric,
        options=options,
        view_a=view_a,
        view_b=view_b,
        varied_view=BOTH_VIEWS,
        reference=None,
        points=points,
        encoders=np.stack([pd.factorize(pairs[f"cell_{side}"])[0] for side in "ab"]),
        depths=np.stack([pairs[f"depth_{side}"].to_numpy(float) for side in "ab"]),
    )
