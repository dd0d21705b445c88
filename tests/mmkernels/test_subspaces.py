"""cca, svcca and pwcca against the float64 reference."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .test_errors import refuse

FUNCTIONS = {"cca": mmkernels.cca, "svcca": mmkernels.svcca, "pwcca": mmkernels.pwcca}
SHAPES = [
    (2, 1, 1), (3, 1, 1), (4, 1, 2), (5, 1, 3), (31, 3, 7), (32, 1, 15), (33, 33, 3), (129, 33, 17),
    (129, 3, 1), (129, 60, 60), (180, 40, 70),
]  # fmt: skip


def quietly(function, *arguments, **options):
    """The value, whatever is said about how few samples there are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(function(*arguments, **options))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("n", "d_x", "d_y"), SHAPES)
def test_sizes(n, d_x, d_y, name):
    x, y = datasets.related(n, d_x, d_y, dtype=np.float64)
    for a, b in ((x, y), (y, x)):
        wanted = getattr(reference, name)(a, b)
        assert quietly(FUNCTIONS[name], a, b) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("variance", [0.3, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("standardize", [None, False, True])
def test_svcca_by_share_of_variance(variance, standardize):
    x, y = datasets.related(150, 40, 25, dtype=np.float64)
    options = {"variance": variance, "standardize": standardize}
    wanted = reference.svcca(x, y, **options)
    assert mmkernels.svcca(x, y, **options) == pytest.approx(wanted, abs=1e-10)
    assert reference.svcca(x, y, variance=0.3) != pytest.approx(reference.svcca(x, y), abs=1e-3)


def test_the_share_of_variance_is_held_by_the_fewest_directions():
    """Ten orthogonal features with 90 % of the variance in the first: one is enough for 0.9."""
    basis = np.linalg.qr(datasets.gaussian(100, 11).astype(float) - 1)[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0][:, :10]
    x = basis * np.sqrt([90] + [10 / 9] * 9)
    y = basis[:, :1] + basis[:, 1:2]
    assert mmkernels.svcca(x, y, variance=0.89) == pytest.approx(np.sqrt(0.5), abs=1e-12)
    assert mmkernels.svcca(x, y, variance=0.9 - 1e-12) == pytest.approx(np.sqrt(0.5), abs=1e-12)
    assert mmkernels.svcca(x, y, variance=1) == pytest.approx(1, abs=1e-12)


def test_svcca_with_all_directions_is_cca():
    x, y = datasets.related(150, 20, 12, dtype=np.float64)
    wanted = mmkernels.cca(x, y)
    for options in ({"variance": 1}, {"components": 20}, {"variance": 1.0, "standardize": True}):
        assert mmkernels.svcca(x, y, **options) == pytest.approx(wanted, abs=1e-10)


def test_summaries_and_numbers_of_correlations():
    x, y = datasets.related(150, 20, 12, dtype=np.float64)
    correlations = reference.canonical_correlations(x, y)
    assert len(correlations) == 12
    for count in (1, 5, 12):
        kept = correlations[:count]
        found = mmkernels.cca(x, y, components=count)
        assert found == pytest.approx(kept.mean(), abs=1e-10)
        found = mmkernels.cca(x, y, components=count, summary="mean_squared")
        assert found == pytest.approx((kept**2).mean(), abs=1e-10)
    refuse(ValueError, ["components is 13", "12"], mmkernels.cca, x, y, components=13)
    wanted = reference.svcca(x, y, summary="mean_squared")
    assert mmkernels.svcca(x, y, summary="mean_squared") == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "int64", "uint8"])
def test_types(kind, name):
    x, y = datasets.related(129, 12, 7)
    x, y = ((z * 8 + 60).astype(kind) for z in (x, y))
    wanted = getattr(reference, name)(x.astype(np.float64), y.astype(np.float64))
    assert FUNCTIONS[name](x, y) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_torch(name):
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z) for z in datasets.related(129, 12, 7))
    for dtype in (torch.float32, torch.bfloat16):
        a, b = x.to(dtype), y.to(dtype)
        found = FUNCTIONS[name](a.requires_grad_(), b)
        assert (found.dtype, found.shape) == (torch.float64, ())
        wanted = getattr(reference, name)(a.detach().double().numpy(), b.double().numpy())
        assert float(found) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_strides(name):
    x, y = datasets.related(129, 12, 7)
    wide = np.zeros((258, 36), np.float32)
    wide[::2, ::3] = x
    kept = wide.copy()
    wanted = FUNCTIONS[name](x, y)
    assert FUNCTIONS[name](wide[::2, ::3], np.asfortranarray(y)) == wanted
    assert FUNCTIONS[name](x[::-1].copy()[::-1], y) == wanted
    assert np.array_equal(wide, kept)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e-5, 1e20, 1e300])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_scale_of_a_side_changes_nothing(name, scale):
    x, y = datasets.related(129, 12, 7, dtype=np.float64)
    wanted = FUNCTIONS[name](x, y)
    assert FUNCTIONS[name](x * scale, y) == pytest.approx(wanted, abs=1e-12)
    assert FUNCTIONS[name](x, y * -scale) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("name", ["cca", "pwcca"])
