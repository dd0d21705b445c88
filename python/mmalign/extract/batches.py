"""Which samples go through the model together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# A window is read, measured and sorted at once, so memory does not grow with the data.
WINDOW = 1024
# What the largest tensors of a batch may take. A fixed number: batches decide the last bits of the
# features, which must not depend on what else the machine is doing.
BATCH_BYTES = 1 << 30
# On a processor larger batches are slower, by a quarter at 4,096 tokens: they leave its caches.
MOST_TOKENS_ON_CPU = 1024
MOST_TOKENS = 16384


@dataclass(frozen=True)
class Item:
    """A sample ready for the model: ``length`` tokens, ``cut`` if some were left out."""

    row: int
    length: int
    payload: Any
    cut: bool = False


def token_budget(bytes_per_token: int, device: str) -> int:
    """Return how many tokens, padding included, a batch on a kind of device may have."""
    most = MOST_TOKENS_ON_CPU if device == "cpu" else MOST_TOKENS
    return max(1, min(most, BATCH_BYTES // max(bytes_per_token, 1)))


def plan_order(items: Sequence[Item]) -> list[Item]:
    """Return the items longest first: they need most memory, and neighbours pad each other least.

    The order does not depend on the budget, so a run that goes on after an interrupt, or after it
    ran out of memory, knows by a count what is done.
    """
    return sorted(items, key=lambda item: (-item.length, item.row))


def next_batch(items: Sequence[Item], start: int, budget: int, *, pads: bool) -> list[Item]:
    """Return the items from ``start`` on that fit ``budget`` tokens when padded to the longest.

    At least one item. Without ``pads`` all are of one length.
    """
    longest = items[start].length
    batch = [items[start]]
    for item in items[start + 1 :]:
        if (len(batch) + 1) * longest > budget or not (pads or item.length == longest):
            break
        batch.append(item)
    return batch


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a forward pass failed for want of memory, on a processor or an accelerator."""
    if isinstance(error, MemoryError):
        return True
    # torch's allocator for processors has no exception of its own.
    text = str(error)
    return isinstance(error, RuntimeError) and (
        type(error).__name__ == "OutOfMemoryError"
        or "not enough memory" in text
        or "can't allocate memory" in text
    )
