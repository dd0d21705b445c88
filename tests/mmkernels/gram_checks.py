"""The true HSIC and CKA of a pair, and how far a computation in float32 tiles may be from it."""

from __future__ import annotations

import numpy as np

from mmkernels import reference

# What 24-bit products may cost, relative to the norms of the centred kernel matrices.
TILE_ERROR = 5e-7
# The same where a few values are repeated throughout: their roundings do not average out.
REPEATED_ERROR = 4e-6


class Truth:
    """Scores of x and y in float64, each kernel matrix built once.

    `parameters` are those of the polynomial kernel.
    """

    def __init__(
        self, x, y, kernel="linear", sigma=None, scale=1.0, error=TILE_ERROR, **parameters
    ):
        # A power of two as scale keeps float64 products of denormal and huge values in range.
        x, y = (np.asarray(z, np.float64) * scale for z in (x, y))
        bandwidth = sigma if sigma in (None, "median") else sigma * scale
        self.n, self.error = len(x), error
        options = {"kernel": kernel, "sigma": bandwidth, **parameters}
        self.k, self.l = (reference.gram(z, **options) for z in (x, y))
        # HSIC of linear kernels has units of feature^4, of distances those of feature^2.
        self.unit = scale ** -{"linear": 4.0, "distance": 2.0}.get(kernel, 0.0)

    def _terms(self, estimator):
        pairs = ((self.k, self.l), (self.k, self.k), (self.l, self.l))
        return [reference.hsic_from_grams(*pair, estimator=estimator) for pair in pairs]

    def hsic(self, estimator):
        """The score and the error allowed."""
        _, self_k, self_l = self._terms("gretton")
        allowed = self.error * self._inflation(estimator) * np.sqrt(self_k) * np.sqrt(self_l)
        return self._terms(estimator)[0] * self.unit, allowed * self.unit

    def cka(self, estimator):
        """The score and the error allowed, which grows where self terms nearly cancel."""
        cross, self_k, self_l = self._terms(estimator)
        _, norm_k, norm_l = self._terms("gretton")
        score = cross / np.sqrt(self_k * self_l)
        loss_k, loss_l = norm_k / self_k, norm_l / self_l
        growth = np.sqrt(loss_k * loss_l) + abs(score) * (loss_k + loss_l) / 2
        return score, self.error * self._inflation(estimator) * growth

    def _inflation(self, estimator):
        return 1.0 if estimator == "gretton" else (self.n - 1) ** 2 / (self.n * (self.n - 3))


def check_scores(
    functions,
    x,
    y,
    *,
    kernel="linear",
    sigma=None,
    scale=1.0,
    error=TILE_ERROR,
    **parameters,
):
    """Compares `functions.hsic` and `functions.cka`, of every estimator, with the truth.

    Returns the smallest error that was allowed for CKA, so that a caller can see that the
    comparison meant something.
    """
    truth = Truth(x, y, kernel, sigma, scale, error, **parameters)
    options = {"kernel": kernel, "sigma": sigma}
    if parameters:
        x, y = (functions.prepare_gram(z, **options, **parameters) for z in (x, y))
    meant = []
    for estimator in ("gretton", "song", "lange"):
        if estimator != "gretton" and truth.n < 4:
            continue
        wanted, allowed = truth.hsic(estimator)
        found = float(functions.hsic(x, y, estimator=estimator, **options))
        assert abs(found - wanted) <= allowed, ("hsic", estimator, found, wanted, allowed)
        wanted, allowed = truth.cka(estimator)
        found = float(functions.cka(x, y, estimator=estimator, **options))
        assert abs(found - wanted) <= allowed, ("cka", estimator, found, wanted, allowed)
        if estimator != "lange":
            meant.append(allowed)
    return min(meant)
