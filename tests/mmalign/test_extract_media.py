"""Vision and audio models: every layer, against a plain forward pass a sample."""

from __future__ import annotations

import struct
import sys
import zlib

import numpy as np
import pytest
import soundfile
import torch
import transformers as hf
from PIL import Image

from mmalign.errors import UserError

from .extracting import extract, header_of, layers_of
from .tiny_models import save_audio_model, save_image_model, write_images, write_sounds

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    saved = {}

    def get(kind):
        if kind not in saved:
            audio = kind in ("wav2vec2", "hubert", "whisper", "ast")
            saved[kind] = (save_audio_model if audio else save_image_model)(root / kind, kind)
        return saved[kind]

    return get


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("data") / "images")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("data") / "sounds")


def assert_equal_layers(path, expected):
    layers = layers_of(path)
    assert len(layers) == len(expected[0]) == 3
    for number, layer in enumerate(layers):
        wanted = np.stack([states[number] for states in expected])
        assert np.abs(wanted).max() > 0.1
        np.testing.assert_allclose(layer, wanted, atol=2e-5 * np.abs(wanted).max(), rtol=0)


def plain_image_states(directory, images, model, **options):
    processor = hf.AutoImageProcessor.from_pretrained(directory)
    model = model.eval()
    for path in images:
        pixels = processor(Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            output = model(pixel_values=pixels, output_hidden_states=True, **options)
        yield [states[0].numpy() for states in output.hidden_states]


IMAGE_MODELS = {
    "vit": hf.ViTModel,
    "dinov2": hf.Dinov2Model,
    "clip": hf.CLIPVisionModel,
    "mae": hf.ViTMAEModel,
}


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize("kind", list(IMAGE_MODELS))
def test_vision_model(models, images, tmp_path, kind, pool):
    path = extract(models(kind), images[0].parent, tmp_path / "out", pooling=pool)
    # No patch of an MAE is masked, whatever its configuration says.
    options = {"mask_ratio": 0.0} if kind == "mae" else {}
    model = IMAGE_MODELS[kind].from_pretrained(models(kind), **options)
    forward = {"noise": torch.rand(1, 16)} if kind == "mae" else {}
    states = list(plain_image_states(models(kind), images, model, **forward))
    assert states[0][0].shape == (17, 16)
    pooled = [[s[0] if pool == "cls" else s[1:].mean(0) for s in layers] for layers in states]
    assert_equal_layers(path, pooled)
    assert header_of(path)["modality"] == "image"
    assert not header_of(path)["last_layer"]["passed_final_norm"]


def test_vision_model_is_deterministic(models, images, tmp_path):
    first, second = (
        extract(models("mae"), images[0].parent, tmp_path / name / "mae.safetensors")
        for name in "ab"
    )
    assert first.read_bytes() == second.read_bytes()


def test_model_without_class_token(models, images, tmp_path):
    path = extract(models("siglip"), images[0].parent, tmp_path / "out", pooling="mean")
    model = hf.SiglipVisionModel.from_pretrained(models("siglip"))
    states = plain_image_states(models("siglip"), images, model)
    assert_equal_layers(path, [[layer.mean(0) for layer in layers] for layers in states])
    with pytest.raises(UserError, match=r"has no class token"):
        extract(models("siglip"), images[0].parent, tmp_path / "out", pooling="cls")


def test_images_are_ordered_by_number(models, images, tmp_path):
    assert [path.name for path in images] == [f"image{n}.png" for n in (8, 9, 10, 11, 12)]
    layers = layers_of(extract(models("vit"), images[0].parent, tmp_path / "out"))
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "10.png").write_bytes(images[2].read_bytes())
    (one,) = layers_of(extract(models("vit"), alone, tmp_path / "out"))[2]
    np.testing.assert_allclose(layers[2][2], one, rtol=1e-4, atol=1e-5)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png_claiming(10_000, 10_000), r"b\.png claims more than \d+ pixels"),
        (png_claiming(60_000, 60_000), r"b\.png claims more than \d+ pixels"),
        (b"not an image", r"b\.png is damaged or not an image"),
        (png_claiming(50, 50), r"b\.png is damaged or not an image"),
    ],
    ids=["bomb", "larger bomb", "text", "truncated"],
)
def test_hostile_image_is_named(models, images, tmp_path, content, message):
    directory = tmp_path / "images"
    directory.mkdir()
    (directory / "a.png").write_bytes(images[0].read_bytes())
    (directory / "b.png").write_bytes(content)
    with pytest.raises(UserError, match=message):
        extract(models("vit"), directory, tmp_path / "out")


