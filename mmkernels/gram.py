"""Kernel matrices: prepared once for any number of comparisons, or centred and returned."""

from __future__ import annotations

from dataclasses import replace

from ._arrays import Array, Input, as_input
from ._checks import at_least
from ._dispatch import for_devices
from ._features import kernel_features, precomputed_matrix
from ._kernels import Kernel, kernel_named
from ._native import _cpu


class Gram:
    """A representation with a kernel on it, centred and packed once for any number of comparisons.

    Made by :func:`prepare_gram`; accepted wherever :func:`hsic`, :func:`cka` and
    :func:`cka_matrix` take an array, whose ``kernel`` and ``sigma`` then do not apply to it.

    >>> prepare_gram(np.eye(3), kernel="rbf", sigma=2)
    Gram(shape=(3, 3), kernel='rbf', sigma=2.0)
    """

    def __init__(self, rows: Input, kernel: Kernel):
        self.name = rows.name
        self.kernel = kernel.name
        self.wrap = rows.wrap
        self.shape = rows.shape
        self.type = rows.type
        #: The bandwidth in use (None for kernels without one), in units of the features.
        self.sigma: float | None = None
        self.features = None
        self._description = str(kernel)
        self._own_hsic: dict[str, tuple[float, ...]] = {}
        at_least(self.shape[0], 2, rows.name, self.shape, "A kernel matrix")
        if kernel.name == "precomputed":
            self.matrix = _cpu.Kernel(precomputed_matrix(rows))
            return
        self.features = kernel_features(rows, kernel.name)
        if kernel.name == "polynomial":
            self.matrix = self._polynomial(kernel)
            return
        if kernel.sigma is not None:
            self.sigma = self._median() if kernel.sigma == "median" else kernel.sigma
            self._description = f"kernel={kernel.name!r}, sigma={self.sigma}"
        # Constant features make a constant kernel whatever the bandwidth.
        self.matrix = _cpu.Kernel(self.features, kernel.name, bandwidth=self.sigma or 1.0)

    @property
    def constant(self) -> bool:
        """Whether all rows of the features are equal; not known of a precomputed matrix."""
        return self.features is not None and self.features.constant

    def own_hsic(self, estimator: str) -> tuple[float, ...]:
        """What the engine says in feature space of this representation with itself; kept."""
        if estimator not in self._own_hsic:
            self._own_hsic[estimator] = _cpu.hsic_by_features(
                self.features, self.features, estimator
            )
        return self._own_hsic[estimator]

    def __repr__(self) -> str:
        return f"Gram(shape={self.shape}, {self._description})"

    def _median(self) -> float:
        sigma = self.features.median_distance()
        if sigma == 0 and not self.constant:
            raise ValueError(
                f"sigma='median' is 0: at least half of the pairs of rows of {self.name} are "
                "equal; pass a number."
            )
        return sigma

    def _polynomial(self, kernel: Kernel) -> _cpu.Kernel:
        gamma = 1 / self.shape[1] if kernel.gamma is None else kernel.gamma
        matrix = _cpu.Kernel(
            self.features,
            kernel.name,
            degree=kernel.degree,
            offset=kernel.offset,
            gamma=gamma,
        )
        if matrix.out_of_range:
            raise ValueError(
                f"The polynomial kernel of {self.name} leaves the range of float64 (degree "
                f"{kernel.degree}, offset {kernel.offset}, gamma {gamma}, shape {self.shape}); "
                f"rescale {self.name} or pass another gamma."
            )
        return matrix


@for_devices
def prepare_gram(
    x: Array | Gram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    degree: int | None = None,
    offset: float | None = None,
    gamma: float | None = None,
) -> Gram:
    """Check, centre and pack a representation once, for use in many comparisons.

    Parameters
    ----------
    x : (n, d) array of any real type, or the (n, n) kernel matrix for "precomputed".
    kernel : what is compared of samples i and j.

        - "linear": x_i . x_j.
        - "cosine": x_i . x_j / (|x_i| |x_j|), the linear kernel of unit rows.
        - "rbf": exp(-|x_i - x_j|^2 / (2 sigma^2)).
        - "laplacian": exp(-|x_i - x_j| / sigma), of the Euclidean distance (scikit-learn's
          ``laplacian_kernel`` takes the L1 distance).
        - "distance": -|x_i - x_j|, the kernel behind :func:`distance_correlation`.
        - "polynomial": (gamma x_i . x_j + offset)^degree, of features as given.
        - "precomputed": x itself, symmetric to rounding; its values above the diagonal count.
    sigma : for "rbf" and "laplacian", a positive number in units of the features, or "median"
        (the default): the median of the n (n - 1) / 2 Euclidean distances between different
        samples.
    degree, offset, gamma : for "polynomial", an integer from 1 to 100 (3 by default), a number
        (1 by default) and a positive number (1 / d by default), as in scikit-learn's
        ``polynomial_kernel``.

    Kernel values are float32, computed so that neither an offset of the features nor rows far from
    all others nor near duplicates cost digits: scores agree with float64 to about 1e-6 of the
    norms of the centred matrices. For "polynomial" all that depends on one sample alone is left
    out, which no centred quantity sees; a precomputed matrix is centred in float64 before it is
    rounded.

    Cost: O(n d); "median" takes two passes of n^2 d / 2 multiply-adds, "precomputed" two passes
    over x. Memory up to 4 n d bytes and a copy of x, so that what is prepared does not change with
    x; what is read-only (a memory map) is not copied, and must stay as it is.

    Raises ValueError for NaN or infinity, for a zero row where the kernel is the cosine, for a
    polynomial beyond float64's range, and for a precomputed matrix that is not symmetric.

    >>> prepare_gram(np.eye(3), kernel="rbf").sigma
    1.414213...
    >>> cubes, squares = (prepare_gram(np.eye(5), kernel="polynomial", degree=p) for p in (3, 2))
    >>> round(float(mmkernels.cka(cubes, squares, unbiased=False)), 6)
    1.0
    """
    chosen = kernel_named(kernel, sigma, degree, offset, gamma)
    if isinstance(x, Gram):
        return x
    rows = as_input("x", x)
    if rows.values.flags.writeable:  # comparisons read some of it again
        rows = replace(rows, values=rows.values.copy(order="K"))
    return Gram(rows, chosen)


@for_devices
def centered_gram(
    x: Array | Gram, *, kernel: str = "linear", sigma: float | str | None = None
) -> Array:
    """The centred kernel matrix H K H, H = I - 1 1' / n.

    Parameters as in :func:`prepare_gram`. Returns (n, n) of the library of ``x``, float64 for
    float64 and 64-bit integers, else float32; kernel values are computed in float32 of the
    centred features and centred in float64. Memory: the result and 4 n d bytes.

    >>> centered_gram(np.array([[0.0], [2.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    gram = as_gram("x", x, kernel_named(kernel, sigma))
    wide = gram.type in ("float64", "int64", "uint64", "int32", "uint32")
    compute = _cpu.centered_gram_float64 if wide else _cpu.centered_gram_float32
    return gram.wrap(compute(gram.matrix))


def as_gram(name: str, x: Array | Gram, kernel: Kernel) -> Gram:
    return x if isinstance(x, Gram) else Gram(as_input(name, x), kernel)
