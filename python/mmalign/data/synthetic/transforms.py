"""Random fixed networks that make a view unlike its bits."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...optional import require
from .settings import MAX_TRANSFORM_DEPTH, SyntheticSettings
from .task import bits_of

if TYPE_CHECKING:
    from torch import nn


def view_tables(settings: SyntheticSettings, transform_depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what view 1 and view 2 show of each state: two (2^view_bits, view_bits) arrays.

    Every state keeps an image of its own. A deep transform all but flattens some directions (the
    eigenvalues of the covariance span 10 orders at depth 10), a deep sigmoid one all of them, so
    that float32 would not tell states apart: its tables are float64, others float32.
    ``reconditioned`` turns the covariance over all states into the identity, by the symmetric
    whitening in float64.
    """
    return _all_view_tables(settings)[transform_depth]


@lru_cache(maxsize=4)
def _all_view_tables(settings: SyntheticSettings) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    torch = require("torch", "the transforms of synthetic data")
    states = bits_of(np.arange(1 << settings.view_bits), settings.view_bits).astype(np.float32)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(settings.transforms_seed)
        pairs = [_networks(settings, depth) for depth in range(MAX_TRANSFORM_DEPTH + 1)]
        tables = tuple(
            tuple(_table(network, states, settings) for network in pair) for pair in pairs
        )
    for table in (table for pair in tables for table in pair):
        table.setflags(write=False)
    return tables


def _networks(settings: SyntheticSettings, depth: int) -> tuple[nn.Module | None, nn.Module]:
    first = _network(settings, depth) if settings.transformed_views == "both" else None
    return first, _network(settings, depth)


def _network(settings: SyntheticSettings, depth: int) -> nn.Module:
    from torch import nn

    activation = nn.Tanh if settings.activation == "tanh" else nn.Sigmoid
    width = settings.view_bits
    if settings.transform == "width":
        hidden = width * max(depth**2, 1)
        return nn.Sequential(nn.Linear(width, hidden), activation(), nn.Linear(hidden, width))
    layers: list[nn.Module] = [nn.Linear(width, width)]
    for _ in range(depth):
        layers += [activation(), nn.Linear(width, width)]
    return nn.Sequential(*layers)


def _table(
    network: nn.Module | None, states: np.ndarray, settings: SyntheticSettings
) -> np.ndarray:
    import torch

    if network is None:
        return states
    if settings.activation == "tanh" and not settings.reconditioned:
        return network(torch.from_numpy(states)).numpy()
    # The flattest directions are below float32's resolution.
    exact = network.double()(torch.from_numpy(states.astype(np.float64))).numpy()
    return _whitened(exact).astype(np.float32) if settings.reconditioned else exact


def _whitened(table: np.ndarray) -> np.ndarray:
    centred = table - table.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(table))
    return centred @ (vectors / np.sqrt(values)) @ vectors.T
