"""Any real type, any strides, numpy or torch: the score is that of the values as they are."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import check_scores
from .neighbor_checks import check_neighbors, pair_tolerance

NUMPY_TYPES = [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64",
    "uint8", "uint16", "uint32", "uint64", "bool",
]  # fmt: skip

TORCH_TYPES = [
    "float16", "bfloat16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"
]  # fmt: skip


def of_type(x, dtype):
    """Features rounded to a type, with a spread that suits it."""
    if dtype == "bool":
        return x > 0
    if dtype.startswith("float"):
        return x.astype(dtype)
    lowest = 0 if dtype.startswith("u") else -128
    return np.clip(np.round(x * 9 + (60 if lowest == 0 else 0)), lowest, 127).astype(dtype)


def check_everything(x, y, values_x, values_y):
    """x, y as passed; values_*: the same numbers in float64."""
    check_scores(_FunctionsOf(x, y, values_x, values_y), values_x, values_y)
    check_scores(_FunctionsOf(x, y, values_x, values_y), values_x, values_y, kernel="rbf")
    for metric in ("ip", "l2"):
        found = mmkernels.knn(x, 5, metric=metric)
        check_neighbors(
            found.indices,
            found.scores,
            reference.scores(values_x, values_x, metric),
            5,
            tolerance=pair_tolerance(values_x, values_x, metric),
        )
        wanted = float(mmkernels.mutual_knn(values_x, values_y, k=5, metric=metric))
        assert float(mmkernels.mutual_knn(x, y, k=5, metric=metric)) == wanted


class _FunctionsOf:
    """hsic and cka that compute on x and y whatever values they are asked about."""

    def __init__(self, x, y, values_x, values_y):
        self.arrays = {id(values_x): x, id(values_y): y}

    def hsic(self, x, y, **options):
        return mmkernels.hsic(self.arrays[id(x)], self.arrays[id(y)], **options)

    def cka(self, x, y, **options):
        return mmkernels.cka(self.arrays[id(x)], self.arrays[id(y)], **options)


@pytest.mark.parametrize("dtype", NUMPY_TYPES)
def test_numpy_types(dtype):
    x, y = (of_type(z, dtype) for z in datasets.related(150, 37, 22))
    check_everything(x, y, x.astype(np.float64), y.astype(np.float64))


def test_types_may_differ_between_the_two_sides():
    x, y = datasets.related(150, 37, 22)
    x, y = of_type(x, "float16"), of_type(y, "int64")
    check_everything(x, y, x.astype(np.float64), y.astype(np.float64))


def test_whole_numbers_beyond_float32_are_not_rounded():
    x = np.arange(40).reshape(20, 2) % 7 + 2**30
    near = np.zeros((20, 1), np.int64)
    near[3] = 2**40 + 1
    near[4] = 2**40
    near[5] = 2**40 + 3
    found = mmkernels.knn(np.hstack([x, near]), 2, metric="l2")
    assert found.indices[3, 0] in (4, 5)
    squares = ((np.hstack([x, near])[3] - np.hstack([x, near])[[4, 5]]) ** 2).sum(axis=1)
    assert np.array_equal(np.sort(-found.scores[3]), np.sort(squares))


def test_big_endian():
    x, y = datasets.related(80, 9, 7)
    swapped = x.astype(">f4")
    assert mmkernels.cka(swapped, y) == mmkernels.cka(x, y)
    assert mmkernels.mutual_knn(swapped, y) == mmkernels.mutual_knn(x, y)


def layouts(x, tmp_path):
    """The values of x in memory of every shape; all compare equal to x."""
    n, d = x.shape
    wide = np.zeros((2 * n, 3 * d), x.dtype)
    wide[::2, ::3] = x
    mapped = np.memmap(tmp_path / "features", dtype=x.dtype, mode="w+", shape=x.shape)
    mapped[:] = x
    mapped.flush()
    frozen = x.copy()
    frozen.flags.writeable = False
    shifted = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    shifted[:] = x
    return {
        "fortran": np.asfortranarray(x),
        "strided": wide[::2, ::3],
        "rows backwards": x[::-1].copy()[::-1],
        "columns backwards": x[:, ::-1].copy()[:, ::-1],
        "memory map": np.memmap(tmp_path / "features", dtype=x.dtype, mode="r", shape=x.shape),
        "read-only": frozen,
        "unaligned": shifted,
        "subclass": x.view(np.matrix),
    }


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_layouts(dtype, tmp_path):
    x, y = (of_type(z, dtype) for z in datasets.related(90, 33, 20))
    wanted = [
        mmkernels.cka(x, y),
        mmkernels.cka(x, y, kernel="rbf"),
        mmkernels.mutual_knn(x, y),
        mmkernels.mutual_knn(x, y, metric="l2"),
        *mmkernels.knn(x, 4),
        mmkernels.centered_gram(x),
    ]
    for name, view in layouts(x, tmp_path).items():
        found = [
            mmkernels.cka(view, y),
            mmkernels.cka(view, y, kernel="rbf"),
            mmkernels.mutual_knn(view, y),
            mmkernels.mutual_knn(view, y, metric="l2"),
            *mmkernels.knn(view, 4),
            mmkernels.centered_gram(view),
        ]
        for a, b in zip(found, wanted, strict=True):
            assert np.array_equal(a, b), name


def test_rows_that_share_their_memory():
    row = datasets.gaussian(1, 20)
    found = mmkernels.knn(np.broadcast_to(row, (30, 20)), 2)
    assert np.array_equal(found.indices[5], [0, 1])


def test_arguments_are_left_as_they_were():
    x, y = datasets.related(90, 33, 20)
    before = x.copy(), y.copy()
    mmkernels.cka(x, y, kernel="rbf")
    mmkernels.mutual_knn(x, y)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


def test_numpy_results():
    x, y = datasets.related(60, 9, 7)
    for score in (mmkernels.cka(x, y), mmkernels.hsic(x, y), mmkernels.mutual_knn(x, y)):
        assert type(score) is np.float64
    found = mmkernels.knn(x, 3)
    for part, dtype in ((found.indices, np.int64), (found.scores, np.float64)):
        assert isinstance(part, np.ndarray)
        assert part.dtype == dtype
        assert part.shape == (60, 3)
    assert isinstance(mmkernels.cka_matrix([x, y]), np.ndarray)
    assert isinstance(mmkernels.mutual_knn_matrix([x, y]), np.ndarray)


class TestTorch:
    @pytest.fixture(autouse=True)
    def torch(self):
        self.torch = pytest.importorskip("torch")

    @pytest.mark.parametrize("name", TORCH_TYPES)
    def test_types(self, name):
        dtype = getattr(self.torch, name)
        x, y = datasets.related(150, 37, 22)
        rounded = "float32" if dtype.is_floating_point else name
        x, y = (self.torch.from_numpy(of_type(z, rounded)).to(dtype) for z in (x, y))
        check_everything(x, y, x.double().numpy(), y.double().numpy())

    def test_results_are_tensors(self):
        x, y = (self.torch.from_numpy(z) for z in datasets.related(60, 9, 7))
        for score in (mmkernels.cka(x, y), mmkernels.hsic(x, y), mmkernels.mutual_knn(x, y)):
            assert isinstance(score, self.torch.Tensor)
            assert (score.dtype, score.shape) == (self.torch.float64, ())
        found = mmkernels.knn(x, 3)
        assert (found.indices.dtype, found.scores.dtype) == (self.torch.int64, self.torch.float64)
        assert found.indices.shape == found.scores.shape == (60, 3)
        for matrix in (mmkernels.cka_matrix([x, y]), mmkernels.mutual_knn_matrix([x, y])):
            assert isinstance(matrix, self.torch.Tensor)
            assert matrix.shape == (2, 2)
        assert isinstance(mmkernels.centered_gram(x), self.torch.Tensor)

    def test_the_first_argument_decides_the_library(self):
        x, y = datasets.related(60, 9, 7)
        tensor = self.torch.from_numpy(y)
        assert type(mmkernels.cka(x, tensor)) is np.float64
        assert isinstance(mmkernels.cka(tensor, x), self.torch.Tensor)
        assert float(mmkernels.cka(x, tensor)) == mmkernels.cka(x, y)

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_layouts(self, dtype):
        x, y = (self.torch.from_numpy(z) for z in datasets.related(90, 33, 20))
        x, y = x.to(getattr(self.torch, dtype)), y.to(getattr(self.torch, dtype))
        wide = self.torch.zeros(180, 99, dtype=x.dtype)
        wide[::2, ::3] = x
        views = {
            "transposed": x.t().contiguous().t(),
            "strided": wide[::2, ::3],
            "expanded": x[:1].expand(90, -1),
            "with gradient": x.clone().requires_grad_(),
            "negated lazily": self.torch.complex(x.float(), -x.float()).conj().imag.to(x.dtype),
        }
        for name, view in views.items():
            plain = view.detach().contiguous()
            for kernel in ("linear", "rbf"):
                if name != "expanded":
                    with self.torch.no_grad():
                        found = mmkernels.cka(view, y, kernel=kernel)
                    assert found == mmkernels.cka(plain, y, kernel=kernel), name
            found, wanted = mmkernels.knn(view, 5), mmkernels.knn(plain, 5)
            assert self.torch.equal(found.indices, wanted.indices), name
            assert self.torch.equal(found.scores, wanted.scores), name

    def test_other_devices_and_layouts_are_named(self):
        y = self.torch.randn(20, 4)
        with pytest.raises(ValueError, match="x is on the device meta"):
            mmkernels.cka(self.torch.empty(20, 4, device="meta"), y)
        with pytest.raises(TypeError, match="x has the layout"):
            mmkernels.cka(y.to_sparse(), y)
        nested = self.torch.nested.nested_tensor([y], layout=self.torch.jagged)
        with pytest.raises(TypeError, match=r"x is a nested tensor; pass a dense tensor\."):
            mmkernels.cka(nested, y)

    def test_values_that_are_not_there_or_not_real(self):
        y = self.torch.randn(20, 4)
        for x, words in (
            (self.torch.complex(y, y).conj(), "x has dtype torch.complex64|x has dtype complex64"),
            (y.to(self.torch.float8_e4m3fn), "x has dtype torch.float8_e4m3fn; allowed are"),
        ):
            with pytest.raises(TypeError, match=words):
                mmkernels.cka(x, y)
        with pytest.raises(TypeError, match="x is a Tensor whose values cannot be read"):
            self.torch.vmap(lambda x: mmkernels.cka(x, x))(self.torch.randn(3, 20, 4))
        with pytest.raises(ValueError, match="x is on the device meta and holds no values"):
            mmkernels.cka(y.to("meta"), y)


class OnCudaByDlpack:
    """What an array of another library on a GPU shows of itself."""

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, **_):
        raise AssertionError("device memory must not be read")


class OnCudaByInterface:
    """An array that names a device pointer and nothing else."""

    __cuda_array_interface__ = None


@pytest.mark.parametrize("kind", [OnCudaByDlpack, OnCudaByInterface])
def test_gpu_arrays_are_refused_in_a_sentence(kind):
    with pytest.raises(ValueError, match="y is not in host memory; this is computed on the CPU"):
        mmkernels.procrustes(datasets.gaussian(20, 4), kind())
    with pytest.raises(
        ValueError, match=r"y is not in host memory|x is in host memory and y in CUDA"
    ):
        mmkernels.cka(datasets.gaussian(20, 4), kind())


class OnlyDLPack:
    """What a library without numpy's protocol hands over."""

    def __init__(self, values):
        self._values = values

    def __dlpack__(self, **options):
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._values.__dlpack_device__()


