"""Packages that are looked for under these names and have no metric to compare."""

from __future__ import annotations

from .peer import Peer

CALIBRATED_SIMILARITY = Peer(
    name="calibrated-similarity",
    requirements=("calibrated-similarity==0.1.1",),
    remark="permutation thresholds for a score that the caller brings; no score of its own",
)
PLATONIC = Peer(
    name="platonic",
    requirements=("platonic==1.0.0",),
    remark="another project (queues and mappings): platonic-rep is not on the index",
)
