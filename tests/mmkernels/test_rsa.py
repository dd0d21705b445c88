"""rsa against the float64 reference and against scipy."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import kendalltau, spearmanr

import mmkernels
from mmkernels import reference
from mmkernels.rsa import COMPARISONS

from . import datasets
from .test_errors import refuse

DISTANCES = ["correlation", "cosine", "euclidean", "sqeuclidean", "cityblock"]


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(("n", "d"), [(3, 3), (4, 33), (5, 2), (31, 17), (33, 8), (65, 5)])
def test_sizes(n, d, distance, compare):
    x, y = datasets.related(n, d, max(2, d // 2), dtype=np.float64)
    options = {"distance": distance, "compare": compare}
    if distance == "correlation":
        y = np.hstack([y, y[:, :1] ** 2])  # correlations over two features are 1 or -1
        x = np.hstack([x, x[:, :1] ** 2])
    assert mmkernels.rsa(x, y, **options) == pytest.approx(
        reference.rsa(x, y, **options), abs=1e-12
    )


@pytest.mark.parametrize("distance", DISTANCES)
def test_like_scipy(distance):
    x, y = datasets.related(300, 40, 25, dtype=np.float64)
    in_x, in_y = pdist(x, distance), pdist(y, distance)
    for compare, wanted in {
        "pearson": np.corrcoef(in_x, in_y)[0, 1],
        "cosine": in_x @ in_y / np.linalg.norm(in_x) / np.linalg.norm(in_y),
        "spearman": spearmanr(in_x, in_y)[0],
        "kendall": kendalltau(in_x, in_y)[0],
    }.items():
        found = mmkernels.rsa(x, y, distance=distance, compare=compare)
        assert found == pytest.approx(wanted, abs=1e-12), compare


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("largest", [1, 3, 60])
@pytest.mark.parametrize(("n", "d"), [(5, 2), (33, 3), (50, 1)])
def test_ties(n, d, largest, compare):
    """Sums of whole numbers are exact, and equal ones are many."""
    x, y = datasets.integers(n, d, 1, largest), datasets.integers(n, d + 1, 2, largest)
    y[:, 0] += x[:, 0]
    for distance in ("cityblock", "sqeuclidean", "euclidean"):
        options = {"distance": distance, "compare": compare}
        wanted = reference.rsa(x, y, **options)
        assert mmkernels.rsa(x, y, **options) == pytest.approx(wanted, abs=1e-12)


def test_many_pairs():
    """Half a million: runs of several chunks, ties that reach across them."""
    x, y = datasets.integers(1000, 2, 1), datasets.integers(1000, 2, 2) + datasets.integers(1000, 2)
    in_x, in_y = pdist(x, "cityblock"), pdist(y, "cityblock")
    for compare, wanted in (
        ("spearman", spearmanr(in_x, in_y)[0]),
        ("kendall", kendalltau(in_x, in_y)[0]),
    ):
        found = mmkernels.rsa(x, y, distance="cityblock", compare=compare)
        assert found == pytest.approx(wanted, abs=1e-12)
    assert mmkernels.rsa(x, -3 * x, distance="cityblock", compare="kendall") == 1
    assert mmkernels.rsa(x, -3 * x, distance="cityblock", compare="tau-a") < 0.95


def test_opposite_orders():
    """Distances on a line, and their negatives as given ones."""
    x = np.array([[0.0], [1], [3], [7], [12], [20]])
    opposite = -squareform(pdist(x))
    for compare in ("pearson", "spearman", "kendall", "tau-a", "rho-a", "cosine"):
        options = {"distance": ("euclidean", "precomputed"), "compare": compare}
        assert mmkernels.rsa(x, opposite, **options) == pytest.approx(-1, abs=0.05)
        options["distance"] = options["distance"][::-1]
        assert mmkernels.rsa(-opposite, x, **options) == pytest.approx(1, abs=0.05)


def test_rho_a_is_the_mean_over_all_ways_to_break_ties():
    draw = datasets.generator(0)
    a, b = draw.integers(0, 3, 10).astype(float), draw.integers(0, 4, 10).astype(float)
    matrices = []
    for values in (a, b):
        matrices.append(np.zeros((5, 5)))
        matrices[-1][np.triu_indices(5, 1)] = values
        matrices[-1] += matrices[-1].T
    found = mmkernels.rsa(*matrices, distance="precomputed", compare="rho-a")
    broken = [
        spearmanr(a + 1e-6 * draw.random(10), b + 1e-6 * draw.random(10))[0] for _ in range(1500)
    ]
    assert found == pytest.approx(np.mean(broken), abs=4 * np.std(broken) / np.sqrt(1500))
    assert abs(found) < abs(mmkernels.rsa(*matrices, distance="precomputed"))


class TestGivenDistances:
    def test_matrices_lists_and_functions(self):
        x, y = datasets.related(40, 7, 5, dtype=np.float64)
        wanted = mmkernels.rsa(x, y, distance="cityblock", compare="kendall")
        matrices = [squareform(pdist(z, "cityblock")) for z in (x, y)]
        for sides, distance in (
            (matrices, "precomputed"),
            ((x, matrices[1]), ("cityblock", "precomputed")),
            ((x, y), lambda z: pdist(z, "cityblock")),
            ((x, y), lambda z: squareform(pdist(z, "cityblock"))),
            ((x, y), (lambda z: pdist(z, "cityblock"), "cityblock")),
        ):
            found = mmkernels.rsa(*sides, distance=distance, compare="kendall")
            assert found == pytest.approx(wanted, abs=1e-12)

    def test_the_diagonal_does_not_matter(self):
        x = datasets.gaussian(20, 3)
        similarities = -squareform(pdist(x)) + 5 * np.eye(20)
        found = mmkernels.rsa(similarities, x, distance=("precomputed", "euclidean"))
        assert found == pytest.approx(-1, abs=1e-12)

    def test_a_function_gets_the_side_as_it_is(self):
        torch = pytest.importorskip("torch")
        x = torch.from_numpy(datasets.gaussian(20, 3)).requires_grad_()
        found = mmkernels.rsa(x, x, distance=torch.nn.functional.pdist)
        assert isinstance(found, torch.Tensor)
        assert float(found) == pytest.approx(1)

    def test_wrong_ones(self):
        x, y = datasets.related(20, 6, 4)
        refuse(
            ValueError, ["x must", "(20, 20)", "(20, 6)"], mmkernels.rsa, x, y,
            distance="precomputed",
        )  # fmt: skip
        refuse(
            ValueError, ["distance", "190 values", "(189,)"], mmkernels.rsa, x, y,
            distance=lambda z: np.zeros(189),
        )  # fmt: skip
        lopsided = squareform(pdist(y))
        lopsided[3, 4] += 0.1
        pair = ("euclidean", "precomputed")
        refuse(ValueError, ["y must be symmetric"], mmkernels.rsa, x, lopsided, distance=pair)
        refuse(
            ValueError, ["distance", "NaN"], mmkernels.rsa, x, y,
            distance=lambda z: np.full(190, np.nan),
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "int64", "uint8"])
def test_types_and_strides(kind):
    x, y = datasets.related(65, 12, 7)
    x, y = ((z * 8 + 60).astype(kind) for z in (x, y))
    for distance in DISTANCES:
        # Ranks of quotients that only rounding tells apart are not the same everywhere.
        compare = "pearson" if distance in ("correlation", "cosine") else "spearman"
        options = {"distance": distance, "compare": compare}
        wanted = reference.rsa(x.astype(float), y.astype(float), **options)
        assert mmkernels.rsa(x, y, **options) == pytest.approx(wanted, abs=1e-7)
        found = mmkernels.rsa(np.asfortranarray(x), y[::-1].copy()[::-1], **options)
        assert found == mmkernels.rsa(x, y, **options)


def test_torch():
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z).to(torch.bfloat16) for z in datasets.related(65, 12, 7))
    found = mmkernels.rsa(x, y)
    assert (found.dtype, found.shape) == (torch.float64, ())
    wanted = reference.rsa(x.double().numpy(), y.double().numpy())
    assert float(found) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e20, 1e300])
def test_the_scale_changes_nothing(distance, scale):
    x, y = datasets.related(65, 12, 7, dtype=np.float64)
    for compare in ("pearson", "kendall"):
        options = {"distance": distance, "compare": compare}
        wanted = mmkernels.rsa(x, y, **options)
        assert mmkernels.rsa(x * scale, y, **options) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("distance", ["euclidean", "cityblock"])
def test_a_large_common_offset_costs_no_digits(distance):
    x, y = datasets.related(65, 12, 7)
    x = x.astype(np.float64)
    wanted = mmkernels.rsa(x, y, distance=distance, compare="pearson")
    found = mmkernels.rsa(x + 1e8, y, distance=distance, compare="pearson")
    assert found == pytest.approx(wanted, abs=1e-8)


def test_equal_and_nearly_equal_rows():
    """1 - cosine rounds to a few multiples of 2^-53 here; half a squared distance does not."""
    base = datasets.gaussian(1, 20).astype(float)
    steps = np.array([0, 0, 1e-12, 3e-12, 9e-12, 1e-10, 1e-9])[:, None]
    x = base + steps * datasets.gaussian(1, 20, seed=1)
    found = mmkernels.rsa(x, steps, distance=("cosine", "euclidean"))
    assert found == pytest.approx(1, abs=1e-3)


class TestEdges:
    @pytest.mark.parametrize("compare", COMPARISONS)
    def test_equal_dissimilarities(self, compare):
        x, apart = datasets.gaussian(12, 5), np.eye(12)
        if compare == "cosine":
            apart = np.zeros((12, 3))  # all dissimilarities 0
        for distance in ("euclidean", "sqeuclidean", "cityblock"):
            options = {"distance": distance, "compare": compare}
            for arguments, word in (((x, apart), "y"), ((apart, x), "x")):
                with pytest.warns(RuntimeWarning, match=f"of {word} are (equal|0)") as caught:
                    assert np.isnan(mmkernels.rsa(*arguments, **options))
                assert caught[0].filename == __file__

    @pytest.mark.parametrize("compare", ["pearson", "spearman", "kendall"])
    @pytest.mark.parametrize("distance", ["correlation", "cosine"])
    def test_dissimilarities_that_differ_by_rounding_only(self, distance, compare):
        """Unit vectors in a basis that is not that of the features."""
        x = datasets.gaussian(12, 12)
        rotation = np.linalg.qr(datasets.gaussian(12, 12, seed=1).astype(float))[0]
        if distance == "correlation":
            rotation = np.linalg.qr(np.hstack([np.ones((12, 1)), x[:, 1:]]))[0][:, 1:].T
            x = x[:11]
        with pytest.warns(RuntimeWarning, match="of y are equal"):
            found = mmkernels.rsa(x, rotation, distance=distance, compare=compare)
        assert np.isnan(found)

    def test_two_samples_have_one_dissimilarity(self):
        x, y = datasets.related(2, 6, 4)
        with pytest.warns(RuntimeWarning, match="of x are equal"):
            assert np.isnan(mmkernels.rsa(x, y))

    def test_rows_without_a_direction(self):
        x, y = datasets.related(20, 6, 4)
        x[7] = 0.1
        refuse(ValueError, ["x has a constant row (row 7", "(20, 6)"], mmkernels.rsa, x, y)
        x[7] = 0
        refuse(ValueError, ["y has a zero row (row 7"], mmkernels.rsa, y, x, distance="cosine")
        refuse(ValueError, ["constant row (row 0"], mmkernels.rsa, x[:, :1], y)
        assert np.isfinite(mmkernels.rsa(x, y, distance="euclidean"))

    def test_wrong_input(self):
        x, y = datasets.related(20, 6, 4)
        bad = x.copy()
        bad[7, 2] = np.nan
        refuse(ValueError, ["x has NaN or infinity in row 7 ", "(20, 6)"], mmkernels.rsa, bad, y)
        refuse(ValueError, ["x and y", "(20, 6)", "(19, 4)"], mmkernels.rsa, x, y[:19])
        refuse(ValueError, ["2 samples", "(1, 6)"], mmkernels.rsa, x[:1], y[:1])
        refuse(TypeError, ["complex"], mmkernels.rsa, x, y.astype(complex))
        refuse(ValueError, ["distance", "'euclid'"], mmkernels.rsa, x, y, distance="euclid")
        refuse(ValueError, ["compare", "'tau'"], mmkernels.rsa, x, y, compare="tau")

    def test_more_pairs_than_can_be_ranked(self):
        x = np.broadcast_to(np.float32(1), (92683, 1))  # no memory behind it
        refuse(
            ValueError, ["4294967295 pairs", "92683 samples"], mmkernels.rsa, x, x,
            distance="euclidean",
        )  # fmt: skip


def test_bits_do_not_depend_on_the_number_of_threads(set_threads):
    x, y = datasets.related(500, 33, 20, dtype=np.float64)

    def bits():
        return [
            mmkernels.rsa(x, y, distance=distance, compare=compare).tobytes()
            for distance in DISTANCES
            for compare in COMPARISONS
        ]

    set_threads(1)
    wanted = bits()
    for count in (2, 5):
        set_threads(count)
        assert bits() == wanted


class TestTiesThatOnlyRoundingBreaks:
    """Equal dissimilarities share a rank, at any scale of the features."""

    @pytest.mark.parametrize("compare", ["spearman", "kendall", "tau-a", "rho-a"])
    def test_correlations_over_two_features(self, compare):
        x, y = datasets.gaussian(30, 2).astype(float), datasets.gaussian(30, 5, seed=1)
        signs = np.sign(x[:, 0] - x[:, 1])
        exact = (signs[:, None] != signs[None]).astype(float)
        wanted = mmkernels.rsa(exact, y, distance=("precomputed", "correlation"), compare=compare)
        for scale in (1, 3, 0.1, 7):
            found = mmkernels.rsa(x * scale, y, compare=compare)
            assert found == pytest.approx(wanted, abs=1e-12), scale
            assert reference.rsa(x * scale, y, compare=compare) == pytest.approx(wanted, abs=1e-12)

    @pytest.mark.parametrize("distance", ["euclidean", "sqeuclidean", "cityblock"])
    def test_a_grid_of_tenths(self, distance):
        x, y = (datasets.integers(40, d, d).astype(float) for d in (3, 4))
        wanted = mmkernels.rsa(x, y, distance=distance)
        found = mmkernels.rsa(x * 0.1, y * 0.3, distance=distance)
        assert found == pytest.approx(wanted, abs=1e-12)

    @pytest.mark.parametrize("distance", ["correlation", "cosine"])
    def test_zeros_and_ones(self, distance):
        y = datasets.gaussian(60, 5, seed=100)
        for seed in range(20):
            x = (datasets.gaussian(60, 12, seed=seed) > 0).astype(float)
            x[:, :2] = (0, 1)  # no constant row
            found = [mmkernels.rsa(x * s, y, distance=distance) for s in (1, 3, 0.1, 7)]
            found.append(reference.rsa(x, y, distance=distance))
            assert np.ptp(found) < 1e-12

    def test_a_far_sample_does_not_make_the_others_tie(self):
        x = datasets.gaussian(30, 4).astype(float)
        x[0] = 1e8
        for distance in ("euclidean", "sqeuclidean"):
            options = {"distance": distance, "compare": "kendall"}
            assert mmkernels.rsa(x, 3 * x, **options) == pytest.approx(1, abs=1e-12)
            assert mmkernels.rsa(x, x, **options | {"compare": "tau-a"}) == pytest.approx(
                1, abs=1e-3
            )


class TestMatricesAsTheyCome:
    def test_a_diagonal_of_nan(self):
        x = datasets.gaussian(20, 3)
        matrix = squareform(pdist(x))
        wanted = mmkernels.rsa(matrix, x, distance=("precomputed", "euclidean"))
        np.fill_diagonal(matrix, np.nan)
        for given, distance in ((matrix, "precomputed"), (x, lambda _: matrix)):
            found = mmkernels.rsa(given, x, distance=(distance, "euclidean"))
            assert found == wanted
        matrix[3, 7] = np.nan
        refuse(
            ValueError, ["x has NaN or infinity in row 3", "(20, 20)"], mmkernels.rsa, matrix, x,
            distance=("precomputed", "euclidean"),
        )  # fmt: skip

    def test_half_precision(self):
        torch = pytest.importorskip("torch")
        x = datasets.integers(20, 3, 4)
        matrix = squareform(pdist(x, "cityblock"))
        wanted = mmkernels.rsa(matrix, x, distance=("precomputed", "euclidean"))
        halves = torch.from_numpy(matrix).to(torch.bfloat16)
        found = mmkernels.rsa(halves, x, distance=("precomputed", "euclidean"))
        assert float(found) == wanted

    @pytest.mark.parametrize("given", ["complex", "text", "objects"])
    def test_a_function_that_gives_no_real_numbers(self, given):
        x, y = datasets.related(20, 6, 4)
        made = {
            "complex": np.ones((20, 20), complex), "text": np.full(190, "1"),
            "objects": np.full(190, None),
        }[given]  # fmt: skip
        refuse(TypeError, ["distance", "for x", "real"], mmkernels.rsa, x, y,
               distance=lambda _: made)  # fmt: skip

    def test_memory_of_a_matrix(self):
        n = 700
        matrix = np.abs(datasets.gaussian(n, n).astype(float))
        matrix = matrix + matrix.T
        tracemalloc.start()
        try:
            mmkernels.rsa(matrix, matrix, distance="precomputed", compare="pearson")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 20 * n * (n - 1) // 2
