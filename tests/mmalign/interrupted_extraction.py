"""An extraction that takes its time, for a test to stop: MODEL DATA OUT."""

from __future__ import annotations

import sys
import time

import torch
from rich.console import Console

from mmalign.extract import Extraction, extract_features, open_samples, open_source, partial, run


def main(model: str, data: str, out: str) -> None:
    torch.set_num_threads(1)
    partial._COMMIT_SECONDS = 0.0
    take = run.next_batch

    def slow(*arguments, **options):
        time.sleep(0.2)
        return take(*arguments, **options)

    run.next_batch = slow
    run.token_budget = lambda *settings: 24
    extract_features(
        open_source(model), open_samples(data), out, Extraction(), Console(stderr=True)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
