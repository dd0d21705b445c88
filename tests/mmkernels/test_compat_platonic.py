"""The stand-in for platonic-rep's metrics: the right numbers, and its own with strict=True.

The strict numbers were made with that project's metrics.py of April 2025 (commit dcd76ba) and
torch 2.13.0 on the inputs of test_published_numbers.py.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mmkernels
from mmkernels.compat import platonic
from mmkernels.compat.platonic import AlignmentMetrics

from .test_published_numbers import recipe

OPTIONS = {"knn": {"topk": 10}, "cknna": {"topk": 10}, "svcca": {"cca_dim": 10}}
# (metric, further arguments): its number in float64
STRICT = {
    ("cycle_knn", ()): 0.96484375,
    ("mutual_knn", ()): 0.3320312798023224,
    ("lcs_knn", ()): 2.1640625,
    ("edit_distance_knn", ()): 0.05859375,
    ("cka", ()): 0.7068531966122422,
    ("cka", (("kernel_metric", "rbf"),)): 0.7106198395224876,
    ("unbiased_cka", ()): 0.6978167683012245,
    ("unbiased_cka", (("kernel_metric", "rbf"),)): 0.689975010556651,
    ("cknna", ()): 0.35304170665952245,
    ("cknna", (("unbiased", False),)): 0.49221346712844094,
}


def views(dtype=torch.float64):
    a, b, _ = recipe()
    return torch.tensor(a, dtype=dtype), torch.tensor(b, dtype=dtype)


def options(metric):
    return next((given for part, given in OPTIONS.items() if part in metric), {})


@pytest.mark.parametrize(("metric", "further"), STRICT)
def test_strict_gives_the_original_number(metric, further):
    a, b = views()
    found = AlignmentMetrics.measure(metric, a, b, **options(metric), **dict(further), strict=True)
    assert float(found) == pytest.approx(STRICT[metric, further], rel=1e-9)


def test_strict_svcca_is_random_and_repeats_with_the_seeds():
    pytest.importorskip("sklearn")
    a, b = views(torch.float32)
    scores = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the original draws from this generator
        scores.append(AlignmentMetrics.svcca(a, b, strict=True))
    assert scores[0] == pytest.approx(0.69143, abs=1e-4)
    assert scores[0] == scores[1] != scores[2]


@pytest.mark.parametrize("metric", AlignmentMetrics.SUPPORTED_METRICS)
def test_the_calls_of_the_original_scripts(metric):
    """As its self-benchmark calls it: by name, unit rows of random features, wider than many."""
    torch.manual_seed(0)
    a, b = (torch.nn.functional.normalize(torch.randn(64, 8192), dim=-1) for _ in range(2))
    scores = [AlignmentMetrics.measure(metric, a, b, **options(metric)) for _ in range(2)]
    assert scores[0] == scores[1]
    assert np.isfinite(np.mean(scores))
    own = float(AlignmentMetrics.measure(metric, a, a, **options(metric)))
    assert own == pytest.approx(10 if metric == "lcs_knn" else 1, abs=1e-6)


@pytest.mark.parametrize("metric", AlignmentMetrics.SUPPORTED_METRICS)
def test_the_default_is_the_function_of_this_library(metric):
    a, b = views(torch.float32)
    found = float(AlignmentMetrics.measure(metric, a, b, **options(metric)))
    if metric == "cknna":
        wanted = mmkernels.cknna(a, b, k=10)
    elif "knn" in metric:
        wanted = getattr(mmkernels, metric)(a, b, k=10, metric="ip")
    elif metric == "svcca":
        wanted = mmkernels.svcca(a, b, components=10)
    else:
        wanted = mmkernels.cka(a, b, unbiased=metric == "unbiased_cka")
    assert found == float(wanted)


def test_types_of_the_results():
    a, b = views(torch.float32)
    for metric in AlignmentMetrics.SUPPORTED_METRICS:
        found = AlignmentMetrics.measure(metric, a, b, **options(metric))
        tensor = metric in ("lcs_knn", "edit_distance_knn")
        assert isinstance(found, torch.Tensor if tensor else float)


def test_unknown_names():
    a, b = views()
    with pytest.raises(ValueError, match=r"no metric 'knn'.*mutual_knn"):
        AlignmentMetrics.measure("knn", a, b)
    with pytest.raises(ValueError, match="kernel_metric must be 'ip' or 'rbf'"):
        AlignmentMetrics.cka(a, b, kernel_metric="linear")


def test_hsic_of_kernel_matrices():
    a, b = views()
    k, l = a @ a.T, b @ b.T  # noqa: E741
    biased, unbiased = platonic.hsic_biased(k, l), platonic.hsic_unbiased(k, l)
    assert float(biased) == pytest.approx(float(platonic.hsic_biased(k, l, strict=True)), rel=1e-6)
    n = len(a)
    wanted = (n - 1) ** 2 * float(mmkernels.hsic(a, b, unbiased=False))
    assert float(biased) == pytest.approx(wanted, rel=1e-6)
    strict = platonic.hsic_unbiased(k, l, strict=True)
    assert float(unbiased) == pytest.approx(float(strict), rel=1e-6)
    assert float(unbiased) == pytest.approx(float(mmkernels.hsic(a, b)), rel=1e-6)


def test_neighbors_and_what_is_made_of_them():
    a, b = views()
    in_a, in_b = (platonic.compute_nearest_neighbors(z, 5) for z in (a, b))
    assert torch.equal(in_a, platonic.compute_nearest_neighbors(a, 5, strict=True))
    cycle = platonic.compute_knn_accuracy(in_a[in_b])
    assert float(cycle) == pytest.approx(AlignmentMetrics.cycle_knn(a, b, 5), abs=1e-6)
    lengths = platonic.longest_ordinal_sequence(in_a, in_b)
    assert lengths.shape == (len(a),)
    assert float(lengths.mean()) == float(AlignmentMetrics.lcs_knn(a, b, 5))
    with pytest.raises(ValueError, match="X has an index twice in one row"):
        platonic.longest_ordinal_sequence(torch.zeros(4, 2, dtype=int), in_b[:4, :2])
    with pytest.raises(ValueError, match=r"must be \(n, k\) alike"):
        platonic.longest_ordinal_sequence(in_a, in_b[:, :3])
    common = platonic.compute_distance(in_a, in_b, lambda x, y: len(np.intersect1d(x, y)))
    assert float(common.mean() / 5) == pytest.approx(AlignmentMetrics.mutual_knn(a, b, 5))


@pytest.mark.parametrize("shape", [(60, 33), (60, 4, 9)])
@pytest.mark.parametrize("q", [0.95, 0.5, 0.0])
def test_outliers_are_clamped_at_the_mean_quantile_of_the_samples(shape, q):
    x = torch.tensor(np.random.RandomState(3).randn(*shape), dtype=torch.float32)
    sizes = np.abs(x.numpy().reshape(60, -1))
    limit = np.quantile(sizes, q, axis=1).mean()
    found = platonic.remove_outliers(x, q).numpy()
    np.testing.assert_allclose(found, x.numpy().clip(-limit, limit), rtol=1e-5)


def test_outliers_are_clamped_at_one_quantile_of_all_values():
    x = torch.tensor(np.random.RandomState(3).randn(60, 33), dtype=torch.float32)
    limit = np.sort(np.abs(x.numpy()).ravel())[int(0.95 * x.numel())]
    found = platonic.remove_outliers(x, 0.95, exact=True)
    np.testing.assert_array_equal(found.numpy(), x.numpy().clip(-limit, limit))
    assert platonic.remove_outliers(x, 1) is x
    wide = platonic.remove_outliers(x, 0.5, exact=True, max_threshold=1e9)
    assert torch.equal(wide, x)
    unused = platonic.remove_outliers(x, 0.5, exact=True, max_threshold=1e9, strict=True)
    assert torch.equal(unused, platonic.remove_outliers(x, 0.5, exact=True))
    with pytest.raises(ValueError, match="q must be between 0 and 1"):
        platonic.remove_outliers(x, 1.5)


def test_outliers_of_half_precision_and_of_more_values_than_torch_sorts():
    x = torch.tensor(np.random.RandomState(3).randn(2, 3000), dtype=torch.float16)
    assert platonic.remove_outliers(x, 0.9).dtype == torch.float16
    long = torch.arange(2**24 + 9, dtype=torch.float32).view(1, -1)
    assert platonic.remove_outliers(long, 0.5).max() == (2**24 + 8) / 2


# What the original gets wrong: each test shows the right number, then its number.


def test_an_epsilon_does_not_make_a_representation_unlike_itself():
    torch.manual_seed(0)
    a = torch.nn.functional.normalize(torch.randn(64, 8192), dim=-1)
    for scale, strict in ((1.0, 0.9914), (0.1, 0.0114)):
        x = a * scale
        assert AlignmentMetrics.unbiased_cka(x, x.clone()) == pytest.approx(1, abs=1e-6)
        found = AlignmentMetrics.unbiased_cka(x, x.clone(), strict=True)
        assert found == pytest.approx(strict, abs=1e-3)


def test_a_far_mean_does_not_hide_the_alignment():
    draw = np.random.RandomState(1)
    z = draw.randn(300, 8)
    a = z @ draw.randn(8, 32) + 0.5 * draw.randn(300, 32)
    b = z @ draw.randn(8, 24) + 0.5 * draw.randn(300, 24)
    near, far = (
        [torch.tensor(v + offset, dtype=torch.float32) for v in (a, b)] for offset in (0, 100)
    )
    wanted = AlignmentMetrics.unbiased_cka(*near)
    assert wanted == pytest.approx(0.78784, abs=1e-4)
    assert AlignmentMetrics.unbiased_cka(*far) == pytest.approx(wanted, abs=1e-4)
    assert abs(AlignmentMetrics.unbiased_cka(*far, strict=True)) < 0.1


def test_as_many_neighbors_as_samples_are_refused():
    x, y = (torch.randn(20, 8, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    for topk in (20, 25):
        assert AlignmentMetrics.mutual_knn(x, y, topk, strict=True) == 1
        with pytest.raises(ValueError, match="k must be between 1 and 19"):
            AlignmentMetrics.mutual_knn(x, y, topk)


def test_a_row_of_nan_is_refused():
    x, y = views()
    x[3] = float("nan")
    assert 0 < AlignmentMetrics.mutual_knn(x, y, 10, strict=True) < 1
    with pytest.raises(ValueError, match="NaN or infinity in row 3"):
        AlignmentMetrics.mutual_knn(x, y, 10)


def test_half_precision_is_searched_exactly():
    a, b = views(torch.float16)
    with pytest.raises(RuntimeError, match="Half"):
        AlignmentMetrics.mutual_knn(a, b, 10, strict=True)
    wanted = AlignmentMetrics.mutual_knn(a.double(), b.double(), 10)
    assert AlignmentMetrics.mutual_knn(a, b, 10) == wanted


def test_cknna_without_a_number_of_neighbors_takes_all():
    a, b = views()
    assert AlignmentMetrics.cknna(a, b) == AlignmentMetrics.cknna(a, b, topk=len(a) - 1)
    with pytest.raises(ValueError, match="the original raises"):
        AlignmentMetrics.cknna(a, b, strict=True)
    with pytest.raises(ValueError, match="topk must be at least 2; it is 1"):
        AlignmentMetrics.cknna(a, b, topk=1)


def test_cknna_that_does_not_look_at_distances_counts_common_neighbors():
    a, b = views()
    found = AlignmentMetrics.cknna(a, b, topk=10, distance_agnostic=True)
    assert found == AlignmentMetrics.mutual_knn(a, b, 10)
    with pytest.raises(ValueError, match="the original raises"):
        AlignmentMetrics.cknna(a, b, topk=10, distance_agnostic=True, strict=True)


def test_svcca_of_an_invertible_map_is_one():
    draw = np.random.RandomState(2)
    x = torch.tensor(draw.randn(200, 10))
    y = x @ torch.tensor(draw.randn(10, 10))
    assert AlignmentMetrics.svcca(x, y) == pytest.approx(1, abs=1e-9)
