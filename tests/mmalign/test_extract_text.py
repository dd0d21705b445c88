"""Language models: every layer, against one plain forward pass a text."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
import transformers as hf

from mmalign.errors import UserError

from .extracting import extract, header_of, layers_of, tensor_of, write_texts
from .tiny_models import SENTENCES, save_image_model, save_language_model

CAUSAL = ["gpt2", "llama", "bloom"]
POSITION = {"mean": lambda states: states.mean(0), "last": lambda states: states[-1]}
POSITION["cls"] = lambda states: states[0]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    saved = {}

    def get(kind):
        if kind not in saved:
            save = save_image_model if kind == "clip" else save_language_model
            saved[kind] = save(root / kind, kind)
        return saved[kind]

    return get


@pytest.fixture
def texts(tmp_path):
    return write_texts(tmp_path / "texts.txt", SENTENCES)


@functools.cache
def plain_states(directory, texts=tuple(SENTENCES), model_class=hf.AutoModel):
    """For each text, alone and unpadded: all hidden states, logits where there are, tokens."""
    tokenizer = hf.AutoTokenizer.from_pretrained(directory)
    model = model_class.from_pretrained(directory).eval()
    found = []
    for text in texts:
        tokens = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            output = model(input_ids=tokens, output_hidden_states=True)
        states = [layer[0].numpy() for layer in output.hidden_states]
        found.append((states, getattr(output, "logits", None), tokens[0]))
    return found


def assert_like_plain(path, expected, pool, tolerance=2e-5):
    layers = layers_of(path)
    assert len(layers) == len(expected[0][0]) == 3
    for number, layer in enumerate(layers):
        wanted = np.stack([POSITION[pool](states[number]) for states, _, _ in expected])
        assert np.abs(wanted).max() > 0.1
        np.testing.assert_allclose(layer, wanted, atol=tolerance * np.abs(wanted).max(), rtol=0)


@pytest.mark.parametrize("padding", ["right", "left"])
@pytest.mark.parametrize("pool", ["mean", "last"])
@pytest.mark.parametrize("kind", CAUSAL)
def test_causal_model(models, texts, tmp_path, kind, pool, padding):
    path = extract(models(kind), texts, tmp_path / "out", pooling=pool, padding=padding)
    single = plain_states(models(kind), model_class=hf.AutoModelForCausalLM)
    assert_like_plain(path, single, pool)

    bits = tensor_of(path, "bits_per_byte")
    assert bits.dtype == np.float64
    for text, found, (_, logits, tokens) in zip(SENTENCES, bits, single, strict=True):
        if len(tokens) == 1:
            assert math.isnan(found)
            continue
        probability = logits[0].double().softmax(-1)[range(len(tokens) - 1), tokens[1:]]
        expected = -probability.log2().sum().item() / len(text.encode())
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("pool", ["mean", "last", "cls"])
@pytest.mark.parametrize("kind", ["bert", "masked-bert"])
def test_encoder_model(models, texts, tmp_path, kind, pool):
    path = extract(models(kind), texts, tmp_path / "out", pooling=pool)
    assert_like_plain(path, plain_states(models(kind)), pool)
    assert header_of(path)["pooling"] == pool


def test_encoder_of_an_encoder_decoder(models, texts, tmp_path):
    path = extract(models("t5"), texts, tmp_path / "out")
    assert_like_plain(path, plain_states(models("t5"), model_class=hf.T5EncoderModel), "mean")


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_text_tower_of_clip(models, texts, tmp_path, pool):
    path = extract(models("clip"), texts, tmp_path / "out", pooling=pool)
    assert_like_plain(path, plain_states(models("clip"), model_class=hf.CLIPTextModel), pool)


@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 0.06), ("float16", 0.01)])
def test_low_precision(models, texts, tmp_path, dtype, tolerance):
    path = extract(models("llama"), texts, tmp_path / "out", dtype=dtype)
    single = plain_states(models("llama"), model_class=hf.AutoModelForCausalLM)
    assert_like_plain(path, single, "mean", tolerance)
    stored = tensor_of(path, "layer_001")
    assert str(stored.dtype).removeprefix("torch.") == dtype
    assert header_of(path)["dtype"] == dtype


def test_batches_change_only_rounding(models, texts, tmp_path, monkeypatch):
    together = layers_of(extract(models("gpt2"), texts, tmp_path / "together"))
    monkeypatch.setattr("mmalign.extract.batches.MOST_TOKENS_ON_CPU", 1)
    alone = layers_of(extract(models("gpt2"), texts, tmp_path / "alone"))
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_chosen_layers(models, texts, tmp_path):
    every = layers_of(extract(models("bert"), texts, tmp_path / "all"))
    some = extract(models("bert"), texts, tmp_path / "some", layers=(2, 0))
    assert header_of(some)["layers"] == ["layer_000", "layer_002"]
    assert header_of(some)["last_layer"] == {"name": "layer_002", "passed_final_norm": True}
    for chosen, layer in zip(layers_of(some), (0, 2), strict=True):
        np.testing.assert_array_equal(chosen, every[layer])
    with pytest.raises(UserError, match=r"--layers names 3; the model has 0 .* to 2"):
        extract(models("bert"), texts, tmp_path / "none", layers=(3,))


def test_long_text_is_cut_and_said(models, tmp_path, quiet):
    texts = write_texts(tmp_path / "texts.txt", [SENTENCES[0], SENTENCES[2], SENTENCES[1]])
    path = extract(models("gpt2"), texts, tmp_path / "out", max_tokens=6, console=quiet)
    bits = tensor_of(path, "bits_per_byte")
    assert np.isnan(bits).tolist() == [False, True, False]
    assert header_of(path)["counts"] == {"cut": 1}
    assert "1 samples were longer" in quiet.file.getvalue()
    assert "1 texts have no bits per byte" in quiet.file.getvalue()
    cut = " ".join(SENTENCES[2].split()[:6])
    ((states, _, _),) = plain_states(models("gpt2"), (cut,), hf.AutoModelForCausalLM)
    np.testing.assert_allclose(layers_of(path)[2][1], states[2].mean(0), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_empty_text_is_named(models, tmp_path, kind):
    texts = write_texts(tmp_path / "texts.txt", ["a dog", "rain", "", "noon"])
    with pytest.raises(UserError, match=r"Sample 2 is '', which has no tokens"):
        extract(models(kind), texts, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.safetensors"))


def test_pooling_and_padding_that_are_not_defined(models, texts, tmp_path):
    with pytest.raises(UserError, match=r"--pool cls is not defined for a causal model"):
        extract(models("gpt2"), texts, tmp_path / "out", pooling="cls")
    with pytest.raises(UserError, match=r"--padding left is for causal"):
        extract(models("bert"), texts, tmp_path / "out", padding="left")


def test_not_a_number_is_named(models, texts, tmp_path, monkeypatch):
    forward = hf.GPT2LMHeadModel.forward

    def broken(self, **inputs):
        output = forward(self, **inputs)
        output.hidden_states[1][0, 0, 0] = torch.inf
        return output

    monkeypatch.setattr(hf.GPT2LMHeadModel, "forward", broken)
    with pytest.raises(UserError, match=r"NaN or infinity for sample 2 in layer_001"):
        extract(models("gpt2"), texts, tmp_path / "out")
