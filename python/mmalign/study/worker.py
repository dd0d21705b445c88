"""A process that trains one cell after another, told which over its standard input.

Both directions carry one JSON object per line. In: ``{"cell": ...}``. Out: ``{"event": ...}``
with "ready", "claimed" (training starts), "progress" (epochs done), "done" (seconds), "present"
(already in the store), "busy" (another run is computing it) or "failed" (message; ``cause`` is
"cell" for the cell's own failure, "surroundings" for one that would hit every cell, "defect" for
an unexpected one, with its traceback).

Started as a plain subprocess, not through multiprocessing: nothing is pickled, the caller's main
module is not imported again, and the end of the pipe tells each side that the other died.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import torch

from ..errors import UserError
from ..training import TrainingDiverged
from ..training.determinism import resolve_device
from .cell import EncoderCell, cell_from_json
from .dataset_file import read_view
from .encoder_result import train_encoder
from .store import CellStore

Send = Callable[[Mapping[str, Any]], None]

#: An epoch's news is passed on at most this often.
_PROGRESS_SECONDS = 0.2


def serve(store: CellStore, dataset_path: Path, device: torch.device, send: Send) -> None:
    """Train what arrives on standard input until it closes; then end the process at once."""
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, tasks), daemon=True).start()
    send({"event": "ready"})
    while True:
        cell = cell_from_json(json.loads(tasks.get())["cell"])
        if not isinstance(cell, EncoderCell):
            raise TypeError(f"A worker trains encoders, not {cell!r}.")
        send(_attempt(cell, store, dataset_path, device, send))


def _listen(stream: TextIO, tasks: queue.SimpleQueue[str]) -> None:
    for line in stream:
        tasks.put(line)
    # The parent is gone or done with us. Result files are replaced whole, so nothing is lost.
    os._exit(0)


def _attempt(
    cell: EncoderCell, store: CellStore, dataset_path: Path, device: torch.device, send: Send
) -> Mapping[str, Any]:
    try:
        if store.has(cell.hash):
            return {"event": "present"}
        with store.claim(cell.hash) as mine:
            if not mine:
                return {"event": "busy"}
            if store.has(cell.hash):
                return {"event": "present"}
            send({"event": "claimed"})
            started = time.perf_counter()
            said = started

            def on_epoch(epoch: int) -> None:
                nonlocal said
                if time.perf_counter() - said >= _PROGRESS_SECONDS:
                    said = time.perf_counter()
                    send({"event": "progress", "epochs": epoch})

            meta, arrays = train_encoder(cell, read_view(dataset_path, cell.view), device, on_epoch)
            store.write(cell.hash, meta, arrays)
            return {"event": "done", "seconds": time.perf_counter() - started}
    except TrainingDiverged as error:
        return {"event": "failed", "cause": "cell", "message": str(error)}
    except UserError as error:
        return {"event": "failed", "cause": "surroundings", "message": str(error)}
    except (MemoryError, torch.cuda.OutOfMemoryError):
        return {
            "event": "failed",
            "cause": "surroundings",
            "message": f"There was not enough memory on {device} to train the {cell}.",
        }
    except Exception:
        return {"event": "failed", "cause": "defect", "message": traceback.format_exc()}


def main() -> None:
    """Serve the study directory, data file and device named on the command line."""
    directory, dataset_path, device = sys.argv[-3:]
    # Whatever a library prints must not mix with the messages.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(message: Mapping[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    torch.set_num_threads(1)
    # The first optimiser imports a large part of torch; that is no cell's training time.
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])
    serve(CellStore(directory), Path(dataset_path), resolve_device(device), send)
