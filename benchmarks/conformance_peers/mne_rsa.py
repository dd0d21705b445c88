"""mne-rsa: the comparison of two dissimilarity matrices."""

from __future__ import annotations

from .peer import Call, Peer


def compare(x, y, distance, metric):
    from mne_rsa import compute_rdm, rsa

    return rsa(*(compute_rdm(rows, metric=distance) for rows in (x, y)), metric=metric)


def call(metric, distance, comparison, reasons=None):
    return Call(
        metric,
        f"rsa(compute_rdm(x, {distance!r}), ..., metric={comparison!r})",
        lambda x, y: compare(x, y, distance, comparison),
        computes_in="float64",
        reasons=reasons or {},
    )


PEER = Peer(
    name="mne-rsa",
    requirements=("mne-rsa==1.0", "mne==1.13.2", "nibabel==5.4.2", "tqdm==4.70.1"),
    with_dependencies=False,
    calls=(
        call("rsa_correlation_spearman", "correlation", "spearman"),
        call("rsa_correlation_pearson", "correlation", "pearson"),
        call("rsa_correlation_kendall", "correlation", "kendall-tau-a"),
        call("rsa_euclidean_spearman", "euclidean", "spearman"),
        call("rsa_euclidean_pearson", "euclidean", "pearson"),
    ),
)
