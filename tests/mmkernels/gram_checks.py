"""The true HSIC and CKA of a pair, and how far a computation in float32 tiles may be from it."""

from __future__ import annotations

import numpy as np

from mmkernels import reference

# What 24-bit products may cost, relative to the norms of the centred kernel matrices.
TILE_ERROR = 5e-7
# The same where a few values are repeated throughout: their roundings do not average out.
REPEATED_ERROR = 4e-6


class Truth:
    """Scores of x and y in float64, each kernel matrix built once."""

    def __init__(self, x, y, kernel="linear", sigma=None, scale=1.0, error=TILE_ERROR):
        # A power of two as scale keeps float64 products of denormal and huge values in range.
        x, y = (np.asarray(z, np.float64) * scale for z in (x, y))
        bandwidth = sigma if sigma in (None, "median") else sigma * scale
        self.n, self.error = len(x), error
        self.k, self.l = (reference.gram(z, kernel=kernel, sigma=bandwidth) for z in (x, y))
        # HSIC of linear kernels has units of feature^4.
        self.unit = scale**-4.0 if kernel == "linear" else 1.0

    def _terms(self, unbiased):
        pairs = ((self.k, self.l), (self.k, self.k), (self.l, self.l))
        return [reference.hsic_from_grams(*pair, unbiased) for pair in pairs]

    def hsic(self, unbiased):
        """The score and the error allowed."""
        _, self_k, self_l = self._terms(False)
        allowed = self.error * self._inflation(unbiased) * np.sqrt(self_k) * np.sqrt(self_l)
        return self._terms(unbiased)[0] * self.unit, allowed * self.unit

    def cka(self, unbiased):
        """The score and the error allowed, which grows where unbiased self terms nearly cancel."""
        cross, self_k, self_l = self._terms(unbiased)
        _, norm_k, norm_l = self._terms(False)
        score = cross / np.sqrt(self_k * self_l)
        loss_k, loss_l = norm_k / self_k, norm_l / self_l
        growth = np.sqrt(loss_k * loss_l) + abs(score) * (loss_k + loss_l) / 2
        return score, self.error * self._inflation(unbiased) * growth

    def _inflation(self, unbiased):
        return (self.n - 1) ** 2 / (self.n * (self.n - 3)) if unbiased else 1.0


def check_scores(functions, x, y, *, kernel="linear", sigma=None, scale=1.0, error=TILE_ERROR):
    """Compares `functions.hsic` and `functions.cka`, biased and unbiased, with the truth.

    Returns the smallest error that was allowed for CKA, so that a caller can see that the
    comparison meant something.
    """
    truth = Truth(x, y, kernel, sigma, scale, error)
    options = {"kernel": kernel, "sigma": sigma}
    meant = []
    for unbiased in (False, True):
        if unbiased and truth.n < 4:
            continue
        wanted, allowed = truth.hsic(unbiased)
        found = float(functions.hsic(x, y, unbiased=unbiased, **options))
        assert abs(found - wanted) <= allowed, ("hsic", unbiased, found, wanted, allowed)
        wanted, allowed = truth.cka(unbiased)
        found = float(functions.cka(x, y, unbiased=unbiased, **options))
        assert abs(found - wanted) <= allowed, ("cka", unbiased, found, wanted, allowed)
        meant.append(allowed)
    return min(meant)
