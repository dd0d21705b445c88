"""Which hidden states have passed a final norm, in every architecture that is read."""

from __future__ import annotations

import pytest
import torch

from mmalign.extract.last_norm import LastNorm

from .tiny_models import audio_model, image_model, language_model

TOKENS = {"input_ids": torch.tensor([[5, 6, 7, 3]])}
PIXELS = {"pixel_values": torch.linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32)}
WAVE = {"input_values": torch.linspace(-1, 1, 4000)[None]}
CASES = {
    "gpt2": (lambda: language_model("gpt2"), TOKENS, True),
    "llama": (lambda: language_model("llama"), TOKENS, True),
    "bloom": (lambda: language_model("bloom"), TOKENS, True),
    "bert": (lambda: language_model("bert"), TOKENS, True),
    "t5": (lambda: language_model("t5").get_encoder(), TOKENS, True),
    "clip text": (lambda: image_model("clip").text_model, TOKENS, False),
    "clip vision": (lambda: image_model("clip").vision_model, PIXELS, False),
    "vit": (lambda: image_model("vit"), PIXELS, False),
    "dinov2": (lambda: image_model("dinov2"), PIXELS, False),
    "wav2vec2": (lambda: audio_model("wav2vec2"), WAVE, True),
    "ast": (lambda: audio_model("ast"), {"input_values": torch.ones(1, 60, 16)}, False),
    "whisper": (
        lambda: audio_model("whisper").get_encoder(),
        {"input_features": torch.ones(1, 16, 100)},
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
@torch.inference_mode()
def test_last_layer(name):
    build, inputs, normed = CASES[name]
    model = build().eval()
    watched = LastNorm(model)
    norms = []
    for module in model.modules():
        if "Norm" in type(module).__name__:
            module.register_forward_hook(lambda module, given, output: norms.append(output))
    states = model(**inputs, output_hidden_states=True).hidden_states
    assert watched.gave(states[-1]) is normed
    assert not watched.gave(states[0])
    assert torch.equal(norms[-1].reshape(-1), states[-1].reshape(-1)) is normed
