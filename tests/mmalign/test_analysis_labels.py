"""Numbers, metrics and file names in words."""

from __future__ import annotations

import re

import pytest

from mmalign.analysis.labels import decimal, file_slug, metric_label, metric_slug


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.814, 2, ".81"),
        (-0.2, 2, "−.20"),
        (1.0, 2, "1.00"),
        (-1.0, 2, "−1.00"),
        (0.999, 2, "1.00"),
        (0.004, 2, ".004"),
        (-0.0004, 2, "−.0004"),
        (0.0, 3, "0"),
        (1e-12, 2, ".00"),
        (12.5, 1, "12.5"),
        (float("nan"), 2, "–"),
        (None, 2, "–"),
    ],
)
def test_decimals(value, digits, text):
    assert decimal(value, digits) == text


@pytest.mark.parametrize(
    ("metric", "options", "label", "slug"),
    [
        (
            "mutual_knn",
            '{"k":5,"metric":"cosine"}',
            "mutual nearest neighbours (k = 5)",
            "mutual_knn-k5-cosine",
        ),
        (
            "mutual_knn",
            '{"k":5,"metric":"l2"}',
            "mutual nearest neighbours (k = 5, l2)",
            "mutual_knn-k5-l2",
        ),
        (
            "cka",
            '{"kernel":"linear","sigma":null,"unbiased":true}',
            "linear CKA (unbiased)",
            "cka-linear-unbiased",
        ),
        (
            "cka",
            '{"kernel":"linear","sigma":null,"unbiased":false}',
            "linear CKA (biased)",
            "cka-linear",
        ),
        (
            "cka",
            '{"kernel":"rbf","sigma":"median","unbiased":true}',
            "RBF CKA (unbiased, median bandwidth)",
            "cka-rbf-median-unbiased",
        ),
        (
            "cka",
            '{"kernel":"rbf","sigma":0.5,"unbiased":true}',
            "RBF CKA (unbiased, bandwidth 0.5)",
            "cka-rbf-sigma0.5-unbiased",
        ),
        (
            "cka",
            '{"clamp":0.95,"kernel":"linear","samples":4096,"unbiased":true,"unit_rows":true}',
            "linear CKA (unbiased, first 4096 samples, clamped at the .95 quantile, rows of length "
            "1)",
            "cka-clamp0.95-linear-samples4096-unbiase-48d734b2",
        ),
        ("new", '{"p":2,"q":null}', "new (p = 2)", "new-p2"),
        ("new", "", "new", "new"),
        ("../a b", "{}", "../a b", "..-a-b-2c2c791a"),
    ],
)
def test_metrics_in_words_and_as_file_names(metric, options, label, slug):
    assert metric_label(metric, options).replace("\u00a0", " ") == label
    assert metric_slug(metric, options) == slug


def test_an_axis_leaves_out_what_is_done_beforehand():
    options = '{"clamp":0.95,"k":5,"samples":4096,"unit_rows":true}'
    brief = metric_label("mutual_knn", options, brief=True)
    assert brief == metric_label("mutual_knn", '{"k":5}')


def test_file_names_are_short_and_differ_where_names_differ():
    assert file_slug("image") == "image"
    names = ["Image", "image ", "bild é", "bild è", "x" * 300, "x" * 299, "", "/etc/passwd"]
    slugs = [file_slug(name) for name in names]
    assert len({*slugs, "image"}) == len(names) + 1
    assert all(re.fullmatch(r"[a-z0-9._-]{0,60}", slug) for slug in slugs)
