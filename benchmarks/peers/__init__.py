"""The contenders, ours first. A new peer is one file here and one line below."""

from __future__ import annotations

from . import (
    faiss_flat,
    mmkernels_native,
    sklearn_brute,
    torch_argsort,
    torch_features,
    torch_gram,
    torch_topk,
)
from .peer import Peer

OURS = mmkernels_native.PEER
PEERS: tuple[Peer, ...] = (
    OURS,
    faiss_flat.PEER,
    sklearn_brute.PEER,
    torch_topk.PEER,
    torch_argsort.PEER,
    torch_gram.PEER,
    torch_features.PEER,
)

__all__ = ["OURS", "PEERS", "Peer"]
