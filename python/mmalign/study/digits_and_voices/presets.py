"""Ready-made studies of digits and voices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...data.digits_and_voices import BALANCES, DigitsAndVoices, balances_named
from ...data.paired import PairedDataset
from ...errors import UserError
from ..cell import EncoderCell
from ..description import Alignment, Study
from .description import DigitsAndVoicesStudy

PRESETS = ("quick", "full")
QUICK_BALANCES = ("digit", "unique-1", "unique-2", "unique-3", "voice", "both")


def digits_and_voices_study(
    preset: str,
    data: DigitsAndVoices,
    *,
    balances: Iterable[str] | None = None,
    seeds: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    epochs: int | None = None,
) -> DigitsAndVoicesStudy:
    """A patch ViT per picture, a transformer per MFCC clip, by depth and seed, at every balance.

    preset:  "quick" is four seeds, depths 1 to 4, 12 epochs and six balances, for minutes on two
             cores; "full" five seeds, depths 1 to 10, 60 epochs and all eight.
    balances, seeds, depths, epochs: take the place of the preset's.

    AdamW, learning rate 3e-3, no weight decay, batches of 64. An encoder's first weights and the
    order of its batches are the same at every balance, so that balances can be compared in pairs.
    Alignment is measured between every picture and every sound encoder by mutual nearest
    neighbours (k = 10, cosine) and unbiased linear CKA.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    quick = preset == "quick"
    names = balances if balances is not None else QUICK_BALANCES if quick else tuple(BALANCES)
    seeds = tuple(seeds) if seeds is not None else tuple(range(4 if quick else 5))
    depths = tuple(depths) if depths is not None else range(1, 5 if quick else 11)
    epochs = epochs if epochs is not None else 12 if quick else 60
    return DigitsAndVoicesStudy(
        preset,
        {
            balance.name: _study(preset, data.at(balance), seeds, depths, epochs)
            for balance in balances_named(names)
        },
    )


def _study(
    preset: str,
    dataset: PairedDataset,
    seeds: Sequence[int],
    depths: Sequence[int],
    epochs: int,
) -> Study:
    cells = tuple(
        EncoderCell(
            dataset=dataset.fingerprint,
            dataset_name=dataset.name,
            view=view,
            encoder=encoder,
            depth=depth,
            seed=seed,
            epochs=epochs,
            learning_rate=3e-3,
            batch_size=64,
            options={"readout": "cls", "dropout": 0.1, **options},
        )
        for view, encoder, options in (
            ("image", "patch_vit", {"patch": 7}),
            ("audio", "transformer", {}),
        )
        for seed in seeds
        for depth in depths
    )
    alignments = (
        Alignment("mutual_knn", "image", "audio", {"k": 10}),
        Alignment("cka", "image", "audio", {"kernel": "linear"}),
    )
    return Study(dataset.name, preset, dataset.fingerprint, dataset.name, cells, alignments)
