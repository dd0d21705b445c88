"""What single captions say: overlaps of neighbours, caption by caption.

A dozen language models are a dozen points; the captions under them are thousands. In what follows
``overlap`` is the share of a caption's neighbours that a language model and a vision model have in
common (best pair of layers), ``performance`` is minus its bits per byte, and ``length`` the
logarithm of its characters. All functions return a statistic for
:func:`mmalign.analysis.captions.crossed.crossed_estimate`.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from .crossed import Statistic

# What is left of a variable after regression below this share of it is rounding.
_RELATIVE_RESIDUAL = 1e-10


def slope_over_levels(
    levels: np.ndarray, overlap: np.ndarray, length: np.ndarray | None = None
) -> Statistic:
    """Change of overlap from U = 0 to U = 100 within captions, at equal length if that is given.

    levels: (levels,) percent. overlap: (levels, models, n). length: (levels, n). Least squares of
    overlap on U / 100 (and length), with an intercept for each caption and model.
    """
    u = (levels - levels.mean()) / 100
    y = overlap - overlap.mean(axis=0)
    uu = float((u**2).sum())
    uy = np.einsum("l,lmi->mi", u, y)
    if length is None:

        def plain(captions: np.ndarray, models: np.ndarray) -> np.ndarray:
            total = captions.sum(axis=1) * models.sum(axis=1)
            return _ratio(((captions @ uy.T) * models).sum(axis=1), total * uu)

        return plain
    z = length - length.mean(axis=0)
    uz, zz = u @ z, (z**2).sum(axis=0)
    zy = np.einsum("li,lmi->mi", z, y)

    def given_length(captions: np.ndarray, models: np.ndarray) -> np.ndarray:
        weight = models.sum(axis=1)
        s_uu = captions.sum(axis=1) * weight * uu
        s_uz, s_zz = (captions @ uz) * weight, (captions @ zz) * weight
        s_uy = ((captions @ uy.T) * models).sum(axis=1)
        s_zy = ((captions @ zy.T) * models).sum(axis=1)
        rest = s_uu * s_zz - s_uz**2
        rest[rest <= _RELATIVE_RESIDUAL * s_uu * s_zz] = 0
        return _ratio(s_uy * s_zz - s_zy * s_uz, rest)

    return given_length


def rank_correlation(
    overlap: np.ndarray, performance: np.ndarray, length: np.ndarray | None = None
) -> Statistic:
    """Spearman's correlation of overlap and performance over captions, mean over models.

    overlap, performance: (models, n). Partial, given length (n,), if that is there. Ranks are
    those in all captions, in every replicate.
    """
    y, p = stats.rankdata(overlap, axis=1), stats.rankdata(performance, axis=1)
    columns = [y, p]
    if length is not None:
        columns.append(np.broadcast_to(stats.rankdata(length), y.shape))
    # Ranks centred and scaled keep the sums of squares small; weights move the centre again.
    scaled = [(ranks - ranks.mean()) / ranks.shape[1] for ranks in columns]

    def statistic(captions: np.ndarray, models: np.ndarray) -> np.ndarray:
        total = captions.sum(axis=1, keepdims=True)
        means = [captions @ column.T / total for column in scaled]

        def covariance(i: int, j: int) -> np.ndarray:
            return captions @ (scaled[i] * scaled[j]).T / total - means[i] * means[j]

        s_yy, s_pp, s_yp = covariance(0, 0), covariance(1, 1), covariance(0, 1)
        if length is not None:
            s_zz, s_yz, s_pz = covariance(2, 2), covariance(0, 2), covariance(1, 2)
            flat = s_zz <= _RELATIVE_RESIDUAL
            scale = np.where(flat, 1.0, s_zz)
            s_yp = s_yp - np.where(flat, 0, s_yz * s_pz / scale)
            s_yy = s_yy - np.where(flat, 0, s_yz**2 / scale)
            s_pp = s_pp - np.where(flat, 0, s_pz**2 / scale)
        spread = np.sqrt(s_yy.clip(0) * s_pp.clip(0))
        spread[(s_yy <= _RELATIVE_RESIDUAL) | (s_pp <= _RELATIVE_RESIDUAL)] = np.nan
        return _ratio((s_yp / spread * models).sum(axis=1), models.sum(axis=1))

    return statistic


def correlation_beyond_means(overlap: np.ndarray, performance: np.ndarray) -> Statistic:
    """Pearson's correlation of what caption and model do not explain of overlap and performance.

    overlap, performance: (models, n). Both are freed of every caption's mean over models and of
    every model's mean over captions. Length, difficulty and picture are the caption's, size is the
    model's: neither can make this correlation.
    """

    def statistic(captions: np.ndarray, models: np.ndarray) -> np.ndarray:
        of_captions = captions / captions.sum(axis=1, keepdims=True)
        of_models = models / models.sum(axis=1, keepdims=True)
        y, p = (_Means(of_captions, of_models, values) for values in (overlap, performance))
        yp, yy, pp = y.interaction(p), y.interaction(y), p.interaction(p)
        spread = np.sqrt(yy.clip(0) * pp.clip(0))
        return _ratio(yp, np.where(spread <= _RELATIVE_RESIDUAL * np.abs(yp).max(), 0, spread))

    return statistic


class _Means:
    """Weighted means of (models, n) values by caption, by model and over all, a row a replicate.

    of_captions (replicates, n) and of_models (replicates, models) add up to 1 in each row.
    """

    def __init__(self, of_captions: np.ndarray, of_models: np.ndarray, values: np.ndarray) -> None:
        self.of_captions, self.of_models, self.values = of_captions, of_models, values
        self.by_caption = of_models @ values
        self.by_model = of_captions @ values.T
        self.all = (self.by_model * of_models).sum(axis=1)

    def interaction(self, other: _Means) -> np.ndarray:
        """(replicates,) mean product of both, each freed of its means by caption and by model."""
        products = self.of_captions @ (self.values * other.values).T
        whole = (products * self.of_models).sum(axis=1)
        captions = (self.of_captions * self.by_caption * other.by_caption).sum(axis=1)
        models = (self.of_models * self.by_model * other.by_model).sum(axis=1)
        return whole - captions - models + self.all * other.all


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """NaN where the denominator is 0 or NaN."""
    return np.divide(
        numerator,
        denominator,
        out=np.full(np.shape(numerator), np.nan),
        where=np.nan_to_num(denominator) != 0,
    )
