"""How well an encoder does what its view allows: accuracy without the luck of the other bits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...data.digits_and_voices import Balance, ground_truth
from ...data.digits_and_voices.balance import CLASSES, TURNS, VOICES
from ...data.digits_and_voices.truth import joint_table
from ...study.results import StudyResults
from ...study.store import CellStore

CHANCE = 1 / CLASSES


def label_given_view(balance: Balance, view: str, latents: pd.DataFrame) -> np.ndarray:
    """Return p(label | what the view shows) of each sample: (n, 8) float64.

    view: "image" or "audio". latents: columns seen, turn, heard and voice.
    """
    table = joint_table(balance).sum(axis=1 if view == "image" else 0)
    if view == "image":
        state = latents["seen"] * TURNS + latents["turn"]
    else:
        state = latents["heard"] * VOICES + latents["voice"]
    told = table / table.sum(axis=1, keepdims=True)
    return told[state.to_numpy()]


def expected_accuracy(
    results: StudyResults, balance: Balance, latents: pd.DataFrame
) -> pd.DataFrame:
    """Return ``cell``, ``expected``, ``error`` and ``ceiling`` of every encoder.

    expected: mean over test samples of the probability that the encoder's guess is right, given
              what its view shows. The expectation of test accuracy, without the noise of bits that
              the view cannot know: where it can know nothing, every guess counts 1/8.
    error:    its standard error over test samples.
    ceiling:  the best there is, of :func:`mmalign.data.digits_and_voices.ground_truth`.
    """
    truth = ground_truth(balance)
    ceilings = {"image": truth.bayes_1, "audio": truth.bayes_2}
    by_sample = latents.set_index("sample")
    store = CellStore(results.directory)
    rows = []
    for encoder in results.encoders.itertuples():
        arrays = store.read_arrays(encoder.cell)
        told = label_given_view(balance, encoder.view, by_sample.loc[arrays["samples"]])
        right = told[np.arange(len(told)), arrays["predictions"]]
        rows.append(
            {
                "cell": encoder.cell,
                "expected": float(right.mean()),
                "error": float(right.std() / np.sqrt(len(right))),
                "ceiling": ceilings[encoder.view],
            }
        )
    return pd.DataFrame(rows)
