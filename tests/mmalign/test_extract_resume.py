"""A run that is stopped anywhere goes on to the same bytes; nothing half-written is seen."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers as hf

from mmalign.errors import UserError
from mmalign.extract import run

from .extracting import extract, header_of, layers_of, write_texts
from .tiny_models import SENTENCES, save_language_model

SCRIPT = Path(__file__).with_name("interrupted_extraction.py")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_language_model(tmp_path_factory.mktemp("models") / "gpt2", "gpt2")


@pytest.fixture
def texts(tmp_path):
    return write_texts(tmp_path / "texts.txt", SENTENCES * 6)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Several batches, each journalled at once."""
    monkeypatch.setattr(run, "token_budget", lambda *settings: 24)
    monkeypatch.setattr("mmalign.extract.partial._COMMIT_SECONDS", 0.0)


class Stop(Exception):
    pass


def stop_after(monkeypatch, batches: int, error: BaseException) -> None:
    take, taken = run.next_batch, []

    def counted(*arguments, **options):
        taken.append(1)
        if len(taken) > batches:
            raise error
        return take(*arguments, **options)

    monkeypatch.setattr(run, "next_batch", counted)


def stopped(monkeypatch, model, texts, out, batches=3, error=None):
    with monkeypatch.context() as patch:
        stop_after(patch, batches, error or Stop())
        with pytest.raises(Stop):
            extract(model, texts, out)


def test_killed_process_goes_on_to_the_same_bytes(model, texts, tmp_path, quiet):
    whole = extract(model, texts, tmp_path / "whole.safetensors")
    out = tmp_path / "killed.safetensors"
    journal = tmp_path / ".killed.safetensors.journal"

    process = subprocess.Popen(
        [sys.executable, SCRIPT, model, texts, out], stderr=subprocess.PIPE, text=True
    )
    for _ in range(4800):
        if journal.exists() and journal.read_bytes().count(b"\n") >= 4:
            break
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    process.stderr.close()
    assert not out.exists()
    done = journal.read_bytes().count(b"\n") - 1
    assert 3 <= done < 10

    extract(model, texts, out, console=quiet)
    assert "Going on after" in quiet.file.getvalue()
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "killed.safetensors",
        "texts.txt",
        "whole.safetensors",
    ]


@pytest.mark.parametrize("batches", [0, 1, 5])
def test_stopped_run_goes_on_to_the_same_bytes(model, texts, tmp_path, monkeypatch, quiet, batches):
    whole = extract(model, texts, tmp_path / "whole.safetensors")
    out = tmp_path / "out.safetensors"
    stopped(monkeypatch, model, texts, out, batches)
    assert not out.exists()
    calls = []
    take = run.next_batch
    monkeypatch.setattr(run, "next_batch", lambda *a, **k: calls.append(1) or take(*a, **k))
    extract(model, texts, out, console=quiet)
    total = len(calls) + batches
    assert out.read_bytes() == whole.read_bytes()
    assert ("Going on after" in quiet.file.getvalue()) == (batches > 0)
    calls.clear()
    extract(model, texts, tmp_path / "again.safetensors")
    assert len(calls) == total


def test_interrupt_says_what_is_kept(model, texts, tmp_path, monkeypatch):
    stop_after(monkeypatch, 2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt, match=r"Stopped\. \d+ of 42 samples are kept; the same"):
        extract(model, texts, tmp_path / "out")


def damage_rows(partial: Path, journal: Path) -> None:
    content = bytearray(partial.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    partial.write_bytes(content)


def tear_journal(partial: Path, journal: Path) -> None:
    journal.write_bytes(journal.read_bytes()[:-30])


def forge_rows(partial: Path, journal: Path) -> None:
    lines = journal.read_text().splitlines()
    lines[2] = json.dumps({**json.loads(lines[2]), "rows": [10**9]})
    journal.write_text("\n".join(lines) + "\n")


def repeat_line(partial: Path, journal: Path) -> None:
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([*lines[:3], lines[2], *lines[3:]]) + "\n")


def empty_journal(partial: Path, journal: Path) -> None:
    journal.write_bytes(b"")


def truncate_partial(partial: Path, journal: Path) -> None:
    os.truncate(partial, 100)


def remove_partial(partial: Path, journal: Path) -> None:
    partial.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        damage_rows,
        tear_journal,
        forge_rows,
        repeat_line,
        empty_journal,
        truncate_partial,
        remove_partial,
    ],
)
def test_damaged_partial_is_not_trusted(model, texts, tmp_path, monkeypatch, damage):
    whole = extract(model, texts, tmp_path / "whole.safetensors")
    out = tmp_path / "out.safetensors"
    stopped(monkeypatch, model, texts, out, 5)
    damage(tmp_path / ".out.safetensors.partial", tmp_path / ".out.safetensors.journal")
    extract(model, texts, out)
    assert out.read_bytes() == whole.read_bytes()


