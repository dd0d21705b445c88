"""What other programs got wrong about subspaces, shapes and dissimilarities, each shown once."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.spatial.distance import squareform

import mmkernels

from . import datasets
from .processes import output_of


def wide_pair():
    """As many features as have made other programs fail, and an invertible map between them."""
    x = datasets.gaussian(256, 10).astype(np.float64)
    return x, x @ datasets.gaussian(10, 10, seed=1)


def test_svcca_gives_equal_answers_to_equal_calls():
    """platonic-rep's sampled vectors, NIPALS and added noise: 0.417, 0.510, 0.439, 0.464."""
    x, y = wide_pair()
    found = {float(mmkernels.svcca(x, y)) for _ in range(4)}
    assert len(found) == 1
    assert found.pop() == pytest.approx(1, abs=1e-12)


def test_cca_has_no_threshold_that_becomes_an_epsilon():
    """google/svcca's robust_cca_similarity passes its threshold as epsilon: 0.009, not 0.134."""
    x, y = datasets.gaussian(500, 20) * 0.1, datasets.gaussian(500, 10, seed=1) * 0.1
    wanted = float(mmkernels.cca(x * 1000, y * 1000))
    assert mmkernels.cca(x, y) == pytest.approx(wanted, abs=1e-6)
    assert 0.1 < wanted < 0.25


@pytest.mark.parametrize("scale", [1e-12, 1e-5, 1e20])
def test_cca_of_small_features_is_that_of_large_ones(scale):
    """netrep's whitening cuts eigenvalues below 1e-7: a distance of 0.33 at scale 1e-5."""
    x, y = wide_pair()
    assert mmkernels.cca(x * scale, y * scale) == pytest.approx(1, abs=1e-10)


def test_procrustes_of_a_constant_cloud_is_not_perfect():
    """platonic-universe and torchmetrics call a constant cloud the same shape as any other."""
    x, constant = datasets.gaussian(30, 4), np.full((30, 4), 2.5)
    for function in (mmkernels.procrustes, mmkernels.procrustes_distance):
        with pytest.warns(RuntimeWarning, match="y is constant"):
            assert np.isnan(function(x, constant))


def test_procrustes_of_nan_is_an_error_not_perfect():
    """torchmetrics warns and returns a disparity of 0."""
    x = datasets.gaussian(30, 4)
    bad = x.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="y has NaN or infinity in row 3"):
        mmkernels.procrustes(x, bad)


def test_angles_of_nearly_equal_shapes_are_not_rounded_away():
    """arccos of a clipped similarity (netrep, ReSi) knows no angle between 0 and 1e-8."""
    x = datasets.gaussian(60, 5).astype(np.float64)
    step = 1e-10 * datasets.gaussian(60, 5, seed=1)
    near, twice = (float(mmkernels.angular_shape_distance(x, x + f * step)) for f in (1, 2))
    assert 1e-11 < near < 1e-9
    assert twice == pytest.approx(2 * near, rel=1e-4)


def test_a_zero_list_of_dissimilarities_does_not_move_the_others():
    """rsatoolbox fills the cells of a zero vector in the wrong places: 0.97 where 0.84 is right."""
    lists = np.array([[1.0, 2, 3], [0, 0, 0], [3, 2, 2]]), np.array([[1.0, 2, 3], [2, 2, 3]])
    found = np.zeros((3, 2))
    for i, a in enumerate(lists[0]):
        for j, b in enumerate(lists[1]):
            sides = squareform(a), squareform(b)
            options = {"distance": "precomputed", "compare": "cosine"}
            if a.any():
                found[i, j] = mmkernels.rsa(*sides, **options)
            else:
                with pytest.warns(RuntimeWarning, match="of x are 0"):
                    found[i, j] = mmkernels.rsa(*sides, **options)
    wanted = [[1, 0.972306], [np.nan, np.nan], [0.842665, 0.941176]]
    assert np.allclose(found, wanted, rtol=0, atol=1e-6, equal_nan=True)


def test_rho_a_is_the_one_that_counts_ties_against_agreement():
    """rsatoolbox documents it the other way round."""
    x, y = datasets.integers(12, 2), datasets.integers(12, 2) * 2
    options = {"distance": "cityblock"}
    assert mmkernels.rsa(x, y, compare="spearman", **options) == pytest.approx(1)
    assert mmkernels.rsa(x, y, compare="rho-a", **options) < 0.99


def test_pwcca_weighs_orthonormal_variates_not_coefficients():
    """anatome orthonormalises the coefficients of the variates, google/svcca forgets to whiten."""
    x, y = datasets.related(200, 12, 9, dtype=np.float64)
    x, y = (x - x.mean(axis=0)) * np.geomspace(1, 30, 12), y - y.mean(axis=0)
    q_x, r_x = np.linalg.qr(x)
    turn, correlations, _ = np.linalg.svd(q_x.T @ np.linalg.qr(y)[0], full_matrices=False)
    scores = []
    for variates in (q_x @ turn, x @ np.linalg.qr(np.linalg.solve(r_x, turn))[0]):
        weights = np.abs(variates.T @ (x if variates.shape == (200, 9) else 1)).sum(axis=1)
        scores.append(weights @ correlations / weights.sum())
    assert mmkernels.pwcca(x, y) == pytest.approx(scores[0], abs=1e-12)
    assert scores[1] != pytest.approx(scores[0], abs=1e-2)


