"""The best pair of layers, with everything that layers share computed once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mmkernels
from mmkernels.compat.platonic import AlignmentMetrics
from mmkernels.compat.platonic_layers import compute_score, prepare_features

from . import datasets


def layers(widths, seed):
    """Layers of one model: the further, the less of the shared factors and the more noise."""
    draw = datasets.generator(seed)
    shared = datasets.generator(0).standard_normal((80, 8))
    return [
        torch.tensor(shared @ draw.standard_normal((8, d)) + i * draw.standard_normal((80, d)))
        for i, d in enumerate(widths)
    ]


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("metric", AlignmentMetrics.SUPPORTED_METRICS)
def test_the_best_of_all_pairs(metric, normalize):
    x, y = layers([12, 20, 16], 1), layers([24, 16], 2)
    options = {"topk": 5} if "nn" in metric else {}
    ready = [
        [torch.nn.functional.normalize(z, dim=-1) if normalize else z for z in side]
        for side in (x, y)
    ]
    scores = np.array(
        [
            [float(AlignmentMetrics.measure(metric, a, b, **options)) for b in ready[1]]
            for a in ready[0]
        ]
    )
    score, indices = compute_score(x, y, metric=metric, topk=5, normalize=normalize)
    assert score == pytest.approx(scores.max(), abs=1e-6)
    assert scores[indices] == pytest.approx(scores.max(), abs=1e-6)


def test_stacked_layers_are_the_layers():
    x = torch.stack(layers([12, 12, 12], 1), dim=1)
    y = torch.stack(layers([9, 9], 2), dim=1)
    listed = compute_score(list(x.unbind(1)), list(y.unbind(1)), topk=5)
    assert compute_score(x, y, topk=5) == listed


def test_the_indices_are_of_x_and_then_of_y():
    x, y = layers([12, 12, 12], 1), layers([9], 2)
    assert compute_score(x[::-1], y, topk=5)[1] == (2, 0)


def test_a_best_score_may_be_negative():
    x, y = ([torch.tensor(datasets.generator(seed).standard_normal((8, 3)))] for seed in (5, 12))
    wanted = float(mmkernels.cka(x[0], y[0]))
    assert wanted < 0
    score, indices = compute_score(x, y, metric="unbiased_cka", normalize=False)
    assert score == pytest.approx(wanted)
    assert indices == (0, 0)


@pytest.mark.filterwarnings("ignore:.*constant:RuntimeWarning")
def test_a_score_that_is_not_a_number_is_not_passed_over():
    x, y = layers([12, 12], 1), layers([9], 2)
    x[1] = torch.ones(80, 4)
    with pytest.raises(ValueError, match="layer 1 of x_feats and layer 0 of y_feats is NaN"):
        compute_score(x, y, metric="cka")


def test_a_layer_that_is_wrong_is_named():
    x, y = layers([12, 12], 1), layers([9], 2)
    x[1][5] = 0
    with pytest.raises(ValueError, match=r"Layer 1 of x_feats has a zero row \(row 5; shape \(80"):
        compute_score(x, y)
    assert compute_score(x, y, normalize=False)[0] > 0
    x[1][5] = torch.nan
    with pytest.raises(ValueError, match=r"x_feats\[1\] has NaN or infinity in row 5"):
        compute_score(x, y, metric="cka")


def test_what_is_not_layers():
    x = layers([12], 1)
    with pytest.raises(ValueError, match=r"x_feats must be \(n_samples, n_layers, n_features\)"):
        compute_score(x[0], x)
    with pytest.raises(ValueError, match="y_feats holds no layers"):
        compute_score(x, [])
    with pytest.raises(ValueError, match="no metric 'knn'"):
        compute_score(x, x, metric="knn")


def test_prepared_features_are_clamped_in_float32():
    feats = prepare_features([z.half() for z in layers([12, 20], 1)], q=0.9)
    assert [f.dtype for f in feats] == [torch.float32] * 2
    assert isinstance(prepare_features(torch.randn(5, 2, 3)), torch.Tensor)
