"""One library of the conformance table, in its own environment: it is asked, it answers.

python peer_worker.py PEER FOLDER [CHECKOUT]

FOLDER/tasks.json is a list of {"case", "samples" (all if null), "call" (its place among those of
the peer), "options"}; the arrays of a case are FOLDER/CASE.x.npy and FOLDER/CASE.y.npy. Every
reply is one line of JSON on the standard output: first {"version": ...}, then for every task
{"value": number} or {"raised": what}, so that a library that takes the process down loses only
the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from conformance_peers import PEERS
from conformance_peers.peer import Peer


def version(peer: Peer, checkout: str | None) -> str | None:
    if checkout:
        command = ["git", "-C", checkout, "log", "-1", "--format=%h of %cs"]
        done = subprocess.run(command, text=True, capture_output=True)
        return done.stdout.strip() or "unknown commit"
    return metadata.version(peer.distribution or peer.name)


def seed() -> None:
    """Some draw random numbers without being asked: they draw the same ones every time."""
    np.random.seed(0)  # noqa: NPY002 - that is what they use
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def answer(peer: Peer, folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    call = peer.calls[task["call"]]
    x, y = (np.load(folder / f"{task['case']}.{side}.npy")[: task["samples"]] for side in "xy")
    seed()
    try:
        return {"value": repr(float(call.function(x, y, **task["options"])))}
    except Exception as error:
        lines = str(error).strip().splitlines()
        return {"raised": f"{type(error).__name__}: {lines[0] if lines else ''}".rstrip(": ")}


def main(name: str, folder: str, checkout: str | None = None) -> None:
    # What a library prints must not be taken for a reply.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if checkout:
        sys.path.insert(0, checkout)
    peer = next(peer for peer in PEERS if peer.name == name)
    print(json.dumps({"version": version(peer, checkout)}), file=replies, flush=True)
    for task in json.loads((Path(folder) / "tasks.json").read_text()):
        print(json.dumps(answer(peer, Path(folder), task)), file=replies, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
