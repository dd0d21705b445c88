"""Files that are no files, and what they may say on a terminal."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from mmalign.captions import load_caption_sets
from mmalign.cli import main
from mmalign.data.affect import load_affect
from mmalign.data.arrays import one_line, open_npy
from mmalign.data.features import load_features
from mmalign.data.mm_imdb import load_mm_imdb
from mmalign.errors import UserError
from mmalign.files import require_file

READERS = {
    "pkl": lambda path: load_affect(path, "mosi"),
    "h5": load_mm_imdb,
    "npy": open_npy,
    "npz": load_features,
    "safetensors": load_features,
    "pt": load_features,
    "json": load_caption_sets,
}


@pytest.mark.parametrize("suffix", READERS)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, capsys, suffix):
    path = tmp_path / f"x.{suffix}"
    os.mkfifo(path)
    message = f"x.{suffix} is a pipe or a device; expected a plain file"
    with pytest.raises(UserError, match=message):
        READERS[suffix](path)
    assert main(["data", "check", str(path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("suffix", READERS)
def test_a_device_without_end_is_refused(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"is a pipe or a device"):
        READERS[suffix](path)


def test_links_in_a_circle_and_names_without_end(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="loop cannot be read"):
        require_file(tmp_path / "loop")
    with pytest.raises(UserError, match="cannot be read"):
        require_file(tmp_path / ("a" * 5000))
    with pytest.raises(UserError, match="is a directory; expected a file"):
        require_file(tmp_path)


def test_names_in_a_file_do_not_steer_the_terminal(tmp_path, capsys):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"a\x1b[2J\ud800": {"b\r": np.zeros((2, 2))}}))
    for arguments in ([], ["--json"]):
        assert main(["data", "check", str(path), *arguments]) == 1
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\r" not in out
        assert "x1b[2J" in out
        assert "ud800" in out
    path.write_bytes(b"\x80\x04cos\nsys\x1b[2Jtem\n.")
    assert main(["data", "check", str(path)]) == 2
    assert "os.sys\\x1b[2Jtem" in capsys.readouterr().err


def test_a_tensor_that_repeats_its_few_bytes(tmp_path):
    torch.save(torch.zeros(1).expand(10**9, 3), tmp_path / "x.pt")
    with pytest.raises(UserError, match="repeats 4 bytes by strides"):
        load_features(tmp_path / "x.pt")
    torch.save(torch.arange(12.0).reshape(3, 4).T[1:], tmp_path / "x.pt")
    assert load_features(tmp_path / "x.pt")[0][1].shape == (3, 3)


def test_names_with_numbers_without_end(tmp_path):
    names = [f"layer_{'9' * 5000}", "layer_10", "layer_2", "layer_002b"]
    np.savez(tmp_path / "x.npz", **{name: np.ones((2, 2)) for name in names})
    assert len(load_features(tmp_path / "x.npz")) == 4
    from safetensors.numpy import save_file

    save_file({name: np.ones((2, 2)) for name in names}, tmp_path / "x.safetensors")
    found = [name for name, _ in load_features(tmp_path / "x.safetensors")]
    assert found == ["layer_2", "layer_002b", "layer_10", names[0]]


def test_an_error_is_no_longer_than_a_sentence():
    assert one_line(ValueError("a" * 10**6)) == "a" * 300 + "..."
    assert one_line(ValueError("Short.\nAnd more.")) == "Short"
