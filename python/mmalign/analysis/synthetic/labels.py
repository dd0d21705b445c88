"""Names of the synthetic study's metrics and tasks, for figures and sentences."""

from __future__ import annotations

import json

from ..labels import NO_BREAK, metric_label
from .tables import BALANCED_TASK, PAPER_TASK

TASK_NAMES = {PAPER_TASK: "the paper’s task", BALANCED_TASK: "synergy held at zero"}


def metric_name(metric: str, options: str) -> str:
    """A short name of a metric, to stand beside an axis."""
    values = json.loads(options) if options else {}
    if metric == "unbiased_cka":
        kernel = values.get("kernel", "linear")
        return "linear CKA" if kernel == "linear" else f"{kernel.upper()} CKA"
    if metric == "mutual_knn":
        return f"mutual neighbours, k{NO_BREAK}={NO_BREAK}{values.get('k', '?')}"
    if metric in ("svcca", "cmd"):
        return metric.upper()
    return metric_label(metric, options)


def task_name(task: str) -> str:
    """A task in words."""
    return TASK_NAMES.get(task, task)
