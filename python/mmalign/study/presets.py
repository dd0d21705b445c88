"""Ready-made studies."""

from __future__ import annotations

from collections.abc import Sequence

from ..data.paired import PairedDataset
from ..errors import UserError
from .cell import EncoderCell
from .description import Alignment, Study

PRESETS = ("quick", "full")


def av_digits_study(
    preset: str,
    dataset: PairedDataset,
    *,
    seeds: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    epochs: int | None = None,
) -> Study:
    """Digits seen and heard: a patch ViT per image, a transformer per MFCC clip, by depth and seed.

    dataset: with the views "image" (n, 28, 28) and "audio" (n, 20, 36), audio standardised.
    preset:  "full" is the published recipe (AV-MNIST of arXiv 2502.16282: AdamW, learning rate
             1e-3, weight decay 0 for images and 1e-4 for audio, batches of 64, 100 epochs, depths
             1 to 10) with five seeds. "quick" keeps the recipe but four depths, three seeds and
             fewer epochs, for a few minutes on two cores.
    seeds, depths, epochs: take the place of the preset's.

    Alignment is measured between every image and every audio encoder by mutual nearest neighbours
    (k = 10, cosine), unbiased linear CKA and unbiased RBF CKA with the median bandwidth.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    for view in ("image", "audio"):
        if view not in dataset.views:
            raise UserError(
                f"The study of digits needs the views image and audio; {dataset.name!r} has "
                f"{', '.join(dataset.views)}."
            )
    quick = preset == "quick"
    seeds = tuple(seeds) if seeds is not None else tuple(range(3 if quick else 5))
    depths = tuple(depths) if depths is not None else (1, 2, 3, 4) if quick else range(1, 11)
    epochs = epochs if epochs is not None else 16 if quick else 100
    cells = tuple(
        EncoderCell(
            dataset=dataset.fingerprint,
            dataset_name=dataset.name,
            view=view,
            encoder=encoder,
            depth=depth,
            seed=seed,
            epochs=epochs,
            learning_rate=1e-3,
            weight_decay=weight_decay,
            batch_size=64,
            options={"readout": "cls", "dropout": 0.1, **options},
        )
        for view, encoder, weight_decay, options in (
            ("image", "patch_vit", 0.0, {"patch": 4}),
            ("audio", "transformer", 1e-4, {}),
        )
        for seed in seeds
        for depth in depths
    )
    alignments = tuple(
        Alignment(metric, "image", "audio", options)
        for metric, options in (
            ("mutual_knn", {"k": 10}),
            ("cka", {"kernel": "linear"}),
            ("cka", {"kernel": "rbf", "sigma": "median"}),
        )
    )
    return Study("av-digits", preset, dataset.fingerprint, dataset.name, cells, alignments)