def test_dlpack_alone_is_enough():
    x, y = datasets.related(40, 6, 9)
    assert mmkernels.cka(OnlyDLPack(x), OnlyDLPack(y)) == mmkernels.cka(x, y)
    assert mmkernels.mutual_knn(OnlyDLPack(x), y, k=3) == mmkernels.mutual_knn(x, y, k=3)


def dlpack_views(x):
    frozen = x.copy()
    frozen.flags.writeable = False
    wide = np.zeros((80, 18), x.dtype)
    wide[::2, ::3] = x
    return {
        "read-only": frozen,
        "rows backwards": x[::-1].copy()[::-1],
        "fortran": np.asfortranarray(x),
        "strided": wide[::2, ::3],
        "float64": x.astype(np.float64),
    }


@pytest.mark.parametrize("name", dlpack_views(np.zeros((40, 6), np.float32)))
def test_dlpack_of_every_layout(name):
    x, y = datasets.related(40, 6, 9)
    view = dlpack_views(x)[name]
    assert mmkernels.cka(OnlyDLPack(view), y) == mmkernels.cka(view, y)


def test_dlpack_copies_nothing():
    x, _ = datasets.related(40, 6, 9)
    from mmkernels._arrays import as_input

    assert np.shares_memory(as_input("x", OnlyDLPack(x)).values, x)


