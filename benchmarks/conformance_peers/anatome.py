"""anatome: distances of layers; here, its functions of two feature matrices.

The module imports torchvision to look inside models, which is not needed here: we stand in.
"""

from __future__ import annotations

import sys
from types import ModuleType

from .peer import Call, Peer, options_text, tensors
from .reasons import NOISE, OVERFLOW


def distance(name, x, y, **options):
    features = ModuleType("torchvision.models.feature_extraction")
    features.create_feature_extractor = features.get_graph_node_names = None
    for module in ("torchvision", "torchvision.models"):
        sys.modules.setdefault(module, ModuleType(module))
    sys.modules.setdefault(features.__name__, features)
    from anatome import distance

    return getattr(distance, name)(*tensors(x, y), **options).item()


def call(metric, name, reasons=None, **options):
    return Call(
        metric,
        f"1 - {name}(x, y{options_text(options)})",
        lambda x, y: 1 - distance(name, x, y, **options),
        reasons=reasons or {},
    )


CONSTANT = {"rounded_constant": NOISE, "half": OVERFLOW}

PEER = Peer(
    name="anatome",
    checkout="https://github.com/moskomule/anatome",
    remark="an empty stand-in for torchvision.models.feature_extraction",
    calls=(
        call("cka_linear_biased", "linear_cka_distance", CONSTANT, reduce_bias=False),
        call(
            "cka_linear_unbiased",
            "linear_cka_distance",
            {**CONSTANT, "wide": "float32 sums over 8192 x 8192 products cancel, below a root"},
            reduce_bias=True,
        ),
        call("procrustes", "orthogonal_procrustes_distance", {"rounded_constant": NOISE}),
        call(
            "svcca_variance",
            "svcca_distance",
            {"ordinary": "cuts at 99 % of the sum of singular values, before it centres"},
            accept_rate=0.99,
            backend="svd",
        ),
        call(
            "pwcca",
            "pwcca_distance",
            {"ordinary": "makes the coefficients orthonormal, not the canonical variates"},
            backend="svd",
        ),
    ),
)
