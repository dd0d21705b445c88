"""Changing captions by degrees: how much, what is nested, and what a character is."""

from __future__ import annotations

from collections import Counter

import pytest

from mmalign.captions import PERTURBATIONS, UNITS, perturb_captions
from mmalign.errors import UserError

LEVELS = tuple(range(0, 101, 10))
CAPTIONS = [
    "A bridge over the river Spree in Berlin",
    "  Two  dogs\tplay in the snow\n",
    "Café at night",
    "one",
]
FAMILY, FLAG, ACCENTED = "👨\u200d👩\u200d👧", "🇩🇪", "e\u0301"


def changed(perturb, unit, captions=CAPTIONS, levels=LEVELS, seed=0):
    return perturb_captions(captions, levels, perturb=perturb, unit=unit, seed=seed).captions


def is_subsequence(short, long) -> bool:
    rest = iter(long)
    return all(item in rest for item in short)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("perturb", PERTURBATIONS)
def test_the_same_arguments_give_the_same_captions(perturb, unit):
    found = changed(perturb, unit)
    assert found == changed(perturb, unit)
    assert found != changed(perturb, unit, seed=1)
    assert found[0] == tuple(CAPTIONS)
    assert changed(perturb, unit, levels=(0, 70))[1] == found[7]
    same_row = changed(perturb, unit, captions=[CAPTIONS[0], *CAPTIONS[1:][::-1]])
    if perturb != "replace":
        assert [level[0] for level in same_row] == [level[0] for level in found]


def test_what_a_seed_gives_is_known():
    assert changed("delete", "word", levels=(0, 50))[1][0] == "A bridge the Berlin"
    moved = "A bridge in the Spree over river Berlin"
    assert changed("permute", "word", levels=(0, 50))[1][0] == moved


@pytest.mark.parametrize("unit", UNITS)
def test_deletion_is_nested_and_never_complete(unit):
    for row, caption in enumerate(CAPTIONS):
        units = caption.split() if unit == "word" else list("".join(caption.split()))
        before = None
        for level, captions in zip(LEVELS, changed("delete", unit), strict=True):
            left = captions[row].split() if unit == "word" else list("".join(captions[row].split()))
            gone = (len(units) * level + 50) // 100
            assert len(left) == max(len(units) - gone, 1)
            assert is_subsequence(left, units if before is None else before)
            before = left
            if level:
                assert captions[row] == " ".join(captions[row].split())


@pytest.mark.parametrize("unit", UNITS)
def test_replacement_keeps_what_it_replaced(unit):
    words = {word for caption in CAPTIONS for word in caption.split()}
    for row, caption in enumerate(CAPTIONS):
        split = str.split if unit == "word" else list
        before = split(caption)
        replaced: set[int] = set()
        for level, captions in zip(LEVELS, changed("replace", unit), strict=True):
            now = split(captions[row])
            assert len(now) == len(before)
            differ = {
                i for i, pair in enumerate(zip(now, before, strict=True)) if pair[0] != pair[1]
            }
            assert not differ & replaced
            replaced |= differ
            units = split(caption) if unit == "word" else [c for c in caption if not c.isspace()]
            assert len(replaced) == (len(units) * level + 50) // 100
            for place in differ:
                assert now[place] in words if unit == "word" else now[place].isascii()
            before = now


@pytest.mark.parametrize("unit", UNITS)
def test_permutation_moves_exactly_the_share_and_loses_nothing(unit):
    letters = ["abcdefghij", "a b c d e f g h i j", "x\ty z"]
    for row, caption in enumerate(letters):
        units = caption.split() if unit == "word" else list("".join(caption.split()))
        before: set[int] = set()
        for level, captions in zip(LEVELS, changed("permute", unit, letters), strict=True):
            now = captions[row].split() if unit == "word" else list("".join(captions[row].split()))
            assert Counter(now) == Counter(units)
            moved = {i for i, pair in enumerate(zip(now, units, strict=True)) if pair[0] != pair[1]}
            expected = (len(units) * level + 50) // 100
            assert len(moved) == (expected if expected > 1 else 0)
            assert before <= moved
            before = moved
            spaces = [c for c in captions[row] if c.isspace()]
            assert spaces == [c for c in caption if c.isspace()]


def test_what_a_reader_sees_as_one_character_stays_whole():
    captions = [f"{FAMILY}{FLAG}{ACCENTED}नि", "ab cd"]
    clusters = {FAMILY, FLAG, ACCENTED, "नि"}
    deleted = changed("delete", "character", captions, (0, 25, 50, 75))
    assert [sum(cluster in text for cluster in clusters) for text, _ in deleted] == [4, 3, 2, 1]
    assert deleted[3][0] in clusters
    moved = changed("permute", "character", captions, (0, 100))[1][0]
    assert moved != captions[0]
    assert all(cluster in moved for cluster in clusters)
    replaced = changed("replace", "character", captions, (0, 100))[1][0]
    assert len(replaced) == 4
    assert replaced.isascii()


def test_frequent_words_replace_more_often():
    captions = ["x y"] + ["often"] * 300 + ["rare"] * 100
    new = Counter(changed("replace", "word", captions, (0, 100))[1][301:])
    assert new["rare"] == 0
    assert new["often"] >= 95


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"perturb": "shuffle"}, "perturb must be one of delete, replace, permute, got 'shuffle'"),
        ({"unit": "line"}, "unit must be one of word, character, got 'line'"),
        ({"levels": (10, 20)}, "levels are 10, 20; expected percentages that rise from 0"),
        ({"levels": (0,)}, "levels are 0; expected"),
        ({"levels": (0, 20, 20)}, "levels are 0, 20, 20; expected"),
        ({"levels": (0, 101)}, "levels are 0, 101; expected"),
        ({"captions": []}, "There are no captions to perturb"),
        ({"captions": ["a b", " \n"]}, "Caption 1 is blank"),
        ({"captions": ["a a", "a"], "perturb": "replace"}, "All words of the captions are 'a'"),
    ],
)
def test_what_cannot_be_perturbed_is_named(options, message):
    with pytest.raises(UserError, match=message):
        changed(**{"perturb": "delete", "unit": "word", **options})
