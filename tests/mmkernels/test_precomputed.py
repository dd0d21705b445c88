"""Kernel matrices of the caller's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import check_scores
from .processes import output_of
from .test_errors import refuse
from .test_invariances import pairs

ESTIMATORS = ["gretton", "song", "lange"]


def matrices(n, seed=0):
    x, y = datasets.related(n, 6, 9, seed, dtype=np.float64)
    return reference.gram(x, kernel="rbf"), reference.gram(y)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 31, 32, 33, 129, 300])
def test_sizes(n):
    check_scores(mmkernels, *matrices(n), kernel="precomputed")


@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian", "polynomial"])
def test_a_matrix_stands_for_the_features_it_was_computed_from(kernel):
    x, y = datasets.related(130, 6, 9, dtype=np.float64)
    prepared = mmkernels.prepare_gram(reference.gram(x, kernel=kernel), kernel="precomputed")
    for estimator in ESTIMATORS:
        wanted = mmkernels.cka(x, y, kernel=kernel, estimator=estimator)
        found = mmkernels.cka(prepared, y, kernel=kernel, estimator=estimator)
        assert found == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32, np.uint8])
def test_types(dtype):
    k, l = (np.abs(m * 40 + 90).astype(dtype) for m in matrices(70))  # noqa: E741
    check_scores(mmkernels, k, l, kernel="precomputed")


def test_bfloat16():
    torch = pytest.importorskip("torch")
    k, l = (torch.from_numpy(m).to(torch.bfloat16) for m in matrices(40))  # noqa: E741
    found = mmkernels.hsic(k, l, kernel="precomputed")
    wanted = reference.hsic_from_grams(k.double().numpy(), l.double().numpy())
    assert isinstance(found, torch.Tensor)
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_views():
    k, l = matrices(66)  # noqa: E741
    wanted = mmkernels.cka(k, l, kernel="precomputed")
    order = np.arange(66)[::-1]
    assert mmkernels.cka(k.T, np.asfortranarray(l), kernel="precomputed") == wanted
    wanted = reference.cka_from_grams(k[::2, ::2], l[::2, ::2])
    assert mmkernels.cka(k[::2, ::2], l[::2, ::2], kernel="precomputed") == pytest.approx(wanted)
    turned = mmkernels.cka(k[::-1, ::-1], l[np.ix_(order, order)], kernel="precomputed")
    assert turned == pytest.approx(reference.cka_from_grams(k, l), abs=1e-6)


@pytest.mark.parametrize("common", [1e4, 1e8])
def test_what_the_rows_have_in_common_costs_no_digits(common):
    """Float32 has no digits left of such values; the mean is taken away in float64."""
    k, l = matrices(120)  # noqa: E741
    terms = datasets.generator(0).uniform(size=120) * common
    shifted = k + terms + terms[:, None] + common
    for estimator in ESTIMATORS:
        wanted = reference.cka_from_grams(k, l, estimator=estimator)
        found = mmkernels.cka(shifted, l, kernel="precomputed", estimator=estimator)
        assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-100, 1e-20, 1e20, 1e100])
def test_scale_does_not_matter(scale):
    k, l = matrices(60)  # noqa: E741
    wanted = mmkernels.cka(k, l, kernel="precomputed")
    assert mmkernels.cka(k * scale, l, kernel="precomputed") == pytest.approx(wanted, abs=1e-7)


def test_any_symmetric_matrix_will_do():
    """Similarities need not come from features."""
    draw = datasets.generator(5).standard_normal((2, 90, 90))
    k, l = (m + m.T for m in draw)  # noqa: E741
    check_scores(mmkernels, k, l, kernel="precomputed")
    gram = mmkernels.centered_gram(k, kernel="precomputed")
    assert np.abs(gram - reference.centered_gram(k, kernel="precomputed")).max() < 1e-5


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_constant_matrices_are_nan(estimator):
    other = matrices(50)[0]
    terms = datasets.generator(1).uniform(size=50)
    for constant in (np.zeros((50, 50)), np.full((50, 50), 0.1), terms + terms[:, None]):
        with pytest.warns(RuntimeWarning, match="y is constant"):
            found = mmkernels.cka(other, constant, kernel="precomputed", estimator=estimator)
        assert np.isnan(found)


def test_a_multiple_of_the_identity_has_no_unbiased_score():
    for n in (8, 50, 77):
        with pytest.warns(RuntimeWarning, match="x is constant"):
            assert np.isnan(mmkernels.cka(0.3 * np.eye(n), matrices(n)[0], kernel="precomputed"))


class TestErrors:
    def test_not_square(self):
        x = datasets.gaussian(20, 6)
        refuse(ValueError, ["x", "square", "(20, 6)"], _cka, x, np.eye(20))
        refuse(ValueError, ["y", "square", "(20, 6)"], _cka, np.eye(20), x)

    def test_not_symmetric(self):
        bad = matrices(70)[0]
        bad[3, 66] += 1e-6
        refuse(ValueError, ["x", "symmetric", "(3, 66)", "(70, 70)"], _cka, bad, np.eye(70))

    def test_rounding_is_not_asymmetry(self):
        x = datasets.gaussian(100, 300) @ datasets.gaussian(300, 400, seed=1)
        for dtype in (np.float32, np.float64):
            gram = x.astype(dtype) @ x.astype(dtype).T
            gram *= 1 + np.finfo(dtype).eps * datasets.generator(0).integers(-3, 4, gram.shape)
            assert not np.array_equal(gram, gram.T)
            wanted = reference.hsic(x, x)
            assert _hsic(gram, gram.copy()) == pytest.approx(wanted, rel=1e-4)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, value):
        bad = matrices(70)[0]
        bad[40, 3] = bad[41, 69] = value
        refuse(ValueError, ["x has NaN or infinity in row 40 "], _cka, bad, np.eye(70))

    def test_too_large(self):
        bad = matrices(20)[0] * 1e155
        refuse(ValueError, ["y", "overflow", "(20, 20)"], _cka, np.eye(20), bad)

    def test_sizes(self):
        refuse(ValueError, ["(4, 4)", "(5, 5)"], _cka, np.eye(4), np.eye(5))
        refuse(ValueError, ["x", "2", "(1, 1)"], _cka, np.eye(1), np.eye(1))


def _cka(x, y):
    return mmkernels.cka(x, y, kernel="precomputed")


def _hsic(x, y):
    return mmkernels.hsic(x, y, kernel="precomputed")


def test_threads_do_not_change_a_bit():
    k, l = matrices(300)  # noqa: E741
    before = mmkernels.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            mmkernels.set_num_threads(threads)
            found.append(_cka(k, l))
    finally:
        mmkernels.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@given(pairs(), st.integers(0, 99))
@settings(max_examples=15)
def test_terms_of_rows_and_the_order_of_samples_change_nothing(pair, seed):
    k, l = (reference.gram(z) for z in pair)  # noqa: E741
    draw = datasets.generator(seed)
    terms, order = draw.standard_normal(len(k)) * 100, draw.permutation(len(k))
    for estimator in ESTIMATORS:
        options = {"kernel": "precomputed", "estimator": estimator}
        wanted = mmkernels.cka(k, l, **options)
        reordered = [m[np.ix_(order, order)] for m in (k, l)]
        for a, b in ((k + terms + terms[:, None], l), reordered, (3e5 * k, l), (l, k)):
            assert mmkernels.cka(a, b, **options) == pytest.approx(wanted, abs=4e-6)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak memory")
def test_no_second_matrix_is_made(tmp_path):
    code = """
        import re
        import numpy as np, mmkernels
        from pathlib import Path

        def memory(field):
            status = Path("/proc/self/status").read_text()
            return int(re.search(field + r":\\\\s+(\\\\d+)", status)[1]) / 1024

        draw = np.random.default_rng(0)
        k = draw.standard_normal((4096, 4096))
        k += k.T.copy()
        mmkernels.cka(k[:500, :500], k[:500, :500].copy(), kernel="precomputed")
        Path("/proc/self/clear_refs").write_text("5")
        before = memory("VmRSS")
        mmkernels.cka(k, k[::-1, ::-1], kernel="precomputed")
        print(memory("VmHWM") - before)
    """.replace("\\\\", "\\")
    assert float(output_of(code, directory=tmp_path)) < 20  # MiB; the matrix has 128
