"""Linear CKA of batches is that of all samples, whatever the batches were."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import mmkernels
from mmkernels import LinearCKA, reference

from . import datasets

BATCHES = [1, 2, 37, [50, 0, 1, 2, 3, 100, 7, 90, 147]]


def parts(n, batches):
    """Slices of so many rows each; the last one takes what is left."""
    if isinstance(batches, int):
        batches = [batches] * -(-n // batches)
    ends = np.minimum(np.cumsum(batches), n)
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]


def streamed(x, y, batches):
    score = LinearCKA()
    for rows in parts(len(x), batches):
        score.update(x[rows], y[rows])
    assert score.count == len(x)
    return score


def exact_terms(x, y):
    """Unbiased and biased HSIC of xy, xx, yy in extended precision."""
    x, y = (np.asarray(z, np.longdouble) for z in (x, y))
    x, y = x - x[:1], y - y[:1]
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    n = np.longdouble(len(x))
    terms = {}
    for name, a, b in (("xy", x, y), ("xx", x, x), ("yy", y, y)):
        product = np.square(a.T @ b).sum()
        squares_a, squares_b = np.square(a).sum(axis=1), np.square(b).sum(axis=1)
        corrected = product - n / (n - 2) * (squares_a @ squares_b)
        corrected += squares_a.sum() * squares_b.sum() / ((n - 1) * (n - 2))
        terms[name] = corrected / (n * (n - 3)), product / (n - 1) ** 2
    return terms


def check(score, x, y, rel=1e-12):
    terms = exact_terms(x, y)
    for unbiased in (True, False):
        xy, xx, yy = (terms[name][0 if unbiased else 1] for name in ("xy", "xx", "yy"))
        wanted = xy / np.sqrt(xx) / np.sqrt(yy)
        assert score.compute(unbiased) == pytest.approx(float(wanted), rel=rel, abs=rel)
        largest = float(np.sqrt(xx) * np.sqrt(yy))
        assert score.hsic(unbiased) == pytest.approx(float(xy), rel=rel, abs=rel * largest)


@pytest.mark.parametrize("batches", BATCHES, ids=str)
@pytest.mark.parametrize(("d_x", "d_y"), [(1, 3), (33, 17), (64, 1)])
def test_batches_of_every_size(batches, d_x, d_y):
    x, y = datasets.related(400, d_x, d_y, dtype=np.float64)
    score = streamed(x, y, batches)
    check(score, x, y)
    for unbiased in (True, False):
        wanted = reference.cka(x, y, unbiased=unbiased)
        assert score.compute(unbiased) == pytest.approx(wanted, abs=1e-12)
        wanted = reference.hsic(x, y, unbiased=unbiased)
        assert score.hsic(unbiased) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 31, 32, 33, 129])
def test_few_samples(n):
    x, y = datasets.related(n, 33, 3, dtype=np.float64)
    score = streamed(x, y, 2)
    assert score.compute(unbiased=False) == pytest.approx(
        reference.cka(x, y, unbiased=False), abs=1e-12
    )
    if n >= 4:
        assert score.compute() == pytest.approx(reference.cka(x, y), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("batches", [1, 37])
def test_an_offset_costs_no_digits(offset, batches):
    x, y = datasets.related(300, 20, 9, dtype=np.float64)
    x, y = x + offset, y - 3 * offset
    check(streamed(x, y, batches), x, y)


def test_batches_far_from_each_other():
    """No mean that is chosen from the first batch would serve the others."""
    x, y = datasets.related(300, 12, 9, dtype=np.float64)
    x += 1e6 * np.repeat([0, 1, -5], 100)[:, None]
    y[100:] *= 1e-3
    check(streamed(x, y, 20), x, y)


def test_samples_that_drift():
    x, y = datasets.related(300, 12, 9, dtype=np.float64)
    x += np.linspace(0, 1e4, 300)[:, None]
    check(streamed(x, y, 1), x, y)


@pytest.mark.parametrize("name", [name for name in datasets.AWKWARD if name != "all_equal"])
def test_awkward_data(name):
    x = datasets.AWKWARD[name](260, 33)
    y = datasets.AWKWARD[name](260, 20, seed=1) + x[:, :1]
    exact = exact_terms(x, y)["xx"]
    lost = float(exact[1] / exact[0])  # what unbiased self terms subtract grows errors by
    check(streamed(x, y, 37), x, y, rel=1e-13 * max(10.0, lost))


@pytest.mark.parametrize("exponent", [-400, -70, 70, 400])
def test_the_scale_does_not_matter(exponent):
    x, y = datasets.related(100, 12, 30, dtype=np.float64)
    wanted, found = streamed(x, y, 7), streamed(np.ldexp(x, exponent), y, 7)
    for unbiased in (True, False):
        assert found.compute(unbiased) == wanted.compute(unbiased)
        if abs(exponent) < 400:
            scaled = np.ldexp(wanted.hsic(unbiased), 2 * exponent)
            assert found.hsic(unbiased) == pytest.approx(scaled, rel=1e-14)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "int64", "uint16", "bool", ">f4"]
)
def test_types(dtype):
    x, y = datasets.related(200, 9, 7)
    x = x > 0 if dtype == "bool" else np.round(20 * np.abs(x)).clip(0, 100).astype(dtype)
    check(streamed(x, y, 64), x.astype(np.float64), y)
    check(streamed(x[::-1, ::-1], np.asfortranarray(y), 64), x[::-1, ::-1].astype(np.float64), y)


def test_a_large_batch_is_read_in_parts():
    x, y = datasets.related(9001, 8, 5)
    check(streamed(x, y, [9001]), x, y)


class TestMerge:
    def workers(self):
        x, y = datasets.related(500, 15, 6, dtype=np.float64)
        x[300:] += 1e4
        shares = parts(500, [1, 200, 0, 299])
        return x, y, [streamed(x[rows], y[rows], 33) for rows in shares]

    @pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
    def test_in_any_order(self, order):
        x, y, workers = self.workers()
        total = LinearCKA()
        for i in order:
            assert total.merge(workers[i]) is total
        assert total.count == 500
        check(total, x, y)

    def test_as_a_tree(self):
        x, y, (a, b, c, d) = self.workers()
        check(a.merge(c).merge(d.merge(b)), x, y)

    def test_the_other_one_stays_as_it_was(self):
        _, _, workers = self.workers()
        before = pickle.dumps(workers[1])
        workers[3].merge(workers[1])
        LinearCKA().merge(workers[1]).update(np.ones((3, 15)), np.ones((3, 6)))
        assert pickle.dumps(workers[1]) == before

    def test_with_itself_counts_every_sample_twice(self):
        x, y, workers = self.workers()
        score = workers[1].merge(workers[1])
        assert score.count == 400
        check(score, np.tile(x[1:201], (2, 1)), np.tile(y[1:201], (2, 1)))

    def test_refuses_other_widths_and_other_things(self):
        _, _, workers = self.workers()
        other = streamed(np.eye(6), np.eye(6), 2)
        with pytest.raises(ValueError, match=r"d_x = 15 and d_y = 6.*\(6, 6\)"):
            workers[1].merge(other)
        with pytest.raises(TypeError, match="other must be a LinearCKA; it is a dict"):
            workers[1].merge({})


def test_bits_do_not_depend_on_the_number_of_threads(set_threads):
    x, y = datasets.related(3000, 70, 45)

    def bits():
        score = streamed(x, y, 700)
        return [value.tobytes() for value in score.state_dict().values()] + [
            np.float64(score.compute(unbiased)).tobytes() for unbiased in (True, False)
        ]

    set_threads(1)
    wanted = bits()
    for count in (2, 5, 2):
        set_threads(count)
        assert bits() == wanted


@pytest.mark.parametrize("value", [0.0, 0.1, -1e7, 1e-30])
def test_constant_features_have_no_score(value):
    x, y = np.full((60, 3), value), datasets.gaussian(60, 4)
    for a, b, name in ((x, y, "x"), (y, x, "y")):
        score = streamed(a, b, 7)
        with pytest.warns(RuntimeWarning, match=f"{name} is constant over all 60 samples"):
            assert np.isnan(score.compute())
        assert score.hsic() == 0


def test_features_constant_only_within_batches_have_one():
    x, y = np.repeat(np.arange(6.0), 10)[:, None], datasets.gaussian(60, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(streamed(x, y, 10), x, y)


def test_the_first_batch_decides_the_library():
    torch = pytest.importorskip("torch")
    x, y = datasets.related(60, 9, 7)
    wanted = streamed(x, y, 20)
    score = LinearCKA()
    wide = torch.zeros(60, 18, dtype=torch.bfloat16)
    wide[:, ::2] = torch.from_numpy(x)
    rounded = wide[:, ::2].float().numpy()
    for rows in parts(60, 20):  # simtorch: .view() on activations that are not contiguous
        score.update(wide[rows, ::2].requires_grad_(), y[rows])
    check(score, rounded, y)
    assert isinstance(score.compute(), torch.Tensor)
    assert not score.compute().requires_grad
    assert isinstance(pickle.loads(pickle.dumps(score)).compute(), torch.Tensor)
    assert isinstance(LinearCKA().merge(score).compute(), torch.Tensor)
    assert type(wanted.compute()) is np.float64


class TestWhatOthersGotWrong:
    def test_the_mean_of_biased_scores_of_batches_is_not_the_score(self):
        """simtorch, torch_cka and others average over batches, and small batches look alike."""
        x, y = datasets.related(1024, 40, 40, noise=3.0)
        truth = reference.cka(x, y)
        for size in (16, 64, 256):
            rows = parts(1024, size)
            mean = np.mean([reference.cka(x[r], y[r], unbiased=False) for r in rows])
            assert mean > truth + 0.05
            assert streamed(x, y, size).compute() == pytest.approx(truth, abs=1e-12)

    @pytest.mark.parametrize("last", [1, 2, 3])
    def test_a_last_batch_of_few_samples(self, last):
        """pytorch-cka raises for 3 or fewer; PyTorch-Model-Compare gives NaN for 2."""
        x, y = datasets.related(64 + last, 20, 10)
        check(streamed(x, y, 32), x, y)

    @pytest.mark.parametrize("layers", [1, 5, 12])
    def test_scores_do_not_grow_with_batches_or_layers(self, layers):
        """simtorch divides the sum over batches by the number of layers."""
        x, y = datasets.related(240, 20, 10)
        scores = [streamed(x + layer, y, 20).compute() for layer in range(layers)]
        assert np.allclose(scores, reference.cka(x, y), rtol=0, atol=1e-6)
        assert max(scores) < 1

    def test_negative_values_are_not_clamped(self):
        """ignite clamps the HSIC of each batch at 0, which makes unrelated features alike."""
        scores = [
            streamed(datasets.gaussian(60, 8, s), datasets.gaussian(60, 8, s + 50), 6)
            for s in range(30)
        ]
        values = np.array([score.hsic() for score in scores])
        assert values.min() < 0 < values.max()
        assert abs(values.mean()) < 3 * values.std() / np.sqrt(30)

    def test_one_pass_is_enough(self):
        """numpee's CKA.pytorch goes over the data ten times to average its estimate."""
        x, y = datasets.related(200, 20, 10)
        assert streamed(x, y, 9).compute() == pytest.approx(reference.cka(x, y), abs=1e-12)


def test_one_sample_that_outweighs_all_others():
    """float32 sums over features cancel there; cka takes float64 ones, with no n x d copy."""
    x, y = datasets.related(2000, 10, 7, dtype=np.float64)
    x[17] += 1e4
    for unbiased in (True, False):
        wanted = reference.cka(x, y, unbiased=unbiased)
        assert mmkernels.cka(x, y, unbiased=unbiased) == pytest.approx(wanted, abs=1e-6)
    assert mmkernels.cka(x, y) == pytest.approx(reference.cka(x, y), abs=1e-11)
