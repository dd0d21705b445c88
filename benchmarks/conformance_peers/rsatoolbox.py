"""rsatoolbox: representational dissimilarity matrices and how to compare them."""

from __future__ import annotations

from .peer import Call, Peer


def compare(x, y, dissimilarity, method):
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm
    from rsatoolbox.rdm import compare as compare_rdms

    rdms = [calc_rdm(Dataset(rows), method=dissimilarity) for rows in (x, y)]
    return compare_rdms(*rdms, method=method)[0, 0]


def call(metric, dissimilarity, method, reasons=None):
    return Call(
        metric,
        f"compare(calc_rdm(..., {dissimilarity!r}), method={method!r})",
        lambda x, y: compare(x, y, dissimilarity, method),
        reasons=reasons or {},
    )


PEER = Peer(
    name="rsatoolbox",
    requirements=("rsatoolbox==0.3.2",),
    calls=(
        call("rsa_correlation_spearman", "correlation", "spearman"),
        call("rsa_correlation_pearson", "correlation", "corr"),
        call("rsa_correlation_kendall", "correlation", "kendall"),
        call("rsa_correlation_cosine", "correlation", "cosine"),
        call("rsa_euclidean_spearman", "euclidean", "spearman"),
        call(
            "rsa_euclidean_pearson",
            "euclidean",
            "corr",
            {
                "*": "its 'euclidean' holds squared distances",
                "constant": "answers 0 where all dissimilarities of a side are equal",
                "rounded_constant": "answers 0 where all dissimilarities of a side are equal",
            },
        ),
    ),
)
