"""The libraries of the conformance table. A new one is one file here and one line below."""

from __future__ import annotations

from . import (
    anatome,
    cca_zoo,
    cka_pytorch,
    ckatorch,
    dcor,
    google_svcca,
    hyppo,
    mne_rsa,
    netrep,
    platonic_rep,
    pytorch_cka,
    repralign,
    repsim,
    resi,
    rsatoolbox,
    scipy_stats,
    similarity_repository,
    simtorch,
    sklearn_parts,
    torch_cka,
    torchmetrics,
    without_metrics,
)
from .peer import Call, Peer

PEERS: tuple[Peer, ...] = (
    platonic_rep.PEER,
    resi.PEER,
    netrep.PEER,
    anatome.PEER,
    google_svcca.PEER,
    repsim.PEER,
    ckatorch.PEER,
    pytorch_cka.PEER,
    cka_pytorch.PEER,
    torch_cka.PEER,
    simtorch.PEER,
    repralign.PEER,
    rsatoolbox.PEER,
    mne_rsa.PEER,
    hyppo.PEER,
    dcor.PEER,
    cca_zoo.PEER,
    torchmetrics.PEER,
    sklearn_parts.PEER,
    scipy_stats.PEER,
    similarity_repository.PEER,
    without_metrics.CALIBRATED_SIMILARITY,
    without_metrics.PLATONIC,
)

__all__ = ["PEERS", "Call", "Peer"]
