"""Checking affect files: which dataset it is, and what the recipe will meet in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from ..data.affect import LAYOUTS, AffectLayout, load_affect
from ..data.affect.layouts import MODALITIES
from ..data.affect.loading import STEPS, first_steps
from ..data.affect.reading import RAW_MOSEI_VISION, AffectSplit, read_split, stored_content
from ..data.paired import SPLITS
from ..errors import UserError
from .arrays import counted, note_shared_samples, quantiles, row_digests, shared_between, summarise
from .report import Report, SplitSummary

LARGEST_SCORE = 3


def check_affect(path: Path) -> Report:
    """Report on a .pkl or HDF5 file with the splits of an affect dataset.

    Reads every value a few times; memory as :func:`load_affect`, which is tried at the end: the
    file is usable when that reads it. Raises UserError when the file cannot be read at all.
    """
    content = stored_content(path)
    report = Report(path, "affect", "splits of vision, audio and text of an unknown dataset")
    for split, part in content.items():
        for name, array in part.items() if isinstance(part, Mapping) else [("", part)]:
            summarise(report, f"{split}/{name}".strip("/"), array)
    candidates = _recognise(path, content)
    if candidates:
        titles = " or ".join(layout.title for layout in candidates)
        report.title = f"{titles}, affect data of MultiBench"
    else:
        _say_unknown(report, content)
    parts = {}
    for split in SPLITS:
        if split not in content:
            report.add("error", split, "the file has no such split", "get the file again")
            continue
        try:
            parts[split] = read_split(path, split, content[split])
        except UserError as error:
            report.add("error", split, _without_path(error, path), "get the file again")
    for split, part in parts.items():
        _check_split(report, split, part, candidates)
    _check_shared(report, parts)
    for layout in candidates if report.usable else ():
        try:
            load_affect(path, layout.name)
        except UserError as error:
            report.add("error", layout.name, _without_path(error, path), "repair the file")
        else:
            name = layout.title.lower()
            report.use.append(f"study affect --dataset {layout.name} --path {quote(str(path))}")
            report.use.append(f'load_dataset("{name}:{path}")')
    return report


def _recognise(path: Path, content: Mapping[str, Any]) -> list[AffectLayout]:
    """Return the datasets with these widths; the name or the labels tell humor from sarcasm."""
    widths = _widths(content)
    candidates = [layout for layout in LAYOUTS if dict(layout.widths) == widths]
    named = [
        layout
        for layout in candidates
        if any(word in path.name.lower() for word in (layout.name, layout.title.lower()))
    ]
    if len(candidates) < 2 or named:
        return named or candidates
    labels = [
        part["labels"]
        for part in content.values()
        if isinstance(part, Mapping) and isinstance(part.get("labels"), np.ndarray)
    ]
    negative = any(array.dtype.kind in "fi" and (array < 0).any() for array in labels)
    return [layout for layout in candidates if layout.name == "sarcasm"] if negative else candidates


def _widths(content: Mapping[str, Any]) -> dict[str, int]:
    """Return the widths of the first split that has all three modalities."""
    for part in content.values():
        arrays = {name: part.get(name) for name in MODALITIES} if isinstance(part, Mapping) else {}
        if arrays and all(isinstance(a, np.ndarray) and a.ndim == 3 for a in arrays.values()):
            return {name: array.shape[2] for name, array in arrays.items()}
    return {}


def _say_unknown(report: Report, content: Mapping[str, Any]) -> None:
    widths = _widths(content)
    if widths.get("vision") == RAW_MOSEI_VISION:
        report.title = "mosei_raw.pkl of MultiBench, not the MOSEI of the studies"
        report.add("error", "vision", "713 wide", "use mosei_senti_data.pkl, 35 wide")
        return
    known = "; ".join(
        f"{layout.title} {'/'.join(str(layout.widths[name]) for name in MODALITIES)}"
        for layout in LAYOUTS
    )
    found = "/".join(str(widths[name]) for name in MODALITIES) if widths else "not to be told"
    report.add(
        "error",
        "vision/audio/text",
        f"the widths are {found}, those of no known dataset",
        f"use a file of MultiBench: {known}",
    )


def _check_split(
    report: Report, split: str, part: AffectSplit, candidates: list[AffectLayout]
) -> None:
    starts = first_steps(part.views["text"])
    spoken = starts >= 0
    empty = int((~spoken).sum())
    regression = bool(candidates) and candidates[0].task == "regression"
    lengths = np.minimum(part.views["text"].shape[1] - starts[spoken], STEPS)
    labels = quantiles(part.labels) if regression else counted(split, part.labels).labels
    report.splits.append(SplitSummary(split, len(part.labels), labels, _spread(lengths), empty))
    if empty:
        report.add("note", f"{split}/text", f"{empty} samples are all zero", "none: dropped")
    open_ended = int((part.views["text"][spoken, -1] == 0).all(axis=1).sum())
    if open_ended:
        report.add(
            "note",
            f"{split}/text",
            f"{open_ended} samples end without text",
            "none: what is cut off is at the front, these last steps count as steps",
        )
    _check_values(report, split, part)
    if regression and np.abs(part.labels).max() > LARGEST_SCORE:
        report.add(
            "warning",
            f"{split}/labels",
            f"from {part.labels.min():g} to {part.labels.max():g}; opinions are from -3 to 3",
            "check what the labels mean: errors are in their unit",
        )
    if part.ids is not None and len(set(part.ids)) < len(part.ids):
        count = len(part.ids) - len(set(part.ids))
        report.add("note", f"{split}/id", f"{count} ids are repeated", "none: ids are not used")


def _spread(lengths: np.ndarray) -> dict[str, float] | None:
    if len(lengths) == 0:
        return None
    return {
        "shortest": float(lengths.min()),
        "median": float(np.median(lengths)),
        "longest": float(lengths.max()),
    }


def _check_values(report: Report, split: str, part: AffectSplit) -> None:
    for name in MODALITIES:
        where = f"{split}/{name}"
        summary = next(array for array in report.arrays if array.name == where)
        below = int(np.sum(part.views[name] == -np.inf)) if summary.infinite else 0
        if name == "audio" and below:
            report.add("note", where, f"{below} values are -inf", "none: read as 0")
        other = (summary.infinite or 0) - (below if name == "audio" else 0)
        if summary.nan or other:
            report.add(
                "warning",
                where,
                f"{summary.nan} values are NaN, {other} infinite",
                "get the file again, or leave these samples out",
            )
        if split == "train" and name != "text" and summary.constant_features:
            count = summary.constant_features
            report.add("note", where, f"{count} features are constant", "none: they become 0")


def _check_shared(report: Report, parts: Mapping[str, AffectSplit]) -> None:
    digests = {}
    for split, part in parts.items():
        spoken = first_steps(part.views["text"]) >= 0
        found = row_digests(part.views["text"])
        digests[split] = [digest for digest, kept in zip(found, spoken, strict=True) if kept]
    note_shared_samples(report, "text", digests)
    with_ids = {split: part.ids for split, part in parts.items() if part.ids is not None}
    texts = shared_between(digests)
    for pair, count in shared_between(with_ids).items():
        if pair in texts:
            continue
        report.add(
            "note",
            f"{', '.join(pair)}/id",
            f"{count} ids are in both, with different texts",
            "none, if each split counts its samples anew; else check how it was split",
        )


def _without_path(error: UserError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ").rstrip(".")