def plain_audio_states(directory, sounds, model):
    extractor = hf.AutoFeatureExtractor.from_pretrained(directory)
    model = model.eval()
    for path in sounds:
        wave, _ = soundfile.read(path, dtype="float32")
        inputs = extractor(wave, sampling_rate=16000, return_tensors="pt")
        name = extractor.model_input_names[0]
        with torch.no_grad():
            output = model(**{name: inputs[name]}, output_hidden_states=True)
        yield [states[0].numpy() for states in output.hidden_states]


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_model_of_the_waveform(models, sounds, tmp_path, kind):
    path = extract(models(kind), sounds[0].parent, tmp_path / "out")
    model = hf.AutoModel.from_pretrained(models(kind))
    states = list(plain_audio_states(models(kind), sounds, model))
    assert len(states[1][0]) < len(states[0][0])
    assert_equal_layers(path, [[layer.mean(0) for layer in layers] for layers in states])
    assert header_of(path)["modality"] == "audio"


def test_whisper_leaves_out_padding(models, sounds, tmp_path):
    path = extract(models("whisper"), sounds[0].parent, tmp_path / "out")
    model = hf.WhisperModel.from_pretrained(models("whisper")).get_encoder()
    states = plain_audio_states(models("whisper"), sounds, model)
    # 20 ms a frame: 15 frames of 0.30 s among the 50 of the window, 6 of 0.11 s, 23 of 0.45 s.
    frames = [15, 6, 15, 23]
    expected = [
        [layer[:n].mean(0) for layer in layers] for n, layers in zip(frames, states, strict=True)
    ]
    assert_equal_layers(path, expected)


@pytest.mark.parametrize("pool", ["mean", "cls"])
def test_spectrogram_transformer(models, sounds, tmp_path, pool):
    path = extract(models("ast"), sounds[0].parent, tmp_path / "out", pooling=pool)
    model = hf.ASTModel.from_pretrained(models("ast"))
    states = list(plain_audio_states(models("ast"), sounds, model))
    if pool == "cls":
        expected = [[layer[0] for layer in layers] for layers in states]
    else:
        # Of 2 bands x 9 times, times 0, 6, 12, ... that begin before the last of the frames.
        frames = [1 + (round(16000 * s) - 400) // 160 for s in (0.30, 0.11, 0.30, 0.45)]
        expected = []
        for count, layers in zip(frames, states, strict=True):
            heard = [t for t in range(9) if 6 * t < count]
            grids = [layer[2:].reshape(2, 9, 16) for layer in layers]
            expected.append([grid[:, heard].mean((0, 1)) for grid in grids])
        assert len(heard) < 9
    assert_equal_layers(path, expected)


def test_sound_at_another_rate_is_resampled(models, tmp_path):
    directory = tmp_path / "sounds"
    directory.mkdir()
    time = np.arange(8000) / 8000
    wave = np.sin(2 * np.pi * 300 * time)
    soundfile.write(directory / "a.flac", np.stack([wave, wave], 1), 8000)
    fine = np.sin(2 * np.pi * 300 * np.arange(16000) / 16000)
    soundfile.write(directory / "b.wav", fine, 16000)
    low, high = layers_of(extract(models("hubert"), directory, tmp_path / "out"))[2]
    similarity = low @ high / np.linalg.norm(low) / np.linalg.norm(high)
    assert similarity > 0.99


def test_hostile_sounds_are_named(models, sounds, tmp_path):
    def refused(name, content, message):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "a.wav").write_bytes(content)
        with pytest.raises(UserError, match=message):
            extract(models("hubert"), directory, tmp_path / "out")

    whole = sounds[0].read_bytes()
    refused("text", b"no sound at all", r"a\.wav is damaged or not a sound")
    soundfile.write(tmp_path / "short.wav", np.zeros(20), 16000)
    refused("short", (tmp_path / "short.wav").read_bytes(), r"too short for one frame")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    refused("empty", (tmp_path / "empty.wav").read_bytes(), r"too short for one frame")
    soundfile.write(tmp_path / "long.flac", np.zeros(3_700 * 1000), 1000)
    refused("long", (tmp_path / "long.flac").read_bytes(), r"3700 seconds long; at most 3600")
    nan = np.frombuffer(whole[-4000:], "<f4").copy()
    nan[7] = np.nan
    refused("nan", whole[:-4000] + nan.tobytes(), r"a\.wav holds NaN or infinity")


