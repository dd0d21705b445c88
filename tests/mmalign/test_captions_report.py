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
from mmalign.analysis.labels import decimal
from mmalign.captions import load_caption_sets
from mmalign.cli import main
from mmalign.errors import UserError
from mmalign.report.captions import write_caption_report
from mmalign.report.captions.answers import headline, notes
from mmalign.report.captions.figures import uniqueness_panels

from .command_line import run
from .test_captions_analysis import confounded
from .tiny_captions import save_layers
from .tiny_models import SENTENCES, save_language_model

EVIL = "<b onclick=alert(1)>"


@pytest.fixture(scope="module")
def commanded(tmp_path_factory):
    """Captions, small models and a finished study, all made by command."""
    place = tmp_path_factory.mktemp("captions-report")
    captions = [f"{first} and {second}" for first in SENTENCES[:4] for second in SENTENCES[:4]]
    (place / "captions.txt").write_text("\n".join(captions) + "\n")
    command = ["data", "captions", f"{place}/captions.txt", "--perturb", "replace"]
    assert main([*command, "--levels", "0-100/50", "--out", f"{place}/sets.json"]) == 0
    generator = np.random.default_rng(0)
    for name in ("one-mae", EVIL):
        path = place / "vision" / "mae" / f"{name}.safetensors"
        save_layers(path, generator.normal(size=(16, 4)), 0.1, generator)
    for kind, name in (("gpt2", EVIL), ("llama", "llama")):
        save_language_model(place / name, kind)
    assert main(study_command(place)) == 0
    return place


def study_command(place: Path) -> list[str]:
    command = ["study", "captions", f"{place}/sets.json", "--vision", f"{place}/vision"]
    command += ["--language-model", f"{place}/{EVIL}", "--language-model", f"{place}/llama"]
    return [*command, "--k", "3", "--out", f"{place}/out"]


@pytest.fixture
def finished(commanded, tmp_path):
    return shutil.copytree(commanded / "out", tmp_path / "out")


def test_the_commands_end_in_tables_of_what_was_extracted(commanded):
    sets = load_caption_sets(commanded / "sets.json")
    assert sets.levels == (0, 50, 100)
    assert list(sets.captions[0]) == (commanded / "captions.txt").read_text().splitlines()
    table = pd.read_parquet(commanded / "out" / "alignments.parquet")
    assert len(table) == 3 * 2 * 2
    features = load_file(commanded / "out" / "features" / "50" / "llama.safetensors")
    own = table[(table["level"] == 50) & (table["language_model"] == "llama")]
    np.testing.assert_allclose(own["bits_per_byte"], features["bits_per_byte"].mean())


def test_the_report_shows_the_statistics(commanded):
    page = (commanded / "out" / "report.html").read_text(encoding="utf-8")
    table = pd.read_parquet(commanded / "out" / "statistics.parquet")
    assert list(table.columns) == list(COLUMNS)
    rows = table[(table["question"] == "overlap_uniqueness") & (table["vision_model"] == "")]
    assert len(rows) == 2
    for _, row in rows.iterrows():
        assert decimal(row["value"], 3) in page
        assert f"{decimal(row['low'], 3)} to {decimal(row['high'], 3)}" in page
    assert "only 2 language models, at least 4 are needed" in page
    assert page.count("data:image/svg+xml") == 3 + 2
    assert len(list((commanded / "out" / "figures").glob("*.png"))) == 5
    assert "http" not in page.replace("http-equiv", "")
    assert "Open circles" not in page
    # Names of models are text, whatever is in them.
    assert EVIL not in page
    assert EVIL in unescape(page)


def test_the_command_writes_the_same_report_again(finished, capsys):
    first = (finished / "report.html").read_bytes()
    (finished / "report.html").unlink()
    code, output, _ = run(capsys, "report", str(finished))
    assert (code, output.strip()) == (0, str(finished / "report.html"))
    assert (finished / "report.html").read_bytes() == first
    code, _, errors = run(capsys, "report", str(finished), "--data", "x")
    assert code == 2
    assert "holds a captions one" in errors


def test_a_second_run_extracts_and_measures_nothing(commanded, capsys, monkeypatch):
    monkeypatch.setattr("mmalign.report.captions.write_caption_report", lambda directory: "again")
    files = [path for path in (commanded / "out").rglob("*.safetensors")]
    before = {path: path.stat().st_mtime_ns for path in files}
    code, output, errors = run(capsys, *study_command(commanded))
    assert (code, output.strip()) == (0, "again"), errors
    assert len(before) > 6
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    code, _, errors = run(capsys, *study_command(commanded), "--no-resume")
    assert code == 2
    assert "out already holds a study" in errors


def test_features_must_be_there_or_be_asked_for(commanded, tmp_path, capsys):
    command = study_command(commanded)
    place = command.index("--language-model")
    command = [*command[:place], "--out", str(tmp_path / "new")]
    code, _, errors = run(capsys, *command)
    assert code == 2
    assert "Give --features, or --language-model" in errors


def test_the_headline_counts_families_with_a_direction(tmp_path):
    results = confounded(tmp_path)
    table = caption_statistics(results, resamples=400)
    told = headline(table)
    assert "Best alignment and U: falls in 1 of 1 families; Spearman −" in told
    assert "no clear direction in any of 1 families; change" in told
    told = notes(results, table)
    assert "no clear direction in any of 3 families and levels" in told[1]
    assert not any("12 language models" in note for note in told)


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
