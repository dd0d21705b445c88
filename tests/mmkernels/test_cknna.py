"""cknna, as the paper defines it and as its code computes it, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets

VARIANTS = {
    "paper": {"variant": "paper"},
    "reference": {"variant": "reference"},
    "biased": {"variant": "reference", "unbiased": False},
}


def check(x, y, *, k, form, tolerance=1e-11):
    """The same neighbours, so that equals may come in any order."""
    options = VARIANTS[form]
    found = mmkernels.cknna(x, y, k=k, **options)
    values = [np.asarray(z, np.float64) for z in (x, y)]
    itself = [z if form == "biased" else None for z in values]
    lists = [
        mmkernels.knn(z, k, metric="ip", queries=q).indices
        for z, q in zip(values, itself, strict=True)
    ]
    wanted = reference.cknna_of_lists(*values, *lists, **options)
    assert float(found) == pytest.approx(wanted, abs=tolerance, rel=tolerance), (k, form)
    return float(found)


@pytest.mark.parametrize("form", VARIANTS)
@pytest.mark.parametrize(("n", "d"), [(5, 1), (31, 33), (32, 3), (33, 1), (129, 33)])
def test_sizes(n, d, form):
    x, y = datasets.related(n, d, max(1, d // 2))
    for k in sorted({2, min(10, n - 1), n - 1}):
        check(x, y, k=k, form=form)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_few_samples(n):
    x, y = datasets.related(n, 3, 33)
    for form in ("paper", "biased"):
        for k in range(1, n):
            check(x, y, k=k, form=form)


@pytest.mark.parametrize("form", VARIANTS)
def test_the_whole_way_from_features(form):
    x, y = datasets.related(200, 24, 17, dtype=np.float64)
    wanted = reference.cknna(x, y, k=9, **VARIANTS[form])
    assert mmkernels.cknna(x, y, k=9, **VARIANTS[form]) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("form", VARIANTS)
@pytest.mark.parametrize("values", sorted(set(datasets.AWKWARD) - {"all_equal"}))
def test_awkward_values(values, form):
    """Far from the origin all samples have the same neighbours, the longest rows, with products
    that are nearly equal: what the code centres away then leaves few digits to either side."""
    x, y = datasets.AWKWARD[values](150, 13), datasets.gaussian(150, 7, seed=1)
    tolerance = 1e-6 if (values, form) == ("far_from_origin", "biased") else 1e-9
    check(x, y, k=12, form=form, tolerance=tolerance)
    check(y, x, k=12, form=form, tolerance=tolerance)


@pytest.mark.parametrize("form", VARIANTS)
@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "uint16", "int64", "bool"])
def test_types_and_layouts(dtype, form):
    x, y = datasets.related(90, 40, 22)
    x, y = ((z > 0) if dtype == "bool" else (40 * z).clip(0, 99).astype(dtype) for z in (x, y))
    check(x, y, k=7, form=form)
    wide = np.zeros((180, 120), x.dtype)
    wide[::2, ::3] = x
    wanted = mmkernels.cknna(x, y, **VARIANTS[form])
    assert mmkernels.cknna(wide[::2, ::3], y, **VARIANTS[form]) == wanted


def test_torch():
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z).bfloat16() for z in datasets.related(80, 9, 7))
    found = mmkernels.cknna(x, y)
    assert (found.dtype, found.shape) == (torch.float64, ())
    assert float(found) == mmkernels.cknna(x.double().numpy(), y.double().numpy())


@pytest.mark.parametrize("form", VARIANTS)
@pytest.mark.parametrize("scale", [1e-140, 1e-20, 1e-2, 1e20, 1e140])
def test_scale_changes_nothing_where_an_epsilon_would(scale, form):
    """1e-6 in the denominator makes cknna(x, x) of wide unit rows 0.94, of small ones 0."""
    x, y = datasets.related(120, 9, 14, dtype=np.float64)
    wanted = mmkernels.cknna(x, y, **VARIANTS[form])
    found = mmkernels.cknna(x * scale, -y / scale, **VARIANTS[form])
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("form", VARIANTS)
def test_a_side_and_itself(form):
    for x in (datasets.gaussian(256, 512), datasets.duplicated(150, 9), datasets.hubs(150, 9)):
        assert mmkernels.cknna(x, x.copy(), **VARIANTS[form]) == pytest.approx(1, abs=1e-12)


def test_the_paper_is_symmetric_and_its_code_is_not():
    x, y = datasets.related(150, 9, 14)
    assert mmkernels.cknna(x, y) == mmkernels.cknna(y, x)
    forth, back = (mmkernels.cknna(*p, variant="reference") for p in ((x, y), (y, x)))
    assert forth != back
    assert forth == pytest.approx(back, abs=0.01)


def test_all_neighbors_make_it_cka():
    """With k = n - 1 nothing is masked; unbiased HSIC then does not see that K is not centred."""
    x, y = datasets.related(60, 9, 14, dtype=np.float64)
    found = mmkernels.cknna(x, y, k=59, variant="reference")
    assert found == pytest.approx(mmkernels.cka(x, y), abs=1e-5)
    found = mmkernels.cknna(x, y, k=60, variant="reference", unbiased=False)
    assert found == pytest.approx(mmkernels.cka(x, y, unbiased=False), abs=1e-5)


def test_it_is_not_the_share_of_mutual_neighbors_as_in_repralign():
    x, y = datasets.related(300, 24, 17)
    for form in VARIANTS:
        score = mmkernels.cknna(x, y, **VARIANTS[form])
        assert abs(score - mmkernels.mutual_knn(x, y, metric="ip")) > 0.005


def test_oneself_as_a_neighbor_makes_unrelated_data_alike():
    """Why the default leaves a sample out of its own list; the code's unbiased=False does not."""
    draw = datasets.generator(0)
    x, y = (
        z / np.linalg.norm(z, axis=1, keepdims=True) for z in draw.standard_normal((2, 300, 64))
    )
    assert mmkernels.cknna(x, y, variant="reference", unbiased=False) > 0.5
    assert abs(mmkernels.cknna(x, y, variant="reference")) < 0.1
    assert abs(mmkernels.cknna(x, y)) < 0.1