def test_pooling_that_is_not_defined(models, images, sounds, tmp_path):
    with pytest.raises(UserError, match=r"--pool last is not defined for images"):
        extract(models("vit"), images[0].parent, tmp_path / "out", pooling="last")
    with pytest.raises(UserError, match=r"--pool cls is not defined for a hubert"):
        extract(models("hubert"), sounds[0].parent, tmp_path / "out", pooling="cls")
    with pytest.raises(UserError, match=r"are for texts"):
        extract(models("vit"), images[0].parent, tmp_path / "out", max_tokens=4)


def test_model_of_another_modality(models, images, sounds, tmp_path):
    with pytest.raises(UserError, match=r"hubert.*no patches of one size"):
        extract(models("hubert"), images[0].parent, tmp_path / "out")
    with pytest.raises(UserError, match=r"vit.* cannot be loaded|is a vit with a"):
        extract(models("vit"), sounds[0].parent, tmp_path / "out")


def test_timm_that_is_not_installed(images, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "config.json").write_text('{"architecture": "vit_tiny_patch16_224"}')
    (directory / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"model of timm, which is not installed: pip install timm"):
        extract(directory, images[0].parent, tmp_path / "out")


def test_timm_itself(images, tmp_path):
    timm = pytest.importorskip("timm")
    arguments = {"img_size": 32, "depth": 2, "num_classes": 0}
    model = timm.create_model(
        "vit_tiny_patch16_224", pretrained_cfg_overlay={"input_size": (3, 32, 32)}, **arguments
    ).eval()
    directory = tmp_path / "model"
    timm.models.save_for_hf(model, directory, model_args=arguments, safe_serialization=True)
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=model))
    pixels = torch.stack([transform(Image.open(path).convert("RGB")) for path in images])
    states = []
    for block in model.blocks:
        block.register_forward_hook(lambda *passed: states.append(passed[2]))
    with torch.no_grad():
        model(pixels)
    for pool in ("cls", "mean"):
        path = extract(directory, images[0].parent, tmp_path / pool, pooling=pool)
        layers = layers_of(path)
        assert len(layers) == 3
        for layer, state in zip(layers[1:], states, strict=True):
            wanted = state[:, 0] if pool == "cls" else state[:, 1:].mean(1)
            np.testing.assert_allclose(layer, wanted.numpy(), rtol=1e-4, atol=1e-5)
    (directory / "config.json").write_text('{"architecture": "hf-hub:owner/name"}')
    with pytest.raises(UserError, match=r"asks for hf-hub:owner/name; expected an architecture"):
        extract(directory, images[0].parent, tmp_path / "out")
