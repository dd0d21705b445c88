"""The study of captions: what it measures, that it goes on, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

import mmkernels
from mmalign.analysis.captions import load_caption_results
from mmalign.captions import load_caption_sets
from mmalign.errors import UserError
from mmalign.measure import run as measure_run
from mmalign.measure.treatment import Treatment
from mmalign.study.captions import run as study_run
from mmalign.study.captions import run_caption_study
from mmalign.study.captions.families import family_of
from mmalign.study.captions.inputs import find_language_levels, find_vision_models, level_digest

from .tiny_captions import LEVELS, N, save_layers, write_inputs


@pytest.fixture(scope="module")
def _inputs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("captions")
    return directory, write_inputs(directory)


@pytest.fixture
def study(_inputs, tmp_path):
    directory, study = _inputs
    shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    return replace(
        study,
        captions=tmp_path / "sets.json",
        vision=tmp_path / "vision",
        features=tmp_path / "features",
    )


def clamped(path) -> list[np.ndarray]:
    tensors = load_file(path)
    layers = [tensors[name] for name in sorted(tensors) if name.startswith("layer")]
    return list(Treatment(clamp=0.95).apply(layers))


def test_tables_hold_what_plain_calls_give(study, tmp_path, quiet):
    run_caption_study(study, tmp_path / "out", console=quiet)
    results = load_caption_results(tmp_path / "out")
    assert len(results.alignments) == 3 * 5 * 3
    assert len(results.samples) == 3 * 5 * N
    assert results.families == {"DINOv2": ["dinov2_base", "dinov2_small"], "MAE": ["vit_mae"]}
    sets = load_caption_sets(study.captions)
    for row in results.alignments.itertuples():
        language = study.features / str(row.level) / f"{row.language_model}.safetensors"
        x, y = clamped(language), clamped(study.vision / f"{row.vision_model}.safetensors")
        scores = mmkernels.mutual_knn_matrix(x, y, k=5)
        best = np.unravel_index(np.argmax(scores), scores.shape)
        assert row.alignment == scores[best]
        assert (row.language_layer, row.vision_layer) == tuple(f"layer_{i:03d}" for i in best)
        bits = load_file(language)["bits_per_byte"]
        assert row.bits_per_byte == pytest.approx(bits.mean())
        samples = results.samples[
            (results.samples["level"] == row.level)
            & (results.samples["language_model"] == row.language_model)
        ]
        lists = [mmkernels.knn(side[i], 5).indices for side, i in zip((x, y), best, strict=True)]
        shared = [len(set(a) & set(b)) for a, b in zip(*lists, strict=True)]
        np.testing.assert_array_equal(samples[row.vision_model], shared)
        np.testing.assert_array_equal(samples["bits_per_byte"], bits)
        assert list(samples["characters"]) == [len(text) for text in sets.at(row.level)]
        assert row.chance < row.alignment or row.level == 100
        assert row.layer_pairs == 4


def test_a_study_that_was_stopped_goes_on_to_the_same_bytes(study, tmp_path, quiet, monkeypatch):
    run_caption_study(study, tmp_path / "whole", console=quiet)

    def stop_at_100(models, *rest):
        if models[0].path.parent.name == "100":
            raise KeyboardInterrupt
        measure_run.measure_models(models, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(study_run, "measure_models", stop_at_100)
        with pytest.raises(KeyboardInterrupt, match="same command"):
            run_caption_study(study, tmp_path / "out", console=quiet)
    assert not (tmp_path / "out" / "samples.parquet").exists()
    with pytest.raises(UserError, match=r"is not finished: it has no alignments\.parquet"):
        load_caption_results(tmp_path / "out")
    kept = {
        path: path.stat().st_mtime_ns
        for path in (tmp_path / "out" / "measurements" / "cells").iterdir()
    }
    assert kept
    run_caption_study(study, tmp_path / "out", console=quiet)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    for name in ("alignments", "samples"):
        whole, parts = (tmp_path / each / f"{name}.parquet" for each in ("whole", "out"))
        assert whole.read_bytes() == parts.read_bytes()


def test_another_study_is_refused_in_its_directory(study, tmp_path, quiet):
    run_caption_study(study, tmp_path / "out", console=quiet)
    with pytest.raises(UserError, match="out holds another study: k is 5 there and 4 here"):
        run_caption_study(replace(study, k=4), tmp_path / "out", console=quiet)


def test_folders_name_families(study):
    (study.vision / "mine").mkdir()
    (study.vision / "dinov2_base.safetensors").rename(study.vision / "mine" / "b.safetensors")
    found = find_vision_models(study.vision, N)
    assert [(one.family, one.name) for one in found] == [
        ("mine", "b"),
        ("DINOv2", "dinov2_small"),
        ("MAE", "vit_mae"),
    ]


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("vit_small_patch14_dinov2.lvd142m", "DINOv2"),
        ("vit_tiny_patch16_224.augreg_in21k", "ImageNet-21k"),
        ("vit_base_patch16_224.mae", "MAE"),
        ("vit_base_patch16_clip_224.laion2b", "CLIP"),
        ("vit_base_patch16_clip_224.laion2b_ft_in12k", "CLIP I12k-ft"),
        ("my_maenad", "my_maenad"),
    ],
)
def test_published_families_are_known_by_name(model, family):
    assert family_of(model) == family


def rewrite(path, **changed):
    tensors = {**load_file(path), **changed}
    save_file({name: value for name, value in tensors.items() if value is not None}, path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: shutil.rmtree(s.features / "50"), "50 does not exist; expected the features"),
        (
            lambda s: (s.features / "50" / "model-2.safetensors").unlink(),
            r"50 and .*0 hold different models: model-2",
        ),
        (
            lambda s: rewrite(s.features / "0" / "model-1.safetensors", bits_per_byte=None),
            r"model-1.safetensors has no bits_per_byte; features of a causal language model",
        ),
        (
            lambda s: rewrite(s.features / "0" / "model-1.safetensors", bits_per_byte=np.ones(3)),
            r"bits_per_byte has the shape \(3,\); expected \(60,\)",
        ),
        (
            lambda s: rewrite(
                s.features / "0" / "model-1.safetensors", bits_per_byte=np.full(N, -1.0)
            ),
            "bits_per_byte holds infinite or negative numbers",
        ),
        (
            lambda s: save_layers(
                s.vision / "vit_mae.safetensors", np.ones((9, 2)), 1, np.random.default_rng(0)
            ),
            "has 60 samples and .*vit_mae.safetensors has 9",
        ),
        (
            lambda s: save_layers(
                s.vision / "x" / "short.safetensors", np.ones((9, 2)), 1, np.random.default_rng(0)
            ),
            "short.safetensors has 9 samples; there are 60 captions",
        ),
        (lambda s: shutil.rmtree(s.vision), "vision is not a directory"),
        (
            lambda s: (
                shutil.copytree(s.vision, s.vision.parent / "x")
                and shutil.move(s.vision.parent / "x", s.vision / "x")
            ),
            "holds the vision model dinov2_base more than once",
        ),
    ],
)
def test_inputs_that_do_not_belong_together_are_named(study, tmp_path, quiet, damage, message):
    damage(study)
    with pytest.raises(UserError, match=message):
        run_caption_study(study, tmp_path / "out", console=quiet)
    assert not (tmp_path / "out").exists()


def test_too_few_captions_are_named(study, tmp_path, quiet):
    with pytest.raises(UserError, match="has 60 captions, too few for 60 neighbours"):
        run_caption_study(replace(study, k=60), tmp_path / "out", console=quiet)


def test_levels_of_the_same_captions_are_no_mistake(study):
    sets = load_caption_sets(study.captions)
    sets = replace(sets, captions=(sets.captions[0], sets.captions[1], sets.captions[1]))
    for level in (50, 100):
        path = study.features / str(level) / "model-0.safetensors"
        data = {"name": "x", "sha256": level_digest(sets.at(level)), "n": N}
        meta = {"format": 1, "modality": "text", "data": data}
        save_file(load_file(path), path, metadata={"mmalign": json.dumps(meta)})
    assert [one.level for one in find_language_levels(study.features, sets, (50, 100))] == [50, 100]


def test_features_of_another_level_are_recognised(study, tmp_path):
    sets = load_caption_sets(study.captions)
    path = study.features / "50" / "model-0.safetensors"
    meta = {
        "format": 1,
        "modality": "text",
        "data": {"name": "x", "sha256": level_digest(sets.at(100)), "n": N},
    }
    save_file(load_file(path), path, metadata={"mmalign": json.dumps(meta)})
    with pytest.raises(UserError, match="has the captions at 100%, not those at 50%"):
        find_language_levels(study.features, sets, LEVELS)


def test_captions_too_short_for_bits_are_left_out_of_performance(study, tmp_path, quiet):
    path = study.features / "50" / "model-3.safetensors"
    bits = load_file(path)["bits_per_byte"]
    bits[:4] = np.nan
    rewrite(path, bits_per_byte=bits)
    run_caption_study(study, tmp_path / "out", console=quiet)
    table = pd.read_parquet(tmp_path / "out" / "alignments.parquet")
    own = table[table["level"] == 50].drop_duplicates("language_model")
    assert (own["samples_with_bits"] == N - 4).all()
    first = load_file(study.features / "50" / "model-0.safetensors")["bits_per_byte"]
    assert own["bits_per_byte"].iloc[0] == pytest.approx(first[4:].mean())