def test_similarity_is_higher_and_distance_lower_for_what_is_alike():
    """anatome returned one as the other; here the name says which it is."""
    x = datasets.gaussian(100, 6).astype(np.float64)
    near, far = x + 0.1 * datasets.gaussian(100, 6, seed=1), datasets.gaussian(100, 6, seed=2)
    for name in mmkernels.measures():
        closer, farther = (float(mmkernels.measure(name, x, other)) for other in (near, far))
        assert (closer < farther) == name.endswith("distance"), name


@pytest.mark.parametrize(("d_x", "d_y"), [(9, 5), (5, 9), (1, 40)])
def test_cca_of_different_numbers_of_features(d_x, d_y):
    """google/svcca: an index that did not match, and its projection weights still raise so."""
    x, y = datasets.related(120, d_x, d_y)
    for name in ("cca", "svcca", "pwcca"):
        assert 0 < mmkernels.measure(name, x, y) <= 1 + 1e-12


def test_cca_of_fewer_samples_than_features_says_what_it_means():
    """Refused by some, answered with noise by others: it is 1 for any data, and that is said."""
    x, y = datasets.gaussian(20, 50), datasets.gaussian(20, 30, seed=1)
    with pytest.warns(RuntimeWarning, match="1 whatever the data"):
        assert mmkernels.cca(x, y) == pytest.approx(1, abs=1e-12)
    # Ten leading directions of each remain a question.
    x, y = datasets.gaussian(200, 500), datasets.gaussian(200, 300, seed=1)
    assert mmkernels.svcca(x, y) < 0.5


def test_ill_conditioned_features_give_numbers():
    """Singular values over twenty orders of magnitude: NaN gradients and values elsewhere."""
    x = datasets.gaussian(200, 21).astype(np.float64) * np.geomspace(1, 1e-20, 21)
    x = x @ np.linalg.qr(datasets.gaussian(21, 21, seed=1).astype(float))[0]
    for name in ("cca", "svcca", "pwcca", "procrustes", "linear_predictivity", "linear_regression"):
        assert mmkernels.measure(name, x, x[:, ::-1]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "name", [n for n in mmkernels.measures() if n not in ("hsic", "unbiased_hsic", "cycle_knn")]
)
def test_a_representation_is_at_no_distance_from_itself(name):
    """netrep#1: 0.878 between T and T; ReSi's squared distances fall below 0, their roots are NaN.
    rsatoolbox, anatome: which way is closer?"""
    x = datasets.gaussian(100, 12).astype(np.float64) * 1e3 + 5
    found = float(mmkernels.measure(name, x, x.copy()))
    wanted = 0 if name.endswith("distance") else 10 if name == "lcs_knn" else 1
    assert found == pytest.approx(wanted, abs=1e-6)
    assert found >= 0


def test_flattened_maps_take_no_square_of_their_width():
    """simtorch's Procrustes runs out of memory where d is channels times height times width."""
    x, y = datasets.related(24, 150_000, 120_000)  # d x d would be 144 GB
    for name in ("procrustes", "procrustes_distance", "svcca", "cmd", "cka", "linear_predictivity"):
        assert np.isfinite(mmkernels.measure(name, x, y)), name


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
@pytest.mark.parametrize("distance", ["cityblock", "euclidean"])
def test_differences_of_all_pairs_are_not_kept(distance, tmp_path):
    """styxx#38 keeps (n, n, d), rsatoolbox#37 and #214 a matrix of all pairs by all samples."""
    code = f"""
        import resource
        import numpy as np, mmkernels

        x = np.random.default_rng(0).standard_normal((500, 3000))
        mmkernels.set_num_threads(2)
        mmkernels.rsa(x[:9], x[:9], distance={distance!r})
        limit = resource.getrlimit(resource.RLIMIT_AS)[1]
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20, limit))  # (n, n, d) is 6 GB
        print(round(float(mmkernels.rsa(x, x * 2, distance={distance!r})), 9))
    """
    assert float(output_of(code, directory=tmp_path)) == 1


def test_missing_dissimilarities_are_refused_wherever_they_are():
    """rsatoolbox compared how many were NaN on each side, not which (#452)."""
    x = squareform(np.arange(1.0, 16))
    bad = [x.copy(), x.copy()]
    for matrix, (i, j) in zip(bad, ((0, 1), (2, 3)), strict=True):
        matrix[i, j] = matrix[j, i] = np.nan
    for a, b, name in ((bad[0], bad[1], "x"), (x, bad[1], "y"), (bad[0], bad[0], "x")):
        with pytest.raises(ValueError, match=f"{name} has NaN or infinity in row"):
            mmkernels.rsa(a, b, distance="precomputed")
