"""The report of captions, and the commands that lead to it, with small models of real kinds."""

from __future__ import annotations

import json
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from mmalign.analysis.captions import caption_statistics
from mmalign.analysis.captions.statistics import COLUMNS
from mmalign.captions import load_caption_sets
from mmalign.errors import UserError
from mmalign.report.captions import write_caption_report
from mmalign.report.captions.figures import uniqueness_panels
from mmalign.study.captions import run_caption_study

from .command_line import run
from .test_captions_analysis import confounded
from .tiny_captions import save_layers, write_inputs
from .tiny_models import SENTENCES, save_language_model

EVIL = "<b onclick=alert(1)>"


@pytest.fixture(scope="module")
def _finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("captions-report")
    run_caption_study(write_inputs(directory), directory / "out")
    write_caption_report(directory / "out")
    return directory / "out"


@pytest.fixture
def finished(_finished, tmp_path):
    return shutil.copytree(_finished, tmp_path / "out")


def test_the_report_shows_the_statistics(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    table = pd.read_parquet(finished / "statistics.parquet")
    assert list(table.columns) == list(COLUMNS)
    rows = table[(table["question"] == "alignment_uniqueness") & (table["vision_model"] == "")]
    for value in rows[rows["statistic"] == "spearman"]["value"]:
        assert f"−{-value:.2f}".replace("0.", ".") in page
    assert "falls in 2 of 2 families" in page
    assert page.count("data:image/svg+xml") == 3 * 2 + 2
    assert len(list((finished / "figures").glob("*.png"))) == 8
    assert "http" not in page.replace("http-equiv", "")
    assert "Open circles" not in page


def test_the_command_writes_the_same_report_again(finished, capsys):
    first = (finished / "report.html").read_bytes()
    (finished / "report.html").unlink()
    code, output, _ = run(capsys, "report", str(finished))
    assert (code, output.strip()) == (0, str(finished / "report.html"))
    assert (finished / "report.html").read_bytes() == first
    code, _, errors = run(capsys, "report", str(finished), "--data", "x")
    assert code == 2
    assert "holds a captions one" in errors


def test_published_values_are_drawn_beside_the_published_setting(tmp_path):
    drawn = []
    for n in (1024, 1000):
        results = confounded(tmp_path, n=n)
        table = caption_statistics(results, resamples=20)
        drawn += [len(panel.svg) for panel in uniqueness_panels(results, table)]
    assert drawn[0] > drawn[1] + 1000


def test_what_is_missing_or_damaged_is_named(finished, tmp_path, capsys):
    with pytest.raises(UserError, match=r"study\.json does not exist"):
        write_caption_report(tmp_path)
    (finished / "samples.parquet").write_bytes(b"PAR1")
    assert run(capsys, "report", str(finished))[0] == 2
    with pytest.raises(UserError, match=r"samples\.parquet is damaged"):
        write_caption_report(finished)


def test_from_a_text_file_to_a_report(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    captions = [f"{first} and {second}" for first in SENTENCES[:4] for second in SENTENCES[:4]]
    (tmp_path / "captions.txt").write_text("\n".join(captions) + "\n")
    command = ["data", "captions", "captions.txt", "--perturb", "replace", "--levels", "0-100/50"]
    code, output, _ = run(capsys, *command, "--out", "sets.json")
    assert (code, output.strip()) == (0, "sets.json")
    sets = load_caption_sets("sets.json")
    assert sets.captions[0] == tuple(captions)
    generator = np.random.default_rng(0)
    meaning = generator.normal(size=(16, 4))
    for name in ("one-mae", EVIL):
        save_layers(tmp_path / "vision" / "mae" / f"{name}.safetensors", meaning, 0.1, generator)
    study = ["study", "captions", "sets.json", "--vision", "vision", "--k", "3", "--out", "out"]
    code, _, errors = run(capsys, *study)
    assert code == 2
    assert "Give --features, or --language-model" in errors
    for kind, name in (("gpt2", EVIL), ("llama", "llama")):
        save_language_model(tmp_path / name, kind)
        study += ["--language-model", name]
    code, output, errors = run(capsys, *study)
    assert (code, output.strip()) == (0, "out/report.html"), errors
    table = pd.read_parquet("out/alignments.parquet")
    assert len(table) == 3 * 2 * 2
    features = load_file("out/features/50/llama.safetensors")
    own = table[(table["level"] == 50) & (table["language_model"] == "llama")]
    np.testing.assert_allclose(own["bits_per_byte"], features["bits_per_byte"].mean())
    page = Path("out/report.html").read_text(encoding="utf-8")
    assert EVIL not in page
    assert EVIL in unescape(page)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "features").rglob("*")}
    monkeypatch.setattr("mmalign.report.captions.write_caption_report", lambda directory: "again")
    code, output, errors = run(capsys, *study)
    assert (code, output.strip()) == (0, "again"), errors
    assert all(path.stat().st_mtime_ns == time for path, time in before.items() if path.is_file())
    code, _, errors = run(capsys, *study, "--no-resume")
    assert code == 2
    assert "out already holds a study" in errors


def test_similarities_come_from_a_sentence_encoder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_language_model(tmp_path / "encoder", "bert")
    rows = [{"text": text, "id": number} for number, text in enumerate(SENTENCES)]
    (tmp_path / "captions.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    command = ["data", "captions", "captions.jsonl", "--perturb", "delete", "--unit", "character"]
    command += ["--encoder", "encoder", "--levels", "0,40,100", "--out", "sets.json"]
    code, _, errors = run(capsys, *command)
    assert code == 0, errors
    found = load_caption_sets("sets.json")
    assert found.similarities.shape == (2, len(SENTENCES))
    assert (found.similarities <= 1 + 1e-6).all()
    same = np.array(found.captions[1]) == np.array(SENTENCES)
    assert (found.similarities[0][~same] < 1).any()
    np.testing.assert_allclose(found.similarities[0][same], 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--perturb", "shuffle"), "perturb must be one of delete, replace, permute"),
        (("--perturb", "delete", "--levels", "0-x"), "'0-x' is not a list of percentages"),
        (("--perturb", "delete", "--levels", "10-20/5"), "levels are 10, 15, 20; expected"),
        (("--perturb", "delete", "--levels", "0-100/0"), "levels are 0; expected"),
        (("--perturb", "delete", "--column", "text"), "has a text a line"),
    ],
)
def test_wrong_options_are_named(tmp_path, capsys, options, message):
    path = tmp_path / "captions.txt"
    path.write_text("a b c\nd e f\n")
    out = str(tmp_path / "sets.json")
    code, _, errors = run(capsys, "data", "captions", str(path), *options, "--out", out)
    assert code == 2
    assert message in errors
    assert not (tmp_path / "sets.json").exists()


def test_blank_and_broken_captions_are_named(tmp_path, capsys):
    path = tmp_path / "captions.txt"
    command = ["data", "captions", str(path), "--perturb", "delete", "--out", str(tmp_path / "x")]
    for content, message in [
        (b"a b\n \nc\n", "caption 2 of 3 is blank"),
        (b"a \xff b\n", "not UTF-8"),
        (b"", "holds no texts"),
    ]:
        path.write_bytes(content)
        code, _, errors = run(capsys, *command)
        assert code == 2
        assert message in errors
