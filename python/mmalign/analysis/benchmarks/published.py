"""The published numbers of table 1 of arXiv 2502.16282.

A number is the correlation of alignment and accuracy over 30 encoders of one view (ten depths,
three seeds), the other view's best encoder being held fixed, on the test split. Two versions of the
table exist. The earlier one has Pearson's correlation; the updated one does not name its
statistic, which is taken for Spearman's, as in the figures of that version.
"""

from __future__ import annotations

#: Version of the table -> the statistic it is held against.
STATISTICS = {"updated": "spearman", "earlier": "pearson"}

_AFFECT = (
    ("vision", "audio", "vision"),
    ("vision", "audio", "audio"),
    ("vision", "text", "vision"),
    ("vision", "text", "text"),
    ("audio", "text", "audio"),
    ("audio", "text", "text"),
)
_AV_MNIST = (("image", "audio", "image"), ("image", "audio", "audio"))


def _rows(
    columns: tuple[tuple[str, str, str], ...], updated: str, earlier: str
) -> dict[tuple[str, str, str], dict[str, float]]:
    numbers = zip(updated.split(), earlier.split(), strict=True)
    return {
        column: {"updated": float(first), "earlier": float(second)}
        for column, (first, second) in zip(columns, numbers, strict=True)
    }


#: Dataset -> (one view, the other, the view whose encoders vary) -> version -> correlation.
TABLE_1 = {
    "mosei": _rows(
        _AFFECT, "-.223 -.172 -.093 -.482 -.145 -.641", "-.193 -.154 -.154 -.351 -.158 -.366"
    ),
    "mosi": _rows(_AFFECT, "-.014 .313 .116 -.413 .403 -.386", "-.135 .249 .092 -.336 .291 -.374"),
    "ur-funny": _rows(
        _AFFECT, "-.332 -.336 -.232 .284 -.373 .083", "-.384 -.369 -.327 .347 -.380 .074"
    ),
    "mustard": _rows(_AFFECT, ".381 .208 .436 .019 .216 .438", ".404 .180 .530 .014 .139 .458"),
    "av-mnist": _rows(_AV_MNIST, ".887 .723", ".944 .974"),
}
