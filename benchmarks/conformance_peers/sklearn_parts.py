"""scikit-learn: its neighbours, kernels, canonical correlations and regressions, put together."""

from __future__ import annotations

import numpy as np

from .peer import Call, Peer, options_text
from .reasons import CANCELS, NOISE, ZERO_ROWS


def lists(x, y, k, metric="cosine"):
    """(n, k) neighbours: a search without queries leaves the sample itself out, by its number."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k, algorithm="brute", metric=metric)
    return [search.fit(rows).kneighbors(return_distance=False).tolist() for rows in (x, y)]


def mutual_knn(x, y, k=10):
    return np.mean([len({*a} & {*b}) / k for a, b in zip(*lists(x, y, k), strict=True)])


def jaccard_knn(x, y, k=10):
    pairs = zip(*lists(x, y, k), strict=True)
    return np.mean([len({*a} & {*b}) / len({*a} | {*b}) for a, b in pairs])


def cka(x, y, kernel, **options):
    """Biased CKA: kernels by `pairwise_kernels`, centred by `KernelCenterer`."""
    from sklearn.metrics.pairwise import pairwise_kernels
    from sklearn.preprocessing import KernelCenterer

    k, l = (  # noqa: E741 - as in the literature
        KernelCenterer().fit_transform(pairwise_kernels(rows, metric=kernel, **options))
        for rows in (x, y)
    )
    return np.sum(k * l) / np.sqrt(np.sum(k * k) * np.sum(l * l))


def cca(x, y):
    from sklearn.cross_decomposition import CCA

    components = min(x.shape[1], y.shape[1])
    left, right = CCA(n_components=components).fit_transform(x, y)
    return np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(left.T, right.T, strict=True)])


def regression(x, y):
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    predicted = LinearRegression().fit(x, y).predict(x)
    return r2_score(y, predicted, multioutput="variance_weighted")


def predictivity(x, y):
    """R^2 of predictions that did not see the sample, over all columns."""
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import KFold, cross_val_predict

    missed, total = (
        np.sum((y - cross_val_predict(model, x, y, cv=KFold(5))) ** 2)
        for model in (LinearRegression(), DummyRegressor())
    )
    return 1 - missed / total


def kernel(metric, name, reasons=None, **options):
    spelled = f"CKA of pairwise_kernels(x, metric={name!r}{options_text(options)})"
    return Call(metric, spelled, lambda x, y: cka(x, y, name, **options), reasons=reasons or {})


NEIGHBORS = "NearestNeighbors(metric='cosine')"
MANHATTAN = "its distance is the sum of absolute differences, not the Euclidean one"
STOPS = "stops an iteration at a step below its tolerance, 1e-6"

PEER = Peer(
    name="scikit-learn",
    calls=(
        Call("mutual_knn", NEIGHBORS, mutual_knn, reasons={"zero_rows": ZERO_ROWS}),
        Call("jaccard_knn", NEIGHBORS, jaccard_knn, reasons={"zero_rows": ZERO_ROWS}),
        kernel("cka_linear_biased", "linear", {"offset": CANCELS, "rounded_constant": NOISE}),
        kernel("cka_rbf_biased", "rbf", gamma=0.5),
        kernel("cka_cosine_biased", "cosine"),
        kernel("cka_laplacian_biased", "laplacian", {"ordinary": MANHATTAN}, gamma=0.5),
        kernel("cka_polynomial_biased", "polynomial", degree=3, coef0=1),
        Call("cca", "CCA(n_components=16), mean correlation", cca, "float64", {"*": STOPS}),
        Call("linear_regression", "r2_score(y, LinearRegression()...)", regression),
        Call("linear_predictivity", "cross_val_predict(LinearRegression())", predictivity),
    ),
)
