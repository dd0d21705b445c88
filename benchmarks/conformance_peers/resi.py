"""ReSi (mklabunde/resi): the measures of a benchmark of representational similarity."""

from __future__ import annotations

from .peer import Call, Peer
from .reasons import NOISE, OVERFLOW, ZERO_ROWS


def measure(name, x, y, **options):
    from repsim import measures

    return getattr(measures, name)()(x, y, "nd", **options)


def call(metric, name, **reasons):
    spelled = f"{name}()(x, y, 'nd')"
    return Call(metric, spelled, lambda x, y: measure(name, x, y), reasons=reasons)


def neighbors(metric, name, **reasons):
    """The classes have no argument k; the functions below them do."""

    def function(x, y, k=10):
        from repsim.measures import nearest_neighbor

        return getattr(nearest_neighbor, name)(x, y, "nd", k=k)

    return Call(metric, f"{name}(x, y, 'nd', k=k)", function, reasons=reasons)


BY_PLACE = "drops the first of k + 1 as the sample itself, which may be its copy"

PEER = Peer(
    name="resi",
    checkout="https://github.com/mklabunde/resi",
    requirements=("einops==0.8.2", "loguru==0.7.3"),
    calls=(
        neighbors("jaccard_knn", "jaccard_similarity", duplicates=BY_PLACE, zero_rows=ZERO_ROWS),
        neighbors("rank_similarity", "rank_similarity"),
        neighbors(
            "second_order_cosine",
            "second_order_cosine_similarity",
            ordinary="takes the cosine distances to neighbours, the definition the cosines",
        ),
        call("cka_linear_biased", "CKA", rounded_constant=NOISE, half=OVERFLOW),
        call("distance_correlation", "DistanceCorrelation", rounded_constant=NOISE),
        call(
            "procrustes_distance",
            "OrthogonalProcrustesCenteredAndNormalized",
            rounded_constant=NOISE,
            half=OVERFLOW,
        ),
        call(
            "angular_shape_distance",
            "OrthogonalAngularShapeMetricCentered",
            rounded_constant=NOISE,
            half=OVERFLOW,
        ),
        call("rsa_correlation_spearman", "RSA"),
        call(
            "svcca_variance",
            "SVCCA",
            ordinary="compares shares with 0.99 of the variance itself: 1 direction is left",
        ),
        call(
            "pwcca",
            "PWCCA",
            ordinary="leaves the inverse root of the covariance out of the canonical variates",
        ),
        Call(
            "linear_regression",
            "LinearRegression()(y, x, 'nd')",
            lambda x, y: measure("LinearRegression", y, x),
        ),
    ),
)