def test_the_scales_of_features_do_not_hide_any(name):
    """Sixteen orders of magnitude between the columns of one side."""
    x, y = datasets.related(129, 9, 9, dtype=np.float64)
    scales = 10.0 ** np.arange(-8, 10, 2)
    wanted = FUNCTIONS[name](y, x)
    assert FUNCTIONS[name](y, x * scales) == pytest.approx(wanted, abs=1e-10)
    assert mmkernels.cca(x * scales, x @ np.diag(scales[::-1])) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("offset", [1e2, 1e4, 1e8])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_large_common_offset_costs_no_digits(name, offset):
    x, y = datasets.related(200, 12, 15, dtype=np.float64)
    found = FUNCTIONS[name](x + offset, y - 3 * offset)
    assert found == pytest.approx(FUNCTIONS[name](x, y), abs=1e-14 * offset + 1e-12)


class TestRank:
    def test_repeated_and_dependent_features_count_once(self):
        x, y = datasets.related(129, 12, 7, dtype=np.float64)
        wanted = mmkernels.cca(x, y)
        mixed = np.hstack([x, x[:, :5] @ datasets.gaussian(5, 9).astype(float), np.ones((129, 2))])
        assert mmkernels.cca(mixed, y) == pytest.approx(wanted, abs=1e-10)
        assert mmkernels.cca(y, mixed) == pytest.approx(wanted, abs=1e-10)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_what_rounding_to_the_type_adds_is_no_direction(self, dtype):
        """Rank 3 in 40 columns; in float16 the other 37 directions hold rounding errors."""
        draw = datasets.generator(3)
        latent = draw.standard_normal((500, 3))
        x, y = ((latent @ draw.standard_normal((3, 40))).astype(dtype) for _ in range(2))
        assert mmkernels.cca(x, y) == pytest.approx(1, abs=1e-4)
        assert mmkernels.svcca(x, y) == pytest.approx(1, abs=1e-4)

    def test_but_directions_well_above_rounding_count(self):
        draw = datasets.generator(3)
        x, y = draw.standard_normal((2, 300, 20))
        x, y = ((z * np.geomspace(1, 1e-3, 20)).astype(np.float16) for z in (x, y))
        wanted = reference.cca(x.astype(float), y.astype(float))
        assert mmkernels.cca(x, y) == pytest.approx(wanted, abs=1e-10)

    def test_tolerance(self):
        draw = datasets.generator(3)
        basis = np.linalg.qr(draw.standard_normal((100, 4)))[0]
        basis = np.linalg.qr(basis - basis.mean(axis=0))[0]
        rotation = np.linalg.qr(draw.standard_normal((3, 3)))[0]
        x = basis[:, :3] * [1, 1, 1e-6] @ rotation  # the third direction is faint
        y = basis[:, [0, 1, 3]]
        assert mmkernels.cca(x, y) == pytest.approx(2 / 3, abs=1e-9)
        assert mmkernels.cca(x, y, tolerance=1e-4) == pytest.approx(1, abs=1e-9)
        assert mmkernels.pwcca(x, y, tolerance=1e-4) == pytest.approx(1, abs=1e-9)
        assert mmkernels.svcca(x, y, variance=1, tolerance=1e-4) == pytest.approx(1, abs=1e-9)


