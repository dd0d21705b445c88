"""The exact properties of the data at every redundancy, as numbers and in words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .settings import SyntheticSettings, unique_split
from .truth import ground_truth


def describe_synthetic(settings: SyntheticSettings, *, pid: bool = True) -> dict[str, Any]:
    """Return settings and ground truth as JSON: {"settings": {...}, "rows": [...]}.

    A row per redundancy, the highest first: "redundancy", "unique_1" and "unique_2" count task
    bits, the others are the fields of :class:`GroundTruth`, in nats.
    """
    rows = []
    for redundancy in range(settings.task_bits, -1, -1):
        unique_1, unique_2 = unique_split(settings, redundancy)
        bits = {"redundancy": redundancy, "unique_1": unique_1, "unique_2": unique_2}
        rows.append(bits | asdict(ground_truth(settings, redundancy, pid=pid)))
    return {"settings": asdict(settings), "rows": rows}


def in_words(description: dict[str, Any]) -> list[str]:
    """Return sentences that say how to read the rows, and what they show."""
    settings, rows = description["settings"], description["rows"]
    first, last = rows[0], rows[-1]
    sentences = [
        f"{settings['task_bits']} fair bits decide the label: R of them are in both views, U in "
        "one alone.",
        f"Both views together tell {first['mi_joint']:.4f} nats of it and allow an accuracy of "
        f"{first['bayes_joint']:.4f}, at every R.",
        "I: information in nats; co-info: redundancy less synergy; Bayes: the best accuracy from "
        "one view.",
        f"One view's ceiling falls from {first['bayes_1']:.4f} to {last['bayes_1']:.4f} (view 1) "
        f"and from {first['bayes_2']:.4f} to {last['bayes_2']:.4f} (view 2) as U grows, so an "
        "accuracy says little before it is divided by it.",
    ]
    if first["pid"] is not None:
        sentences.append(_of_the_knob(first, last, max(row["pid"]["gap"] for row in rows)))
    return sentences


def _of_the_knob(first: dict[str, Any], last: dict[str, Any], gap: float) -> str:
    lost = first["pid"]["redundancy"] - last["pid"]["redundancy"]
    synergy = last["pid"]["synergy"] - first["pid"]["synergy"]
    unique = lost - synergy
    return (
        f"From U = 0 to U = {last['unique_1'] + last['unique_2']} redundancy loses {lost:.4f} "
        f"nats; {synergy + 0.0:.4f} of them become synergy, {unique:.4f} unique information "
        f"(exact to {max(gap, 1e-9):.0e})."
    )
