"""Checking the features of MM-IMDb."""

from __future__ import annotations

from pathlib import Path

from ..data.mm_imdb import read_mm_imdb
from .arrays import note_shared_samples, row_digests, summarise
from .report import Report, SplitSummary


def check_mm_imdb(path: Path) -> Report:
    """Report on multimodal_imdb.hdf5; UserError when it cannot be read as such."""
    content = read_mm_imdb(path)
    report = Report(path, "mm-imdb", "MM-IMDb: features of plots and posters, 23 genres")
    for name, array in (*content.views.items(), ("genres", content.genres)):
        summarise(report, name, array)
    for split, rows in content.splits.items():
        genres = content.genres[rows]
        shares = dict(zip(content.names, genres.sum(axis=0).tolist(), strict=True))
        report.splits.append(SplitSummary(split, len(rows), shares))
        missing = [name for name, count in shares.items() if count in (0, len(rows))]
        if missing:
            report.add(
                "warning",
                split,
                f"all films or none are {', '.join(missing)}",
                "choose another genre as the label",
            )
    ids = {split: [content.ids[row] for row in rows] for split, rows in content.splits.items()}
    note_shared_samples(report, "imdb_ids", ids)
    plots = row_digests(content.views["text"])
    note_shared_samples(
        report,
        "plot features",
        {split: [plots[row] for row in rows] for split, rows in content.splits.items()},
    )
    report.use.append(f'load_dataset("mm-imdb:{path}:drama")')
    return report
