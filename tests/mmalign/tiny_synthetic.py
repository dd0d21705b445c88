"""A synthetic study of a second, as a fixture and, run as a script, as a process to be stopped.

python tiny_synthetic.py DIRECTORY [name=value ...], with the names of :func:`tiny_synthetic`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from mmalign.data.synthetic import SyntheticSettings
from mmalign.study.synthetic import SyntheticStudy, run_synthetic_study, synthetic_study
from mmalign.study.synthetic.description import Grid


def tiny_synthetic(
    epochs: tuple[int, int] = (1, 2), seeds: tuple[int, ...] = (0, 1), samples: int = 2048
) -> SyntheticStudy:
    """Two levels of uniqueness, two transforms, three depths; both tasks."""
    study = synthetic_study("quick", seeds=seeds, depths=(1, 2, 4), epochs=tuple(epochs))
    grids = tuple(
        Grid(SyntheticSettings(task=task, split="paired", samples=samples), levels, (1, 9))
        for task, levels in (("paper", (0, 8)), ("balanced", (8,)))
    )
    return replace(study, grids=grids, aligned=150, permutations=5)


if __name__ == "__main__":
    directory, *options = sys.argv[1:]
    chosen = {name: json.loads(value) for name, _, value in (o.partition("=") for o in options)}
    run_synthetic_study(tiny_synthetic(**chosen), directory)
