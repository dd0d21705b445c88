"""The data as a person would look at it: one sample of every class, in every view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.fft import idct

from ..analysis.labels import joined
from ..data.paired import PairedDataset, standardize
from ..data.sources import load_dataset
from ..errors import UserError
from ..optional import require
from ..study.benchmarks import AFFECT
from .style import COLORMAP, Panel, drawn_name, finish, house_style, new_figure

_MOST_EXAMPLES = 10
_PER_PANEL = 5
MEL_BANDS = 128


@dataclass(frozen=True)
class StudiedData:
    """The data a study was run on, as stored and with its sound standardised."""

    stored: PairedDataset
    standardized: PairedDataset


def find_data(study: dict[str, Any], source: str | None) -> tuple[StudiedData | None, str]:
    """The data a study was run on, or None and one sentence that says why it is not at hand.

    ``source`` is what :func:`mmalign.data.sources.load_dataset` takes; by default the name in
    study.json. Data with another fingerprint than the study's is not the study's data.
    """
    name = study["dataset"]["name"]
    if study.get("name") in AFFECT:
        return None, "Examples are not shown: a sample is a sequence of features of each view."
    try:
        stored = load_dataset(source or name)
        data = StudiedData(stored, standardize(stored))
    except (UserError, OSError) as error:
        return None, f"Examples are not shown, as the data is not at hand: {error}"
    known = {data.stored.fingerprint, data.standardized.fingerprint}
    if study["dataset"]["fingerprint"] not in known:
        return None, (
            f"Examples are not shown, as {source or name} now holds other data than the study was "
            "run on (their fingerprints differ)."
        )
    return data, ""


def has_spectrogram(data: StudiedData) -> bool:
    """Whether it is known how the sound was turned into MFCC, and so how to turn them back."""
    return data.stored.name == "av-digits"


def example_panels(data: StudiedData) -> list[Panel]:
    """The first test sample of every class (at most ten), five to a panel.

    A row for every view: pictures in grey, other samples as heat maps. The built-in spoken digits
    have one row more, the spectrogram that their MFCC keep.
    """
    test = data.stored.splits["test"]
    labels = data.stored.labels[test]
    classes = np.unique(labels)[:_MOST_EXAMPLES]
    samples = [int(test[np.argmax(labels == label)]) for label in classes]
    return [
        _draw(data, samples[start : start + _PER_PANEL], f"examples-{start // _PER_PANEL + 1}")
        for start in range(0, len(samples), _PER_PANEL)
    ]


def _draw(data: StudiedData, samples: list[int], name: str) -> Panel:
    rows: list[tuple[str, str]] = []
    for view in data.stored.views:
        if view == "audio" and has_spectrogram(data):
            rows.append((view, "spectrogram"))
        rows.append((view, "picture" if view == "image" else "values"))
    labels = [str(data.stored.labels[sample]) for sample in samples]
    with house_style():
        figure = new_figure((4.8, 0.35 + 1.1 * len(rows)))
        grid = figure.subplots(len(rows), len(samples), squeeze=False)
        for axes_row, (view, kind) in zip(grid, rows, strict=True):
            for axes, sample in zip(axes_row, samples, strict=True):
                first = sample == samples[0]
                if kind == "picture":
                    _picture(axes, data.stored.views[view][sample])
                elif kind == "spectrogram":
                    _spectrogram(axes, data.stored.views[view][sample], first)
                else:
                    _values(axes, data.standardized.views[view][sample])
            if kind != "spectrogram":
                axes_row[0].set_ylabel("MFCC" if view == "audio" else drawn_name(view), fontsize=9)
            if (view, kind) == ("audio", "values"):
                axes_row[0].set_xlabel("frame", fontsize=9, labelpad=2)
        for axes, label in zip(grid[0], labels, strict=True):
            axes.set_title(label, loc="center", fontsize=11)
        shown = ", ".join(f"{view} ({kind})" for view, kind in rows)
        return finish(figure, name, f"A test sample each of {joined(labels)}: {shown}.")


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _picture(axes: Axes, sample: np.ndarray) -> None:
    axes.imshow(sample, cmap="gray_r", interpolation="nearest")
    _bare(axes)


def _values(axes: Axes, sample: np.ndarray) -> None:
    """The first axis upwards, the second, time in the case of sound, to the right."""
    axes.imshow(
        sample.reshape(len(sample), -1),
        cmap=COLORMAP,
        interpolation="nearest",
        aspect="auto",
        origin="lower",
        vmin=-2.5,
        vmax=2.5,
    )
    _bare(axes)


def mel_decibels(mfcc: np.ndarray) -> np.ndarray:
    """The mel spectrogram that MFCC keep: (coefficients, frames) -> (128 bands, frames) decibels.

    The inverse of the orthonormal cosine transform they were made with, the coefficients that
    were dropped taken as zero.
    """
    return idct(mfcc, axis=0, n=MEL_BANDS, norm="ortho")


def _spectrogram(axes: Axes, mfcc: np.ndarray, first: bool) -> None:
    from ..data.speech import SAMPLE_RATE
    from ..data.spoken_digits import HOP_SAMPLES

    seconds = mfcc.shape[1] * HOP_SAMPLES / SAMPLE_RATE
    axes.imshow(
        mel_decibels(mfcc),
        cmap="magma",
        interpolation="nearest",
        aspect="auto",
        origin="lower",
        extent=(0, seconds, 0, MEL_BANDS),
    )
    axes.spines[:].set_visible(False)
    axes.set_xticks([0, 0.5], ["0", "0.5"])
    axes.tick_params(length=2, labelsize=8.5, pad=1)
    mel_frequencies = require("librosa", "frequencies of mel bands").mel_frequencies
    centres = mel_frequencies(MEL_BANDS, fmax=SAMPLE_RATE / 2)
    hertz = [500, 2000, 8000]
    axes.set_yticks(np.interp(hertz, centres, np.arange(MEL_BANDS) + 0.5))
    axes.set_yticklabels([f"{one / 1000:g}" for one in hertz] if first else [])
    if first:
        axes.set_ylabel("sound (kHz)", fontsize=9)
        axes.set_xlabel("time (s)", fontsize=9, labelpad=1)
