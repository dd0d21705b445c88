"""Where models come from: directories without code, pickles and network; a hub when asked."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import huggingface_hub
import pytest
import safetensors.torch
import torch

from mmalign.errors import UserError
from mmalign.extract import open_source

from .extracting import extract, header_of, layers_of, write_texts
from .tiny_models import SENTENCES, save_language_model

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_language_model(tmp_path_factory.mktemp("models") / "bert", "bert")


@pytest.fixture
def model(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "bert"))


@pytest.fixture
def texts(tmp_path):
    return write_texts(tmp_path / "texts.txt", SENTENCES)


def change_json(path: Path, **entries) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_directory_never_touches_the_network(model, texts, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(AssertionError, match="touched"):
        socket.create_connection(("localhost", 1))
    header = header_of(extract(model, texts, tmp_path / "out"))
    assert header["model"] == "bert"
    assert header["revision"].startswith("sha256:")


def test_revision_follows_weights_and_tokenizer_not_notes(model):
    first = open_source(str(model)).revision
    (model / "README.md").write_text("a note")
    assert open_source(str(model)).revision == first
    change_json(model / "tokenizer_config.json", model_max_length=9)
    second = open_source(str(model)).revision
    assert second != first
    weights = safetensors.torch.load_file(model / "model.safetensors")
    weights["encoder.layer.0.output.dense.bias"][0] += 1
    safetensors.torch.save_file(weights, model / "model.safetensors", {"format": "pt"})
    assert open_source(str(model)).revision not in (first, second)


@pytest.mark.parametrize("name", ["bert-base-uncased", "sentence-transformers/all-MiniLM-L6-v2"])
def test_name_without_hf_is_a_directory(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf"{name} is not a directory; .*hf:owner/name"):
        open_source(name)


def test_code_of_a_model_is_never_run(model, texts, tmp_path):
    witness = tmp_path / "witness"
    code = f"open({str(witness)!r}, 'w').write('run')\n"
    for name in ("modeling_own.py", "configuration_own.py", "tokenization_own.py"):
        (model / name).write_text(code)
    own = {
        "AutoConfig": "configuration_own.OwnConfig",
        "AutoModel": "modeling_own.OwnModel",
        "AutoTokenizer": ["tokenization_own.OwnTokenizer", None],
    }
    # A known kind of model that brings code besides: the library's own class is used.
    change_json(model / "config.json", auto_map=own)
    extract(model, texts, tmp_path / "out")
    change_json(model / "config.json", model_type="own", auto_map=own)
    with pytest.raises(UserError, match=r"needs code that comes with the model, which is never r"):
        extract(model, texts, tmp_path / "out")
    change_json(model / "config.json", model_type="bert")
    change_json(model / "tokenizer_config.json", auto_map=own, tokenizer_class="OwnTokenizer")
    extract(model, texts, tmp_path / "own-tokenizer")
    assert not witness.exists()


def test_attention_from_a_hub_is_refused(model, texts, tmp_path):
    change_json(model / "config.json", attn_implementation="someone/attention")
    with pytest.raises(UserError, match=r"attention by 'someone/attention', which could run code"):
        extract(model, texts, tmp_path / "out")


class Witness:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_pickled_weights_are_refused(model, texts, tmp_path):
    (model / "model.safetensors").unlink()
    torch.save({"weights": Witness(tmp_path / "witness")}, model / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no weights in safetensors\. pytorch_model\.bin is not r"):
        extract(model, texts, tmp_path / "out")
    assert not (tmp_path / "witness").exists()


def test_weights_that_would_be_random_are_refused(model, texts, tmp_path):
    weights = safetensors.torch.load_file(model / "model.safetensors")
    pooler = {name: value for name, value in weights.items() if "pooler" not in name}
    safetensors.torch.save_file(pooler, model / "model.safetensors", {"format": "pt"})
    extract(model, texts, tmp_path / "out")
    del pooler["encoder.layer.1.output.dense.weight"]
    safetensors.torch.save_file(pooler, model / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"encoder\.layer\.1\.output\.dense\.weight is missing"):
        extract(model, texts, tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", r"config\.json is not valid JSON"),
        ("config.json", "[]", r"config\.json holds a list"),
        ("config.json", '{"model_type": "no-such"}', r"its configuration cannot be loaded"),
        ("model.safetensors", "damage", r"its weights cannot be loaded"),
        ("tokenizer.json", "{", r"what AutoTokenizer reads cannot be loaded"),
    ],
)
def test_damaged_model_is_named(model, texts, tmp_path, name, content, message):
    (model / name).write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        extract(model, texts, tmp_path / "out")
    assert str(model) in str(caught.value)


def test_sentence_encoder_may_not_point_outside(model, texts, tmp_path):
    (model / "modules.json").write_text('[{"path": "../..", "type": "Transformer"}]')
    with pytest.raises(UserError, match=r"names a folder outside of the model"):
        extract(model, texts, tmp_path / "out")


def test_pooling_of_a_sentence_encoder(model, texts, tmp_path):
    (model / "modules.json").write_text(
        '[{"path": "", "type": "st.Transformer"}, {"path": "1_Pooling", "type": "st.Pooling"}]'
    )
    (model / "1_Pooling").mkdir()
    pooling = model / "1_Pooling" / "config.json"
    pooling.write_text('{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}')
    path = extract(model, texts, tmp_path / "own")
    assert header_of(path)["pooling"] == "cls"
    asked = extract(model, texts, tmp_path / "asked", pooling="mean")
    assert header_of(asked)["pooling"] == "mean"
    pooling.write_text('{"pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": true}')
    with pytest.raises(UserError, match=r"pools by max_tokens and mean_tokens; choose mean, cls"):
        extract(model, texts, tmp_path / "out")
    chosen = extract(model, texts, tmp_path / "chosen", pooling="mean")
    assert header_of(chosen)["pooling"] == "mean"
    pooling.write_text('{"pooling_mode": ["cls", "mean"], "include_prompt": true}')
    with pytest.raises(UserError, match=r"pools by cls and mean; choose mean, cls"):
        extract(model, texts, tmp_path / "out")


def test_hub_is_asked_for_files_without_code(model, texts, tmp_path, monkeypatch):
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--owner--tiny" / "snapshots" / commit
    shutil.copytree(model, snapshot)
    asked = []

    def download(repository, **options):
        asked.append((repository, options))
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    path = extract("hf:owner/tiny@main", texts, tmp_path / "out")
    assert path.name == "owner_tiny--texts--mean.safetensors"
    assert (header_of(path)["model"], header_of(path)["revision"]) == ("owner/tiny", commit)
    ((repository, options),) = asked
    assert (repository, options["revision"]) == ("owner/tiny", "main")
    assert not any(pattern.endswith((".py", ".bin", "*")) for pattern in options["allow_patterns"])
    local = layers_of(extract(model, texts, tmp_path / "local"))
    for one, other in zip(layers_of(path), local, strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("name", ["hf:", "hf:../up", "hf:a/b/c", "hf:owner/na me"])
def test_bad_name_of_a_repository(name):
    with pytest.raises(UserError, match=r"is not the name of a repository"):
        open_source(name)


def test_hub_without_an_answer(monkeypatch):
    def download(repository, **options):
        raise huggingface_hub.errors.LocalEntryNotFoundError("no connection\nand more lines")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(UserError, match=r"^hf:owner/tiny cannot be fetched \(no connection\)\.$"):
        open_source("hf:owner/tiny")
