"""Linear prediction of one side from the other."""

from __future__ import annotations

import numpy as np


def linear_predictivity(x, y, *, ridge=None, folds=5):
    """Pooled R^2 of ridge regressions on samples they have not seen."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    penalties = np.atleast_1d(10.0 ** np.arange(-8, 4) if ridge is None else ridge)
    if np.ndim(folds) == 0:
        folds = np.concatenate([np.full(len(p), i) for i, p in enumerate(_runs(len(x), folds))])
    missed = total = 0.0
    for fold in np.unique(folds):
        test = np.asarray(folds) == fold
        train_x, train_y = x[~test], y[~test]
        penalty = max(penalties)
        if len(penalties) > 1:
            errors = {p: _validation_error(train_x, train_y, p) for p in penalties}
            least = min(errors.values())
            penalty = max(p for p in penalties if errors[p] <= least * (1 + 1e-9))
        hat = _weights(train_x, penalty) @ (train_y - train_y.mean(axis=0))
        predicted = train_y.mean(axis=0) + (x[test] - train_x.mean(axis=0)) @ hat
        missed += np.sum((y[test] - predicted) ** 2)
        total += np.sum((y[test] - train_y.mean(axis=0)) ** 2)
    return float(1 - missed / total)


def linear_regression(x, y):
    """Share of the variance of y that least squares on x fits."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    y = y - y.mean(axis=0)
    rest = y - (x - x.mean(axis=0)) @ _weights(x, 0) @ y
    return float(1 - np.sum(rest**2) / np.sum(y**2))


def _weights(x, penalty):
    """(d, n) what ridge regression multiplies centred targets with; the penalty is relative."""
    x = x - x.mean(axis=0)
    if penalty == 0:
        return np.linalg.pinv(x, rcond=1e-12)
    penalty = penalty * np.linalg.norm(x, 2) ** 2
    return np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T)


def _validation_error(x, y, penalty):
    """Generalised cross-validation of the fit to x and y, the mean counted as one parameter."""
    y = y - y.mean(axis=0)
    hat = (x - x.mean(axis=0)) @ _weights(x, penalty)
    freedom = len(x) - 1 - np.trace(hat)
    return np.sum((y - hat @ y) ** 2) / freedom**2 if freedom > 1e-10 * len(x) else np.inf


def _runs(n, count):
    return np.array_split(np.arange(n), count)
