"""Caption sets: the published layout in and out, and every way in which a file can be wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mmalign.captions import CaptionSets, load_caption_sets, write_caption_sets
from mmalign.captions import sets as sets_module
from mmalign.errors import UserError


def published(n: int = 3, levels: int = 3) -> list:
    """The layout of the published file: ten changed captions, then the original."""
    content = []
    for i in range(n):
        sentences = {f"Caption {k} - {10 * k}%": f"text {i} at {10 * k}" for k in range(1, levels)}
        sentences["Caption 0 - 0%"] = f"text {i}"
        similarities = [0.9 - 0.1 * k + 0.01 * i for k in range(levels - 1)]
        content.append({f"Index - {i}": {"sentences": sentences, "similarities": similarities}})
    return content


@pytest.fixture
def load(tmp_path):
    def write_and_load(content):
        path = tmp_path / "sets.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return load_caption_sets(path)

    return write_and_load


def test_the_published_layout_is_read(load):
    found = load(published(n=4, levels=11))
    assert found.levels == tuple(range(0, 101, 10))
    assert found.n == 4
    assert found.captions[0] == ("text 0", "text 1", "text 2", "text 3")
    assert found.at(30)[2] == "text 2 at 30"
    assert found.lengths[3].tolist() == [12] * 4
    assert found.similarities.shape == (10, 4)
    np.testing.assert_allclose(found.similarities[1], [0.8, 0.81, 0.82, 0.83])
    with pytest.raises(UserError, match="There are no captions at 35%; the levels are 0, 10"):
        found.at(35)


def test_samples_may_count_from_one(load):
    content = [{f"Index - {i + 1}": entry[f"Index - {i}"]} for i, entry in enumerate(published())]
    assert load(content).captions[0] == ("text 0", "text 1", "text 2")


def test_what_is_written_is_read_again(tmp_path):
    captions = (("Café 👨\u200d👩\u200d👧", 'say "no"'), ("Cafè\n", "é"))
    for similarities in (None, np.array([[0.5, -0.25]])):
        path = tmp_path / "out" / "sets.json"
        write_caption_sets(path, CaptionSets((0, 35), captions, similarities))
        found = load_caption_sets(path)
        assert (found.levels, found.captions) == ((0, 35), captions)
        if similarities is None:
            assert found.similarities is None
        else:
            np.testing.assert_array_equal(found.similarities, similarities)
    assert "Café" in path.read_text(encoding="utf-8")


def change(content: list, row: int, **parts) -> list:
    content[row][f"Index - {row}"].update(parts)
    return content


def sentence(row: int, name: str, text) -> list:
    content = published()
    content[row][f"Index - {row}"]["sentences"][name] = text
    return content


def without(row: int, name: str) -> list:
    content = published()
    del content[row][f"Index - {row}"]["sentences"][name]
    return content


NAN = json.dumps(published()).replace("0.91", "NaN", 1)
TWICE = json.dumps(published()).replace("Caption 2 - 20%", "Caption 1 - 10%", 1)
WRONG = [
    ("{", "is not valid JSON"),
    ("[" * 100_000, "nested too deeply|not valid JSON"),
    ("[" + "9" * 5000 + "]", "is not valid JSON|not an object"),
    ({}, "is not a list of caption sets"),
    ([], "is not a list of caption sets"),
    ([3], "sample 0 is not an object"),
    ([{"Index - 0": {}, "Index - 1": {}}], "sample 0 is not an object"),
    ([{"index 0": {}}], "sample 0 is not an object"),
    ([{"Index - 0": []}], "sample 0 is not an object"),
    ([{"Index - 0": {}}], "Index - 0 has no sentences"),
    (published()[2:], "begins with Index - 2; expected 0 or 1"),
    (published()[::2], "sample 1 is Index - 2; expected 1"),
    (published()[:2] + published()[1:2], "sample 2 is Index - 1; expected 2"),
    (TWICE, "'Caption 1 - 10%' stands twice in one object"),
    (sentence(0, "Caption 1 - 50%", "x"), "Index - 0 has caption 1 twice"),
    (
        sentence(0, "Caption 3 - 15%", "x"),
        "caption 3 is changed by 15% and the one before it by 20",
    ),
    (
        sentence(0, "Caption 3 - 20%", "x"),
        "caption 3 is changed by 20% and the one before it by 20",
    ),
    (sentence(0, "Caption 3 - 120%", "x"), "has 'Caption 3 - 120%' among its sentences"),
    (sentence(0, "Note", "x"), "has 'Note' among its sentences; expected Caption k - P%"),
    (sentence(1, "Caption 3 - 30%", "x"), "Index - 1 has 'Caption 3 - 30%', unlike the samples"),
    (without(0, "Caption 0 - 0%"), "Index - 0 lacks caption 0 of 2"),
    (without(0, "Caption 1 - 10%"), "Index - 0 lacks caption 1 of 2"),
    (without(2, "Caption 2 - 20%"), "Index - 2 lacks 'Caption 2 - 20%', unlike"),
    (change(published(), 0, sentences={}), "lacks its original, Caption 0 - 0%"),
    (sentence(1, "Caption 1 - 10%", 7), "Index - 1: Caption 1 - 10% is a int; expected a text"),
    (sentence(1, "Caption 1 - 10%", None), "Caption 1 - 10% is a NoneType; expected a text"),
    (sentence(1, "Caption 1 - 10%", " \t"), "Index - 1: Caption 1 - 10% is blank"),
    (sentence(1, "Caption 1 - 10%", "\ud83d"), "holds half a character"),
    (NAN, "Index - 1 has the similarity nan; expected a cosine"),
    (change(published(), 1, similarities=[0.5, 1.5]), "Index - 1 has the similarity 1.5"),
    (change(published(), 1, similarities=[0.5, "1"]), "Index - 1 has the similarity '1'"),
    (change(published(), 1, similarities=[0.5, True]), "Index - 1 has the similarity True"),
    (change(published(), 1, similarities=[0.5]), "Index - 1: similarities are 1; expected 2"),
    (change(published(), 1, similarities={}), "Index - 1: similarities are dict; expected 2"),
    (change(published(), 1, similarities=[]), "Index - 1 has no similarities, others do"),
]


@pytest.mark.parametrize(("content", "message"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named(load, content, message):
    with pytest.raises(UserError, match=message) as caught:
        load(content)
    assert "sets.json" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"missing.json does not exist"):
        load_caption_sets(tmp_path / "missing.json")
    with pytest.raises(UserError, match="is a directory; expected a file"):
        load_caption_sets(tmp_path)
    path = tmp_path / "sets.json"
    path.write_bytes(b'["\xff"]')
    with pytest.raises(UserError, match="is not valid JSON"):
        load_caption_sets(path)
    path.write_text(json.dumps(published()))
    monkeypatch.setattr(sets_module, "_LARGEST_FILE", 100)
    with pytest.raises(UserError, match=r"sets.json has \d+ bytes; caption sets have at most 100"):
        load_caption_sets(path)


def test_the_examples_of_the_page(load):
    page = (Path(__file__).parents[2] / "docs" / "captions.md").read_text(encoding="utf-8")
    (sets,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert load(sets).levels == (0, 50)
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    variables: dict = {}
    exec(program, variables)
    assert variables["sets"].levels == (0, 40, 80)
