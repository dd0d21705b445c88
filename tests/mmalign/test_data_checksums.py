"""Checksums of a file that ``mmalign extract`` has written."""

from __future__ import annotations

import numpy as np
import pytest

from mmalign.errors import UserError
from mmalign.extract import verify_features

from .extracting import extract, header_of, write_texts
from .tiny_models import SENTENCES, save_language_model


def test_checksums(tmp_path):
    model = save_language_model(tmp_path / "model", "gpt2")
    texts = write_texts(tmp_path / "texts.txt", SENTENCES)
    path = extract(model, texts, tmp_path / "out", dtype="bfloat16")
    account = verify_features(path)
    assert account == header_of(path)
    assert set(account["sha256"]) == {"bits_per_byte", *account["layers"]}
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged: layer_002 does not match its sha256"):
        verify_features(path)
    path.write_bytes(content[:-8])
    with pytest.raises(UserError, match=r"is truncated"):
        verify_features(path)
    np.save(tmp_path / "plain.npy", np.ones((3, 2)))
    with pytest.raises(UserError, match=r"holds no checksums"):
        verify_features(tmp_path / "plain.npy")