class OldDLPack(OnlyDLPack):
    """Of a library that knows no versions of the protocol."""

    def __dlpack__(self, stream=None):
        return self._values.__dlpack__()


def test_dlpack_that_cannot_be_read_is_one_sentence():
    x, y = datasets.related(40, 6, 9)
    assert mmkernels.cka(OldDLPack(x), y) == mmkernels.cka(x, y)
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"x cannot be read as an array of numbers: [^.]*\.$"):
        mmkernels.cka(OnlyDLPack(torch.from_numpy(x).bfloat16()), y)


class ByArrayProtocol:
    """What pandas, jax and others offer numpy."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return self._values


def test_arrays_by_numpys_protocol():
    x, y = datasets.related(40, 6, 9)
    wanted = mmkernels.cka(x, y)
    assert mmkernels.cka(ByArrayProtocol(x), y.tolist()) == pytest.approx(wanted, abs=1e-12)
    pandas = pytest.importorskip("pandas")
    assert mmkernels.cka(pandas.DataFrame(x), pandas.DataFrame(y)) == wanted
    with pytest.raises(TypeError, match="x has dtype object"):
        mmkernels.cka(pandas.DataFrame(x).astype(object), y)


def test_masked_and_sparse_arrays_are_not_read_as_something_else():
    x, y = datasets.related(40, 6, 9)
    assert mmkernels.cka(np.ma.array(x), y) == mmkernels.cka(x, y)
    with pytest.raises(TypeError, match="x is a masked array; drop the samples"):
        mmkernels.cka(np.ma.array(x, mask=x > 1), y)
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"y is a sparse csr_array; pass y.toarray\(\)\."):
        mmkernels.cka(x, sparse.csr_array(y))
    for ragged in ([[1.0], [2.0, 3.0]], [["a"]]):
        with pytest.raises(TypeError, match=r"^x [^.]*\.$"):
            mmkernels.cka(ragged, y)


def test_layers_of_different_widths_in_any_sequence():
    x, y = datasets.related(40, 6, 9)
    layers = [x, y, x[:, :1]]
    wanted = mmkernels.cka_matrix(layers)
    assert np.array_equal(mmkernels.cka_matrix(tuple(layers)), wanted)
    stacked = mmkernels.cka_matrix(np.stack([x, x + y[:, :6]]))
    assert stacked[0, 1] == mmkernels.cka(x, x + y[:, :6])
    lists = mmkernels.mutual_knn_matrix(layers[:2], k=3)
    assert np.array_equal(mmkernels.mutual_knn_matrix(tuple(layers[:2]), k=3), lists)