def test_other_settings_do_not_mix(model, texts, tmp_path, monkeypatch, quiet):
    out = tmp_path / "out.safetensors"
    stopped(monkeypatch, model, texts, out)
    with pytest.raises(UserError, match=r"begun with other settings \(pooling: mean, now last\)"):
        extract(model, texts, out, pooling="last")
    extract(model, texts, out)
    with pytest.raises(UserError, match=r"is there already, of other settings \(pooling: mean"):
        extract(model, texts, out, pooling="last")
    before = out.stat().st_mtime_ns
    assert extract(model, texts, out, console=quiet) == out
    assert out.stat().st_mtime_ns == before
    assert "is there already" in quiet.file.getvalue()
    write_texts(texts, ["other", "words"])
    with pytest.raises(UserError, match=r"other settings \(data\.n: 42, now 2\)"):
        extract(model, texts, out)


def test_partial_with_nothing_in_it_binds_nobody(model, texts, tmp_path):
    out = tmp_path / "out.safetensors"
    write_texts(texts, ["a dog", ""])
    with pytest.raises(UserError, match=r"Sample 1 is ''"):
        extract(model, texts, out)
    write_texts(texts, ["a dog"])
    assert header_of(extract(model, texts, out))["data"]["n"] == 1


def test_out_of_memory_halves_the_batch(model, texts, tmp_path, monkeypatch, quiet):
    expected = layers_of(extract(model, texts, tmp_path / "all"))
    forward, sizes = hf.GPT2LMHeadModel.forward, []

    def limited(self, input_ids, **inputs):
        sizes.append(len(input_ids))
        if input_ids.numel() > 24:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, input_ids, **inputs)

    monkeypatch.setattr(hf.GPT2LMHeadModel, "forward", limited)
    monkeypatch.setattr(run, "token_budget", lambda *settings: 12 * 9)
    path = extract(model, texts, tmp_path / "out", console=quiet)
    # The first sample for the widths, then nine of the longest texts, halved until they fit.
    assert sizes[:5] == [1, 9, 4, 2, 2]
    assert quiet.file.getvalue().count("Out of memory") == 2
    for one, other in zip(layers_of(path), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_sample_that_never_fits_is_named(model, texts, tmp_path, monkeypatch):
    def full(self, input_ids, **inputs):
        if input_ids.shape[1] > 6:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")
        return forward(self, input_ids, **inputs)

    forward = hf.GPT2LMHeadModel.forward
    monkeypatch.setattr(hf.GPT2LMHeadModel, "forward", full)
    with pytest.raises(UserError, match=r"Sample 2 alone \(12 tokens\) does not fit in memory"):
        extract(model, texts, tmp_path / "out")


def test_full_disk_leaves_nothing(model, texts, tmp_path):
    out = tmp_path / "out"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(UserError, match=r"needs \d+ bytes, \d+ are free, and the system ref"):
            extract(model, texts, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(out.iterdir()) == []
    extract(model, texts, out)


def test_disk_that_fills_up_on_the_way(model, texts, tmp_path, monkeypatch):
    whole = extract(model, texts, tmp_path / "whole.safetensors")
    out = tmp_path / "out.safetensors"
    with monkeypatch.context() as patch:
        stop_after(patch, 3, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "journal"))
        with pytest.raises(UserError, match=r"not finished: journal: No space left.*goes on"):
            extract(model, texts, out)
    assert not out.exists()
    extract(model, texts, out)
    assert out.read_bytes() == whole.read_bytes()


def test_windows_bound_what_is_read(model, texts, tmp_path, monkeypatch):
    whole = layers_of(extract(model, texts, tmp_path / "whole"))
    monkeypatch.setattr(run, "WINDOW", 10)
    out = tmp_path / "out.safetensors"
    stopped(monkeypatch, model, texts, out, 7)
    path = extract(model, texts, out)
    for one, other in zip(layers_of(path), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_two_processes_do_not_write_one_file(model, texts, tmp_path, monkeypatch):
    out = tmp_path / "out.safetensors"
    errors = []

    def meanwhile(*arguments, **options):
        with pytest.raises(UserError) as caught:
            extract(model, texts, out)
        errors.append(str(caught.value))
        raise Stop

    monkeypatch.setattr(run, "next_batch", meanwhile)
    with pytest.raises(Stop):
        extract(model, texts, out)
    assert errors == [f"{out} is being written by another process."]
