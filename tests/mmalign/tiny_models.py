"""Models of real architectures, tiny and random, saved as the library saves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers as hf
from PIL import Image

SENTENCES = [
    "the cat sat on the mat",
    "a dog",
    "stock prices fell sharply in the morning and rose again at noon",
    "rain",
    "two birds sing in the old tree near the river",
    "the dog sat on the cat",
    "noon and morning",
]
_WIDTH = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
_BLOCK = {**_WIDTH, "intermediate_size": 24}


def save_tokenizer(directory: Path, *, special: bool, limit: int = 64) -> None:
    """A word tokenizer; ``special`` puts [CLS] and [SEP] around every text."""
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(unk_token="[UNK]"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    trainer = tokenizers.trainers.WordLevelTrainer(
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    )
    model.train_from_iterator(SENTENCES, trainer)
    if special:
        model.post_processor = tokenizers.processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    hf.PreTrainedTokenizerFast(
        tokenizer_object=model,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        bos_token="[CLS]",
        eos_token="[SEP]",
        model_max_length=limit,
        padding_side="left",
    ).save_pretrained(directory)


def language_model(kind: str):
    vocabulary = {"vocab_size": 40, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    if kind == "gpt2":
        config = hf.GPT2Config(**vocabulary, n_embd=16, n_layer=2, n_head=2, n_positions=64)
        return hf.GPT2LMHeadModel(config)
    if kind == "llama":
        return hf.LlamaForCausalLM(
            hf.LlamaConfig(**vocabulary, **_BLOCK, max_position_embeddings=64)
        )
    if kind == "bloom":
        return hf.BloomForCausalLM(
            hf.BloomConfig(**vocabulary, hidden_size=16, n_layer=2, n_head=2)
        )
    if kind == "bert":
        return hf.BertModel(hf.BertConfig(**vocabulary, **_BLOCK, max_position_embeddings=64))
    if kind == "masked-bert":
        return hf.BertForMaskedLM(hf.BertConfig(**vocabulary, **_BLOCK))
    config = hf.T5Config(**vocabulary, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2)
    return hf.T5ForConditionalGeneration(config)


def image_model(kind: str):
    patches = {**_BLOCK, "image_size": 32, "patch_size": 8}
    if kind == "vit":
        return hf.ViTModel(hf.ViTConfig(**patches))
    if kind == "dinov2":
        return hf.Dinov2Model(hf.Dinov2Config(**_WIDTH, mlp_ratio=2, image_size=32, patch_size=8))
    if kind == "mae":
        config = hf.ViTMAEConfig(
            **patches,
            decoder_hidden_size=8,
            decoder_num_hidden_layers=1,
            decoder_num_attention_heads=2,
            decoder_intermediate_size=8,
        )
        return hf.ViTMAEForPreTraining(config)
    if kind == "siglip":
        return hf.SiglipVisionModel(hf.SiglipVisionConfig(**patches))
    return hf.CLIPModel(
        hf.CLIPConfig(
            text_config={
                **_BLOCK,
                "vocab_size": 40,
                "max_position_embeddings": 64,
                "eos_token_id": 3,
            },
            vision_config=patches,
            projection_dim=8,
        )
    )


def audio_model(kind: str):
    wave = {
        **_BLOCK,
        "conv_dim": (8, 8),
        "conv_kernel": (10, 8),
        "conv_stride": (5, 4),
        "num_feat_extract_layers": 2,
        "num_conv_pos_embeddings": 4,
        "num_conv_pos_embedding_groups": 2,
    }
    if kind == "wav2vec2":
        return hf.Wav2Vec2Model(hf.Wav2Vec2Config(**wave))
    if kind == "hubert":
        return hf.HubertModel(hf.HubertConfig(**wave, feat_extract_norm="layer"))
    if kind == "whisper":
        config = hf.WhisperConfig(
            d_model=16,
            encoder_layers=2,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=24,
            decoder_ffn_dim=24,
            vocab_size=40,
            num_mel_bins=16,
            max_source_positions=50,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=3,
            decoder_start_token_id=2,
        )
        return hf.WhisperModel(config)
    return hf.ASTModel(
        hf.ASTConfig(
            **_BLOCK,
            patch_size=8,
            frequency_stride=8,
            time_stride=6,
            max_length=60,
            num_mel_bins=16,
        )
    )


def save_language_model(directory: Path, kind: str) -> Path:
    save(directory, language_model(kind))
    save_tokenizer(directory, special="bert" in kind)
    return directory


def save_image_model(directory: Path, kind: str) -> Path:
    save(directory, image_model(kind))
    side = {"height": 32, "width": 32}
    processor = hf.ViTImageProcessor
    if kind == "clip":
        processor = hf.CLIPImageProcessor
        save_tokenizer(directory, special=True)
    processor(size=side, crop_size=side).save_pretrained(directory)
    return directory


def save_audio_model(directory: Path, kind: str) -> Path:
    save(directory, audio_model(kind))
    extractors = {
        "whisper": lambda: hf.WhisperFeatureExtractor(feature_size=16, chunk_length=1),
        "ast": lambda: hf.ASTFeatureExtractor(num_mel_bins=16, max_length=60),
    }
    extractors.get(kind, hf.Wav2Vec2FeatureExtractor)().save_pretrained(directory)
    return directory


def save(directory: Path, model) -> None:
    """Save with weights large enough that states depend on every part of the input."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator) * 0.3)
    model.save_pretrained(directory)


def write_images(directory: Path, count: int = 5) -> list[Path]:
    directory.mkdir()
    generator = np.random.default_rng(0)
    paths = []
    for number in range(count):
        pixels = generator.integers(0, 256, (20 + 7 * number, 40, 3), dtype=np.uint8)
        paths.append(directory / f"image{number + 8}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def write_sounds(directory: Path, seconds=(0.30, 0.11, 0.30, 0.45)) -> list[Path]:
    import soundfile

    directory.mkdir()
    generator = np.random.default_rng(0)
    paths = []
    for number, length in enumerate(seconds):
        paths.append(directory / f"sound{number}.wav")
        wave = generator.normal(size=round(16000 * length)) * 0.1
        soundfile.write(paths[-1], wave, 16000, subtype="FLOAT")
    return paths
