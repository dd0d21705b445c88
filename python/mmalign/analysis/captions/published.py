"""The numbers of arXiv 2502.16282 on pictures and captions, as far as printed or legible.

1,024 pictures and captions of WIT, 17 vision transformers of five families, 12 language models;
mutual nearest neighbours, k = 10, best pair of layers.
"""

from __future__ import annotations

SAMPLES = 1024
K = 10

# Family: Spearman's rho of alignment and U = 10, 20, ..., 100 over language models, averaged over
# sizes of the vision model (figures 5 and 17). Printed.
ALIGNMENT_UNIQUENESS = {
    "DINOv2": -0.950,
    "ImageNet-21k": -0.958,
    "CLIP": -0.953,
    "CLIP I12k-ft": -0.952,
    "MAE": -0.947,
}

# U: (highest, lowest) alignment of DINOv2 with any language model (figure 5). Digitised.
DINOV2_RANGE = {
    10: (0.159, 0.106),
    20: (0.147, 0.101),
    30: (0.143, 0.096),
    40: (0.126, 0.092),
    50: (0.111, 0.084),
    60: (0.110, 0.079),
    70: (0.097, 0.074),
    80: (0.095, 0.074),
    90: (0.080, 0.068),
    100: (0.062, 0.051),
}

# Family: U: (slope, Spearman's rho) of alignment against performance, averaged over sizes of the
# vision model (figures 8 and 18). Printed.
ALIGNMENT_PERFORMANCE = {
    "DINOv2": {
        10: (0.112, 0.852),
        30: (0.108, 0.951),
        50: (0.071, 0.900),
        70: (0.065, 0.800),
        90: (0.024, 0.612),
    },
    "ImageNet-21k": {
        10: (0.079, 0.899),
        30: (0.081, 0.974),
        50: (0.055, 0.956),
        70: (0.050, 0.794),
        90: (0.015, 0.503),
    },
    "CLIP": {
        10: (0.118, 0.802),
        30: (0.114, 0.893),
        50: (0.102, 0.860),
        70: (0.081, 0.800),
        90: (0.028, 0.690),
    },
    "CLIP I12k-ft": {
        10: (0.108, 0.875),
        30: (0.106, 0.971),
        50: (0.080, 0.923),
        70: (0.067, 0.892),
        90: (0.023, 0.517),
    },
    "MAE": {
        10: (0.037, 0.849),
        30: (0.042, 0.946),
        50: (0.027, 0.934),
        70: (0.032, 0.869),
        90: (0.008, 0.134),
    },
}
