"""Gradients of HSIC and CKA: right by finite differences, and for values that hurt."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .processes import output_of

torch = pytest.importorskip("torch")

import mmkernels.torch  # noqa: E402

KERNELS = [("linear", None), ("rbf", 1.7)]
FUNCTIONS = ["hsic", "cka"]


@pytest.fixture(autouse=True)
def _one_thread():
    """PyTorch's threads wait for each other where other programs hold the processors."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# n below and above the widths: products of features, and of samples.
SHAPES = [(5, 9, 8), (7, 3, 2), (12, 1, 4)]


def pair(n, d_x, d_y, dtype=torch.float64):
    x, y = datasets.related(n, d_x, d_y, dtype=np.float64)
    return tuple(torch.from_numpy(z).to(dtype).requires_grad_() for z in (x / 3, y / 2))


def gradients(function, x, y, **options):
    x, y = (z.detach().clone().requires_grad_() for z in (x, y))
    getattr(mmkernels.torch, function)(x, y, **options).backward()
    return x.grad, y.grad


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize(("kernel", "sigma"), KERNELS)
@pytest.mark.parametrize("function", FUNCTIONS)
class TestEveryEstimate:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_gradcheck(self, function, kernel, sigma, unbiased, shape):
        def compute(a, b):
            options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
            return getattr(mmkernels.torch, function)(a, b, **options)

        x, y = pair(*shape)
        assert torch.autograd.gradcheck(compute, (x, y))
        if function == "hsic":  # a score of x with itself
            assert torch.autograd.gradcheck(lambda a: compute(a, 2 * a), (x,))

    def test_values(self, function, kernel, sigma, unbiased):
        for n in (4, 33, 129):
            x, y = pair(n, 33, 5)
            options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
            found = getattr(mmkernels.torch, function)(x, y, **options)
            arrays = x.detach().numpy(), y.detach().numpy()
            wanted = getattr(reference, function)(*arrays, **options)
            assert found.requires_grad
            assert (found.dtype, found.shape) == (torch.float64, ())
            assert found.item() == pytest.approx(wanted, rel=1e-10, abs=1e-12)
            with torch.no_grad():
                native = getattr(mmkernels.torch, function)(x, y, **options)
            assert native.item() == pytest.approx(wanted, rel=1e-4, abs=1e-5)

    def test_an_offset_changes_no_gradient(self, function, kernel, sigma, unbiased):
        x, y = pair(60, 8, 5)
        options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
        for wanted, found in zip(
            gradients(function, x, y, **options),
            gradients(function, x + 1e6, y - 3e6, **options),
            strict=True,
        ):
            assert torch.allclose(found, wanted, rtol=0, atol=1e-8 * wanted.abs().max())
            assert wanted.sum(dim=0).abs().max() < 1e-12 * wanted.abs().sum()

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
    def test_types(self, function, kernel, sigma, unbiased, dtype):
        x, y = pair(60, 8, 5, dtype)
        options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
        wanted = gradients(function, x.double(), y.double(), **options)
        for found, exact in zip(gradients(function, x, y, **options), wanted, strict=True):
            assert found.dtype == dtype
            rounding = torch.finfo(dtype).eps * exact.abs().max()
            assert torch.allclose(found.double(), exact, rtol=torch.finfo(dtype).eps, atol=rounding)

    def test_blocks(self, function, kernel, sigma, unbiased, monkeypatch):
        import importlib

        module = importlib.import_module("mmkernels.torch.hsic_terms")
        x, y = pair(50, 8, 5)
        options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
        whole = gradients(function, x, y, **options)
        for entries in (1, 150, 1050):
            monkeypatch.setattr(module, "_BLOCK_ENTRIES", entries)
            for a, b in zip(gradients(function, x, y, **options), whole, strict=True):
                assert torch.allclose(a, b, rtol=0, atol=1e-13 * b.abs().max())

    def test_only_one_side(self, function, kernel, sigma, unbiased):
        x, y = pair(20, 4, 3)
        options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
        wanted = gradients(function, x, y, **options)
        for i, sides in enumerate([(x, y.detach()), (x.detach(), y)]):
            x.grad = y.grad = None
            getattr(mmkernels.torch, function)(*sides, **options).backward()
            assert torch.equal(sides[i].grad, wanted[i])
            assert sides[1 - i].grad is None


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_median_bandwidth_is_a_constant(function):
    x, y = pair(40, 6, 6)
    x = 2 * x.detach()
    width = reference.median_distance(x.numpy())
    by_name = mmkernels.torch.hsic(x.requires_grad_(), x.detach(), kernel="rbf")
    by_number = mmkernels.torch.hsic(x, x.detach(), kernel="rbf", sigma=width)
    assert by_name.item() == pytest.approx(by_number.item(), rel=1e-5)
    found, wanted = (torch.autograd.grad(value, x)[0] for value in (by_name, by_number))
    assert torch.allclose(found, wanted, rtol=0, atol=1e-5 * wanted.abs().max())
    score = getattr(mmkernels.torch, function)(x, y.detach(), kernel="rbf", sigma="median")
    wanted = getattr(reference, function)(x.detach().numpy(), y.detach().numpy(), kernel="rbf")
    assert score.item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-120, 1e-20, 1e-2, 1e20, 1e120])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_the_scale_does_not_matter(scale, kernel):
    """cka-pytorch adds 1e-4 under the root: 1.3e-4 for equal features a hundredth the size."""
    x, y = pair(60, 8, 5)
    if kernel == "rbf" and abs(np.log10(scale)) > 30:
        scale = scale**0.25
    score = mmkernels.torch.cka(x * scale, y, kernel=kernel)
    assert score.item() == pytest.approx(mmkernels.torch.cka(x, y, kernel=kernel).item(), abs=1e-6)
    wanted, _ = gradients("cka", x, y, kernel=kernel)
    found, _ = gradients("cka", x * scale, y, kernel=kernel)
    tolerance = 1e-12 if kernel == "linear" else 1e-5
    assert torch.allclose(found * scale, wanted, rtol=0, atol=tolerance * wanted.abs().max())
    same = mmkernels.torch.cka(x * scale, x.detach(), kernel=kernel)
    assert same.item() == pytest.approx(1, abs=1e-6)


