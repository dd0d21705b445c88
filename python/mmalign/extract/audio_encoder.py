"""Speech and audio encoders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from ..errors import UserError
from .batches import Item
from .encoder import Encoded, choose_pooling, memory_of_token
from .image_encoder import processor_settings
from .last_norm import LastNorm
from .loading import load_companion, load_config, load_weights
from .pooling import pool_tokens
from .source import ModelSource

# Kaldi's frames, which the spectrogram transformer is trained on: 25 ms every 10 ms.
_FRAME_SECONDS, _STEP_SECONDS = 0.025, 0.010


class AudioEncoder:
    """Sounds through wav2vec 2.0 and its kin, Whisper's encoder, or the spectrogram transformer.

    Models of the waveform get sounds of one length at a time: some of them normalise over time,
    so padding would change the features. Whisper and the spectrogram transformer see a window of
    fixed length (longer sounds are cut); the mean is over the frames that hold sound. Pooling cls
    is the spectrogram transformer's class token.
    """

    pads = False
    extras = ()
    packages = ("transformers", "soundfile", "scipy")

    def __init__(self, source: ModelSource, pooling: str | None, dtype: str, device: str) -> None:
        config = load_config(source)
        kind = config.model_type
        self._extractor = load_companion(source, "AutoFeatureExtractor")
        name = type(self._extractor).__name__
        self._kind = _KINDS.get(name, "")
        if not self._kind:
            raise UserError(
                f"{source.directory} is a {kind} with a {name}; sounds go through wav2vec 2.0 and "
                "its kin, Whisper, or the audio spectrogram transformer."
            )
        spectrogram = self._kind == "spectrogram"
        self.pooling = choose_pooling(
            pooling, ("mean", "cls") if spectrogram else ("mean",), "mean", f"a {kind}"
        )
        model = load_weights(source, "AutoModel", config, dtype, device)
        self._model = model.get_encoder() if config.is_encoder_decoder else model
        self._last_norm = LastNorm(self._model)
        self.parameters = sum(weights.numel() for weights in model.parameters())
        self._config = config
        self._rate = self._extractor.sampling_rate
        self._dtype = getattr(torch, dtype)
        self._device = device
        self.bytes_per_token = memory_of_token(config, dtype)
        self.preprocessing = processor_settings(self._extractor)

    def measure(self, samples: Sequence[Any], first_row: int) -> list[Item]:
        """Read how long the sounds are; one too short for a frame is a UserError."""
        items = []
        for number, sample in enumerate(samples):
            waves = round(sample.seconds() * self._rate)
            frames, cut = self._frames(waves)
            if frames < 1:
                raise UserError(f"{sample.name} is {waves} waves long, too short for one frame.")
            length = frames if self._kind == "waveform" else self._window()
            items.append(Item(first_row + number, length, sample, cut))
        return items

    @torch.inference_mode()
    def encode(self, items: Sequence[Item]) -> Encoded:
        waves = [item.payload.load(self._rate) for item in items]
        # Equal numbers of frames may come from lengths that differ by less than a frame.
        together = self._kind != "waveform" or len({len(wave) for wave in waves}) == 1
        groups = [waves] if together else [[wave] for wave in waves]
        parts = [self._encode_waves(group) for group in groups]
        pooled = [
            torch.cat(layers) for layers in zip(*(part.layers for part in parts), strict=True)
        ]
        return Encoded(pooled, last_is_normed=parts[0].last_is_normed)

    def _encode_waves(self, waves: list[Any]) -> Encoded:
        inputs = self._extractor(waves, sampling_rate=self._rate, return_tensors="pt")
        name = self._extractor.model_input_names[0]
        values = inputs[name].to(self._device, self._dtype)
        states = self._model(**{name: values}, output_hidden_states=True).hidden_states
        if self.pooling == "cls":
            pooled = [layer[:, 0].float().cpu() for layer in states]
        else:
            mask = torch.stack([self._valid(len(wave), states[0].shape[1]) for wave in waves])
            mask = mask.to(self._device)
            pooled = [pool_tokens(layer, mask, "mean").cpu() for layer in states]
        return Encoded(pooled, last_is_normed=self._last_norm.gave(states[-1]))

    def _frames(self, waves: int) -> tuple[int, bool]:
        """Frames that hold sound, and whether the window cuts some off."""
        if self._kind == "waveform":
            for kernel, stride in zip(
                self._config.conv_kernel, self._config.conv_stride, strict=True
            ):
                waves = (waves - kernel) // stride + 1 if waves >= kernel else 0
            return waves, False
        if self._kind == "whisper":
            step = 2 * self._extractor.hop_length
            return math.ceil(waves / step), waves > self._extractor.n_samples
        length, step = round(_FRAME_SECONDS * self._rate), round(_STEP_SECONDS * self._rate)
        frames = (waves - length) // step + 1 if waves >= length else 0
        return frames, frames > self._config.max_length

    def _window(self) -> int:
        if self._kind == "whisper":
            return self._config.max_source_positions
        bands, times = self._patches()
        return bands * times + 2

    def _patches(self) -> tuple[int, int]:
        config = self._config
        bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
        return bands, (config.max_length - config.patch_size) // config.time_stride + 1

    def _valid(self, waves: int, tokens: int) -> torch.Tensor:
        """Which tokens a sound of so many waves fills, (tokens,) bool."""
        if self._kind == "waveform":
            return torch.ones(tokens, dtype=torch.bool)
        frames, _ = self._frames(waves)
        if self._kind == "whisper":
            return torch.arange(tokens) < frames
        bands, times = self._patches()
        heard = torch.arange(times) * self._config.time_stride < frames
        # Patches run over time within each band; class and distillation token come first.
        return torch.cat([torch.zeros(2, dtype=torch.bool), heard.repeat(bands)])


_KINDS = {
    "Wav2Vec2FeatureExtractor": "waveform",
    "WhisperFeatureExtractor": "whisper",
    "ASTFeatureExtractor": "spectrogram",
}
