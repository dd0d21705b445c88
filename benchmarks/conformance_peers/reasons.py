"""Why numbers are wrong: what several libraries have in common. Each was read in their source."""

from __future__ import annotations

OVERFLOW = "sums products in float16, which ends at 65504"
CANCELS = "subtracts large sums over a float32 Gram matrix of features that are not centred"
NOISE = "all that is left of a constant is rounding noise, and it compares that"
ZERO_ROWS = "a zero row is as near to one sample as to any other, and some are taken"
NOT_CHECKED = "does not look for NaN, and sorts it like a number"
BATCHES = "adds up what batches of 64 samples say, another estimate"