def test_gradient_steps_raise_the_score():
    x, y = pair(64, 6, 6, torch.float32)
    y = y.detach()
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    optimiser = torch.optim.Adam([x], lr=0.05)
    scores = []
    for _ in range(60):
        optimiser.zero_grad()
        score = mmkernels.cka(x, y, kernel="rbf")
        (1 - score).backward()
        optimiser.step()
        scores.append(score.item())
    assert scores[0] < 0.2
    assert scores[-1] > 0.8


def test_equal_directions_have_a_finite_gradient():
    """DeepCCA's gradient divides by differences of eigenvalues: NaN where two are equal."""
    x = torch.eye(8, dtype=torch.float64).repeat(4, 1).requires_grad_()
    y = torch.flip(x.detach(), dims=[1])[torch.randperm(32, generator=torch.Generator())]
    for kernel in ("linear", "rbf"):
        (gradient,) = torch.autograd.grad(mmkernels.cka(x, y, kernel=kernel), x)
        assert torch.isfinite(gradient).all()


class TestDegenerate:
    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    @pytest.mark.parametrize("unbiased", [False, True])
    @pytest.mark.parametrize("value", [0.0, 0.1, 1e7])
    def test_constant_features_give_nan_and_a_nan_gradient(self, kernel, unbiased, value):
        x = torch.full((30, 4), value, requires_grad=True)
        y = torch.from_numpy(datasets.gaussian(30, 3))
        with pytest.warns(RuntimeWarning, match=r"x is constant \(shape \(30, 4\)\)"):
            score = mmkernels.torch.cka(x, y, kernel=kernel, unbiased=unbiased)
        score.backward()
        assert torch.isnan(score)
        assert torch.isnan(x.grad).all()
        value = mmkernels.torch.hsic(x, y, kernel=kernel, unbiased=unbiased)
        assert value.item() == 0

    def test_equidistant_rows_have_no_unbiased_score(self):
        for n in (8, 50):
            x = torch.eye(n, requires_grad=True)
            with pytest.warns(RuntimeWarning, match="x is constant"):
                score = mmkernels.torch.cka(x, torch.from_numpy(datasets.gaussian(n, 3)))
            assert torch.isnan(score)

    def test_ordinary_features_do_not_warn(self):
        x, y = pair(30, 4, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for kernel in ("linear", "rbf"):
                mmkernels.torch.cka(x, y, kernel=kernel)


class TestThroughThePublicFunctions:
    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    def test_a_tensor_that_requires_a_gradient_gets_one(self, function, kernel):
        x, y = pair(30, 4, 3)
        compute = getattr(mmkernels, function)
        compute(x, y, kernel=kernel).backward()
        wanted = gradients(function, x, y, kernel=kernel)
        assert torch.equal(x.grad, wanted[0])
        assert torch.equal(y.grad, wanted[1])
        # Either side may be the tensor.
        x.grad = y.grad = None
        compute(x, y.detach().numpy(), kernel=kernel).backward()
        compute(x.detach().numpy(), y, kernel=kernel).backward()
        assert torch.allclose(x.grad, wanted[0], rtol=1e-12, atol=0)
        assert torch.allclose(y.grad, wanted[1], rtol=1e-12, atol=0)

    def test_no_gradient_is_recorded_where_none_is_asked_for(self):
        x, y = pair(30, 4, 3)
        with torch.no_grad():
            assert not mmkernels.cka(x, y).requires_grad
        assert not mmkernels.cka(x.detach(), y.detach()).requires_grad

    def test_prepared_grams_cannot_give_one(self):
        x, y = pair(30, 4, 3)
        gram = mmkernels.prepare_gram(y.detach())
        with pytest.raises(TypeError, match=r"y is a prepared Gram and x requires a gradient"):
            mmkernels.cka(x, gram)
        assert mmkernels.cka(x.detach(), gram) == mmkernels.cka(x.detach(), y.detach())

    def test_torch_is_not_loaded_for_others(self, tmp_path):
        code = """
            import sys, numpy, mmkernels
            mmkernels.cka(numpy.eye(6)[:, :3], numpy.eye(6)[:, 1:3])
            print("torch" in sys.modules, "mmkernels.torch" in sys.modules)
            import torch
            mmkernels.cka(torch.eye(6)[:, :3], torch.eye(6)[:, 1:3])
            print("mmkernels.torch" in sys.modules)
        """
        assert output_of(code, directory=tmp_path).split() == ["False", "False", "False"]


class TestErrors:
    def refuse(self, kind, words, x, y, **options):
        for function in FUNCTIONS:
            with pytest.raises(kind, match=words):
                getattr(mmkernels.torch, function)(x, y, **options)

    def test_shapes_types_and_options(self):
        x, y = pair(20, 4, 3)
        self.refuse(ValueError, r"same number of samples.*\(20, 4\) and \(19, 3\)", x, y[:19])
        self.refuse(ValueError, r"at least 4 samples; x has shape \(3, 4\)", x[:3], y[:3])
        self.refuse(ValueError, "at least 2 samples", x[:1], y[:1], unbiased=False)
        self.refuse(ValueError, r"x must be two-dimensional.*\(20,\)", x[:, 0], y)
        self.refuse(ValueError, "y has no features", x, y[:, :0])
        self.refuse(TypeError, "y has dtype torch.complex128", x, torch.complex(y, y))
        self.refuse(TypeError, "x has the layout torch.sparse_coo", x.to_sparse(), y)
        self.refuse(ValueError, "sigma must be a positive number", x, y, kernel="rbf", sigma=0)
        self.refuse(ValueError, "sigma is 1.0, but the linear kernel", x, y, sigma=1.0)

    def test_kernels_without_a_gradient_say_so(self):
        """Silently dropped gradients train nothing."""
        x, y = pair(20, 4, 3)
        self.refuse(ValueError, "Gradients are known for.*'laplace'", x, y, kernel="laplace")

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_values(self, bad):
        x, y = (z.detach() for z in pair(20, 4, 3))
        x[7, 1] = bad
        self.refuse(
            ValueError, r"x has NaN or infinity in row 7 \(shape \(20, 4\)\)", x.requires_grad_(), y
        )

    def test_median_of_equal_rows(self):
        x = torch.ones(20, 3)
        x[0] = 2
        self.refuse(ValueError, "sigma='median' is 0", x.requires_grad_(), x.detach(), kernel="rbf")

    def test_second_derivatives_are_refused(self):
        x, y = pair(20, 4, 3)
        (first,) = torch.autograd.grad(mmkernels.cka(x, y), x, create_graph=True)
        with pytest.raises((RuntimeError, NotImplementedError)):
            first.square().sum().backward()


def test_memory_grows_with_n_not_with_its_square(tmp_path):
    code = """
        import re, torch, mmkernels.torch
        from pathlib import Path

        def peak():
            return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

        draw = torch.Generator().manual_seed(0)
        x, y = (torch.randn(6000, 8, generator=draw).requires_grad_() for _ in range(2))
        mmkernels.torch.cka(x[:900], y[:900], kernel="rbf", sigma=3.0).backward()
        before = peak()
        mmkernels.torch.cka(x, y, kernel="rbf", sigma=3.0).backward()
        print((peak() - before) / 1024)
    """
    # An n x n matrix in float64 is 275 MiB.
    alone = {"OMP_NUM_THREADS": "1"}
    assert float(output_of(code, directory=tmp_path, environment=alone)) < 120


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("package", [mmkernels, mmkernels.torch])
class TestDerivativesThatAreNotOfReverseMode:
    """Refused: read as plain numbers, these tensors would have derivatives of 0."""

    def test_forward_mode(self, package, function):
        x, y = (z.detach() for z in pair(9, 3, 2))
        compute = getattr(package, function)
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(x, x)
            with pytest.raises(TypeError, match=r"x carries .*forward mode.*reverse mode only"):
                compute(dual, y)
            with pytest.raises(TypeError, match=r"y carries .*y\.detach\(\)"):
                compute(y, dual)
            assert torch.equal(compute(dual.detach(), y), compute(x, y))
        with pytest.raises(TypeError, match="forward mode"):
            torch.func.jvp(lambda z: compute(z, y), (x,), (x,))

    def test_transformations(self, package, function):
        x, y = (z.detach() for z in pair(9, 3, 2))
        compute = getattr(package, function)
        for transformed in (torch.func.grad, torch.func.jacrev):
            with pytest.raises(TypeError, match=r"torch.func.*reverse mode only"):
                transformed(lambda z: compute(z, y))(x)


def test_what_is_no_tensor():
    x, y = pair(9, 3, 2)
    numbers = datasets.gaussian(9, 3)
    for name in ("cka", "hsic", "mutual_knn"):
        function = getattr(mmkernels.torch, name)
        with pytest.raises(TypeError, match=r"x must be a torch.Tensor; it is of type ndarray"):
            function(numbers, y)
        with pytest.raises(TypeError, match=r"y must be a torch.Tensor"):
            function(x, numbers)
    with pytest.raises(TypeError, match=r"x must be a torch.Tensor"):
        mmkernels.torch.knn(numbers, 3)
    with pytest.raises(TypeError, match=r"queries must be a torch.Tensor"):
        mmkernels.torch.knn(x, 3, queries=numbers)