class TestFewSamples:
    def test_as_many_dimensions_as_samples_agree_with_anything(self):
        for n, d in ((20, 20), (20, 500), (20, 19)):
            x, y = datasets.gaussian(n, d), datasets.gaussian(n, 4, seed=1)
            for function in (mmkernels.cca, mmkernels.pwcca):
                with pytest.warns(RuntimeWarning, match="4 of their 4 .* 1 whatever the data"):
                    assert function(x, y) == pytest.approx(1, abs=1e-10)

    def test_some_correlations_are_certain_before_all_are(self):
        x, y = datasets.gaussian(30, 20), datasets.gaussian(30, 15, seed=1)
        with pytest.warns(RuntimeWarning, match="6 of their 15") as caught:
            mmkernels.cca(x, y)
        assert caught[0].filename == __file__
        correlations = reference.canonical_correlations(x, y)
        assert correlations[:6] == pytest.approx(1, abs=1e-10)
        assert correlations[6] < 0.999

    def test_nothing_is_said_where_nothing_is_certain(self, recwarn):
        mmkernels.cca(datasets.gaussian(36, 20), datasets.gaussian(36, 15, seed=1))
        mmkernels.svcca(datasets.gaussian(30, 200), datasets.gaussian(30, 200, seed=1))
        assert not recwarn.list


@pytest.mark.parametrize("name", FUNCTIONS)
class TestEdges:
    def test_a_constant_side(self, name):
        x, constant = datasets.gaussian(40, 5), np.full((40, 3), 1e4, np.float32)
        for arguments, word in (((x, constant), "y"), ((constant, x), "x")):
            with pytest.warns(RuntimeWarning, match=f"^{word} is constant") as caught:
                assert np.isnan(FUNCTIONS[name](*arguments))
            assert caught[0].filename == __file__

    @pytest.mark.parametrize("kind", [key for key in datasets.AWKWARD if key != "all_equal"])
    def test_awkward_data(self, name, kind):
        x = datasets.AWKWARD[kind](200, 17)
        y = datasets.AWKWARD[kind](200, 9, seed=1)
        found = FUNCTIONS[name](x, y)
        assert 0 <= found <= 1 + 1e-12
        exact = {"low_rank", "far_from_origin", "growing"}  # float32 leaves rounding to be cut
        if kind not in exact:
            scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(kind, 1.0)
            wanted = getattr(reference, name)(x.astype(float) * scale, y.astype(float) * scale)
            assert found == pytest.approx(wanted, abs=1e-7)

    def test_wrong_input(self, name):
        x, y = datasets.related(20, 6, 4)
        function = FUNCTIONS[name]
        bad = x.copy()
        bad[7, 2] = np.inf
        refuse(ValueError, ["x has NaN or infinity in row 7 ", "(20, 6)"], function, bad, y)
        refuse(ValueError, ["y has NaN or infinity in row 7 "], function, x, bad)
        refuse(ValueError, ["x and y", "(20, 6)", "(19, 4)"], function, x, y[:19])
        refuse(ValueError, ["2 samples", "(1, 6)"], function, x[:1], y[:1])
        refuse(ValueError, ["x must be two-dimensional", "(20,)"], function, x[:, 0], y)
        refuse(TypeError, ["complex"], function, x, y.astype(complex))
        for tolerance in (0, -1, 2, "small", np.nan):
            refuse(ValueError, ["tolerance", "above 0"], function, x, y, tolerance=tolerance)


def test_wrong_options():
    x, y = datasets.related(40, 6, 4)
    for function in (mmkernels.cca, mmkernels.svcca):
        refuse(ValueError, ["summary", "'mean', 'mean_squared'"], function, x, y, summary="max")
        refuse(ValueError, ["components", "at least 1"], function, x, y, components=0)
        refuse(TypeError, ["components", "integer"], function, x, y, components=2.0)
    for variance in (0, 1.1, np.nan, "all"):
        refuse(ValueError, ["variance", "up to 1"], mmkernels.svcca, x, y, variance=variance)
    both = {"components": 3, "variance": 0.9}
    refuse(ValueError, ["components (3)", "variance (0.9)"], mmkernels.svcca, x, y, **both)


def test_pwcca_weights_are_those_of_x():
    """One direction of y is shared; it carries most of x in one order, little in the other."""
    basis = np.linalg.qr(datasets.gaussian(100, 4).astype(float))[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0]
    x, y = basis[:, :2] * [9, 1], basis[:, [0, 2]] * [1, 4]
    assert mmkernels.pwcca(x, y) == pytest.approx(0.9, abs=1e-12)
    assert mmkernels.pwcca(y, x) == pytest.approx(0.2, abs=1e-12)


@pytest.mark.parametrize("function", ["cca", "svcca", "pwcca", "linear_regression"])
def test_a_tolerance_of_one_keeps_the_largest_direction(function):
    """As with a tolerance just below it; the side is not constant."""
    x, y = datasets.related(60, 6, 4)
    found = getattr(mmkernels, function)(x, y, tolerance=1)
    assert found == getattr(mmkernels, function)(x, y, tolerance=1 - 1e-12)
    assert np.isfinite(found)
