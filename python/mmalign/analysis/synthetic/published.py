"""The numbers of arXiv 2502.16282 on synthetic data, as far as they are printed or legible.

In figures 4, 10, 11 and 13 the point at U = 8 is exactly 0 for every metric: the released analysis
loops over U = 0..7 and leaves the ninth value at its initial zero, yet plots and correlates it.
Every correlation with U below therefore has one artificial point of nine.
"""

from __future__ import annotations

import json

LINEAR_CKA = "linear CKA"
RBF_CKA = "RBF CKA"
SVCCA = "SVCCA"
MUTUAL_KNN = "mutual kNN, k = 100"

# Where the paper has no number, because the analysis never read it.
ARTEFACT_UNIQUENESS = 8

CORRELATION_TRANSFORM_DEPTHS = (1, 3, 5, 7, 9)
MAXIMA_UNIQUENESS = tuple(range(8))

# (figure, metric, depth of view 1's encoder): Spearman's rho of the maximum with U at D_phi
# = 1, 3, 5, 7, 9. Printed.
ALIGNMENT_UNIQUENESS = {
    ("4", LINEAR_CKA, 1): (-0.950, -0.833, -0.983, -0.983, -1.000),
    ("10", RBF_CKA, 1): (-0.950, -0.850, -0.983, -0.983, -1.000),
    ("10", SVCCA, 1): (-1.000, -1.000, -0.983, -1.000, -0.950),
    ("10", MUTUAL_KNN, 1): (-0.950, -0.950, -0.983, -0.983, -1.000),
    ("13", LINEAR_CKA, 2): (-0.983, -0.850, -0.983, -0.983, -0.983),
    ("13", LINEAR_CKA, 3): (-0.950, -0.850, -0.983, -0.983, -1.000),
}

# (metric, D_phi): the maximum over depths and seeds at U = 0..7. Digitised.
MAXIMA = {
    (LINEAR_CKA, 1): (0.912, 0.805, 0.669, 0.461, 0.426, 0.455, 0.447, 0.382),
    (LINEAR_CKA, 3): (0.864, 0.801, 0.663, 0.485, 0.262, 0.418, 0.420, 0.452),
    (LINEAR_CKA, 5): (0.834, 0.749, 0.679, 0.439, 0.329, 0.416, 0.311, 0.296),
    (LINEAR_CKA, 7): (0.723, 0.673, 0.624, 0.483, 0.336, 0.369, 0.276, 0.121),
    (LINEAR_CKA, 9): (0.774, 0.702, 0.603, 0.375, 0.343, 0.304, 0.288, 0.193),
    (MUTUAL_KNN, 1): (0.762, 0.631, 0.506, 0.438, 0.415, 0.412, 0.432, 0.332),
    (MUTUAL_KNN, 7): (0.640, 0.526, 0.466, 0.412, 0.354, 0.373, 0.323, 0.248),
    (SVCCA, 1): (0.670, 0.597, 0.552, 0.503, 0.470, 0.421, 0.345, 0.317),
}

# Spearman's rho of the maximum with D_phi at U = 0, 2, 4, 6 (figure 11). Printed.
CORRELATION_UNIQUENESS = (0, 2, 4, 6)
ALIGNMENT_TRANSFORM = {
    LINEAR_CKA: (-0.915, -0.709, -0.442, -0.770),
    RBF_CKA: (-0.915, -0.709, -0.442, -0.770),
    SVCCA: (-0.673, -0.782, -0.624, -0.576),
    MUTUAL_KNN: (-0.939, -0.648, -0.309, -0.588),
}

# Medians of the boxes of figure 7 (linear CKA) at U = 0..8. Digitised.
MEDIANS = {
    "alignment_performance": (0.677, 0.684, 0.603, 0.330, 0.269, 0.215, 0.168, -0.002, 0.121),
    "performance_depth": (0.726, 0.712, 0.619, 0.689, 0.624, 0.758, 0.527, 0.677, 0.619),
    "alignment_depth": (0.926, 0.872, 0.852, 0.448, 0.246, 0.289, 0.048, -0.006, 0.091),
}

# U: the top of the colour bar of figure 6, the highest mean over seeds. Digitised.
HEAT_MAP_TOPS = {0: 0.85, 2: 0.66, 4: 0.385, 6: 0.385, 8: 0.0125}

# U: (performance from, to), (alignment from, to) of figure 9. Digitised.
DEEPEST_RANGES = {
    0: ((0.78, 0.91), (0.52, 0.88)),
    2: ((0.65, 0.74), (0.40, 0.70)),
    4: ((0.645, 0.71), (0.18, 0.38)),
    6: ((0.57, 0.655), (0.10, 0.38)),
    8: ((0.52, 0.605), (0.0, 0.017)),
}

# R: mean validation accuracy of (view 1, view 2) with the learning rates chosen. Printed, in the
# files of the search.
VALIDATION_ACCURACY = {
    0: (0.5432, 0.5980),
    1: (0.5339, 0.6449),
    2: (0.5748, 0.6496),
    3: (0.5762, 0.7284),
    4: (0.6673, 0.7001),
    5: (0.6620, 0.7328),
    6: (0.8013, 0.7298),
    7: (0.8009, 0.8938),
    8: (0.9073, 0.8909),
}
# The (D_phi, depth) over which those means were taken.
VALIDATION_CELLS = ((1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (3, 2), (4, 3))


def published_metric(metric: str, options: str) -> str:
    """The paper's name of a metric of the tables; empty for one that it does not show."""
    values = json.loads(options) if options else {}
    if metric == "mutual_knn":
        return MUTUAL_KNN if values.get("k") == 100 else ""
    if metric == "unbiased_cka":
        return {"linear": LINEAR_CKA, "rbf": RBF_CKA}.get(values.get("kernel", "linear"), "")
    return SVCCA if metric == "svcca" else ""