def test_no_pair_in_common_is_no_alignment():
    """Two clusters, of other samples on either side."""
    angles = np.array([0.0, 0.1, np.pi, np.pi + 0.1])
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    x, y = circle, circle[[0, 2, 1, 3]]
    assert mmkernels.mutual_knn(x, y, k=1, metric="ip") == 0
    assert mmkernels.cknna(x, y, k=1) == 0


def test_constant_features_have_no_alignment():
    x, constant = datasets.gaussian(40, 5), datasets.all_equal(40, 3)
    with pytest.warns(RuntimeWarning, match=r"alignment of y \(shape \(40, 3\)\)") as caught:
        assert np.isnan(mmkernels.cknna(x, constant))
    assert caught[0].filename == __file__
    with pytest.warns(RuntimeWarning, match=r"alignment of x \(shape \(40, 4\)\)"):
        assert np.isnan(mmkernels.cknna(np.zeros((40, 4)), x, variant="reference"))


class TestRefused:
    X, Y = datasets.gaussian(20, 6), datasets.gaussian(20, 4, seed=1)

    def test_neighbors(self):
        with pytest.raises(TypeError, match=r"x is an already searched Neighbors; cknna needs"):
            mmkernels.cknna(mmkernels.knn(self.X, 10, metric="ip"), self.Y)
        with pytest.raises(TypeError, match="y is an already searched Neighbors"):
            mmkernels.cknna(self.X, mmkernels.knn(self.Y, 10, metric="ip"))

    def test_options(self):
        with pytest.raises(ValueError, match=r"variant must be one of 'paper', 'reference'"):
            mmkernels.cknna(self.X, self.Y, variant="code")
        with pytest.raises(ValueError, match=r'unbiased=False.*variant="reference"'):
            mmkernels.cknna(self.X, self.Y, unbiased=False)

    @pytest.mark.parametrize("k", [None, 2.0, "all"])
    def test_k_is_a_number_where_platonic_rep_compares_none_with_2(self, k):
        with pytest.raises(TypeError, match="k must be an integer"):
            mmkernels.cknna(self.X, self.Y, k=k)

    @pytest.mark.parametrize("form", VARIANTS)
    def test_k_out_of_range(self, form):
        most = 20 if form == "biased" else 19
        mmkernels.cknna(self.X, self.Y, k=most, **VARIANTS[form])
        for k in (0, most + 1):
            with pytest.raises(ValueError, match=f"k must be between 1 and {most},"):
                mmkernels.cknna(self.X, self.Y, k=k, **VARIANTS[form])

    def test_too_few_samples(self):
        for n in (2, 3):
            with pytest.raises(ValueError, match=r"An unbiased estimate needs at least 4"):
                mmkernels.cknna(self.X[:n], self.Y[:n], k=1, variant="reference")
        for form in ("paper", "biased"):
            with pytest.raises(ValueError, match=r"at least 2 samples; x has shape \(1, 6\)"):
                mmkernels.cknna(self.X[:1], self.Y[:1], k=1, **VARIANTS[form])

    @pytest.mark.parametrize("form", VARIANTS)
    def test_nan(self, form):
        y = self.Y.copy()
        y[7, 2] = np.nan
        with pytest.raises(ValueError, match=r"y has NaN or infinity in row 7 \(shape \(20, 4\)\)"):
            mmkernels.cknna(self.X, y, k=3, **VARIANTS[form])
