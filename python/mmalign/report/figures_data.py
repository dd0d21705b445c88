"""The data as a person would look at it: one sample of every class, in every view."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import idct

from ..data.paired import PairedDataset, standardize
from ..data.sources import load_dataset
from ..errors import UserError
from .style import COLORMAP, Panel, finish, house_style, new_figure

_MOST_EXAMPLES = 10
_PER_PANEL = 5
_MEL_BANDS = 128


def find_dataset(study: dict[str, Any], source: str | None) -> tuple[PairedDataset | None, str]:
    """The data a study was run on, or None and one sentence that says why it is not at hand.

    ``source`` is what :func:`mmalign.data.sources.load_dataset` takes; by default the name in
    study.json. Data with another fingerprint than the study's is not the study's data.
    """
    name = study["dataset"]["name"]
    try:
        dataset = load_dataset(source or name)
        known = {dataset.fingerprint, standardize(dataset).fingerprint}
    except (UserError, OSError) as error:
        return None, f"Examples are not shown, as the data is not at hand: {error}"
    if study["dataset"]["fingerprint"] not in known:
        return None, (
            f"Examples are not shown, as {source or name} now holds other data than the study was "
            "run on (their fingerprints differ)."
        )
    return dataset, ""


def example_panels(dataset: PairedDataset) -> list[Panel]:
    """The first test sample of every class (at most ten), five to a panel.

    A row for every view: pictures in grey, other samples as heat maps. The built-in spoken digits
    have one row more, the spectrogram that their MFCC keep.
    """
    test = dataset.splits["test"]
    labels = dataset.labels[test]
    classes = np.unique(labels)[:_MOST_EXAMPLES]
    samples = [int(test[np.argmax(labels == label)]) for label in classes]
    panels = []
    for start in range(0, len(samples), _PER_PANEL):
        part = samples[start : start + _PER_PANEL]
        name = f"examples-{start // _PER_PANEL + 1}"
        panels.append(_draw(dataset, part, name))
    return panels


def _draw(dataset: PairedDataset, samples: list[int], name: str) -> Panel:
    seen = standardize(dataset)
    rows: list[tuple[str, str]] = []
    for view in dataset.views:
        if view == "audio" and dataset.name == "av-digits":
            rows.append((view, "spectrogram"))
        rows.append((view, "picture" if view == "image" else "values"))
    with house_style():
        figure = new_figure((4.8, 0.35 + 1.1 * len(rows)))
        grid = figure.subplots(len(rows), len(samples), squeeze=False)
        for axes_row, (view, kind) in zip(grid, rows, strict=True):
            for column, (axes, sample) in enumerate(zip(axes_row, samples, strict=True)):
                if kind == "picture":
                    _picture(axes, dataset.views[view][sample], view if column == 0 else "")
                elif kind == "spectrogram":
                    _spectrogram(axes, dataset.views[view][sample], column == 0)
                else:
                    _values(axes, seen.views[view][sample], view if column == 0 else "")
        for axes, sample in zip(grid[0], samples, strict=True):
            axes.set_title(str(dataset.labels[sample]), loc="center", fontsize=11)
        classes = ", ".join(str(dataset.labels[sample]) for sample in samples)
        alt = f"One test sample each of the classes {classes}: " + ", ".join(
            f"{view} ({kind})" for view, kind in rows
        )
        return finish(figure, name, alt)


def _bare(axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _picture(axes, sample: np.ndarray, label: str) -> None:
    axes.imshow(sample, cmap="gray_r", interpolation="nearest")
    _bare(axes)
    axes.set_ylabel(label, fontsize=9)


def _values(axes, sample: np.ndarray, label: str) -> None:
    """A sample as encoders see it: the first axis upwards, the second (time) to the right."""
    sample = np.atleast_2d(sample.T).T if sample.ndim == 1 else sample.reshape(len(sample), -1)
    axes.imshow(
        sample,
        cmap=COLORMAP,
        interpolation="nearest",
        aspect="auto",
        origin="lower",
        vmin=-2.5,
        vmax=2.5,
    )
    _bare(axes)
    if label == "audio":
        label = "MFCC"
        axes.set_xlabel("frame", fontsize=9, labelpad=2)
    axes.set_ylabel(label, fontsize=9)


def _spectrogram(axes, mfcc: np.ndarray, first: bool) -> None:
    """The mel spectrogram that the kept MFCC describe: the inverse of their cosine transform."""
    from librosa import mel_frequencies

    from ..data.speech import SAMPLE_RATE
    from ..data.spoken_digits import HOP_SAMPLES

    decibels = idct(mfcc, axis=0, n=_MEL_BANDS, norm="ortho")
    seconds = mfcc.shape[1] * HOP_SAMPLES / SAMPLE_RATE
    axes.imshow(
        decibels,
        cmap="magma",
        interpolation="nearest",
        aspect="auto",
        origin="lower",
        extent=(0, seconds, 0, _MEL_BANDS),
    )
    axes.spines[:].set_visible(False)
    axes.set_xticks([0, 0.5], ["0", "0.5"])
    axes.tick_params(length=2, labelsize=8.5, pad=1)
    kilohertz = [0.5, 2, 8]
    centres = mel_frequencies(_MEL_BANDS, fmax=SAMPLE_RATE / 2)
    axes.set_yticks(np.interp([1000 * one for one in kilohertz], centres, np.arange(_MEL_BANDS)))
    axes.set_yticklabels([f"{one:g}" for one in kilohertz] if first else [])
    if first:
        axes.set_ylabel("sound (kHz)", fontsize=9)
        axes.set_xlabel("time (s)", fontsize=9, labelpad=1)
