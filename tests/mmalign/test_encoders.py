"""Encoders: shapes, layers, padding, and the layer that must equal torch's."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from mmalign.encoders import Classifier, build_encoder
from mmalign.encoders.dropout import Dropout
from mmalign.encoders.transformer import TransformerLayer
from mmalign.errors import UserError

KINDS = [
    ("mlp", (4, 3), {}, 12),
    ("mlp", (12,), {"width": 5, "activation": "tanh"}, 5),
    ("transformer", (20, 36), {}, 36),
    ("transformer", (4, 5), {"readout": "mean"}, 5),
    ("transformer", (4, 3), {"width": 6, "readout": "mean_with_padding"}, 6),
    ("patch_vit", (28, 28), {}, 16),
    ("patch_vit", (6, 9), {"patch": 3, "width": 4, "readout": "mean"}, 4),
]


@pytest.mark.parametrize(("kind", "shape", "options", "width"), KINDS)
@pytest.mark.parametrize("depth", [1, 3])
def test_every_layer_is_returned(kind, shape, options, width, depth):
    encoder = build_encoder(kind, shape, depth, **options).eval()
    output, layers = encoder(torch.randn(7, *shape))
    assert encoder.width == width
    assert [tuple(layer.shape) for layer in layers] == [(7, width)] * depth
    assert torch.equal(output, layers[-1])
    assert all(not torch.equal(a, b) for a, b in pairwise(layers))


@pytest.mark.parametrize(("kind", "shape", "options", "width"), KINDS)
def test_every_parameter_learns(kind, shape, options, width):
    classifier = Classifier(build_encoder(kind, shape, 2, **options), 4)
    logits, _ = classifier(torch.randn(9, *shape))
    assert logits.shape == (9, 4)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in classifier.parameters())


def copy_to_torch(layer: TransformerLayer, width: int) -> nn.TransformerEncoderLayer:
    same = nn.TransformerEncoderLayer(width, 1, width, 0.1, batch_first=True).eval()
    state = {
        "self_attn.in_proj_weight": layer.query_key_value.weight,
        "self_attn.in_proj_bias": layer.query_key_value.bias,
        "self_attn.out_proj.weight": layer.attention_output.weight,
        "self_attn.out_proj.bias": layer.attention_output.bias,
        "linear1.weight": layer.expand.weight,
        "linear1.bias": layer.expand.bias,
        "linear2.weight": layer.contract.weight,
        "linear2.bias": layer.contract.bias,
        "norm1.weight": layer.attention_norm.weight,
        "norm1.bias": layer.attention_norm.bias,
        "norm2.weight": layer.network_norm.weight,
        "norm2.bias": layer.network_norm.bias,
    }
    same.load_state_dict({name: value.detach() for name, value in state.items()})
    return same


@pytest.mark.parametrize("padded", [False, True])
def test_transformer_layer_equals_torch(padded):
    torch.manual_seed(0)
    layer = TransformerLayer(10, 0.1).eval()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.4)
    x = torch.randn(6, 9, 10)
    padding = torch.zeros(6, 9, dtype=torch.bool)
    if padded:
        padding = torch.arange(9) >= torch.tensor([1, 3, 5, 7, 8, 9])[:, None]
    bias = torch.zeros(6, 9).masked_fill(padding, float("-inf")).unsqueeze(1)
    ours = layer(x, bias if padded else None)
    theirs = copy_to_torch(layer, 10)(x, src_key_padding_mask=padding if padded else None)
    torch.testing.assert_close(ours[~padding], theirs[~padding], rtol=1e-5, atol=1e-5)


def test_transformer_layer_starts_like_torch():
    torch.manual_seed(0)
    ours = TransformerLayer(64, 0.1)
    theirs = nn.TransformerEncoderLayer(64, 1, 64, 0.1)
    pairs = [
        (ours.query_key_value, theirs.self_attn.in_proj_weight, theirs.self_attn.in_proj_bias),
        (ours.attention_output, theirs.self_attn.out_proj.weight, theirs.self_attn.out_proj.bias),
        (ours.expand, theirs.linear1.weight, theirs.linear1.bias),
        (ours.contract, theirs.linear2.weight, theirs.linear2.bias),
    ]
    for linear, weight, bias in pairs:
        assert linear.weight.abs().max().item() == pytest.approx(
            weight.abs().max().item(), rel=0.02
        )
        assert linear.weight.std().item() == pytest.approx(weight.std().item(), rel=0.05)
        assert linear.bias.abs().max().item() == pytest.approx(bias.abs().max().item(), rel=0.2)


@pytest.mark.parametrize("readout", ["cls", "mean"])
def test_padding_changes_nothing(readout):
    torch.manual_seed(0)
    encoder = build_encoder("transformer", (6, 5), 3, readout=readout).eval()
    x = torch.randn(4, 6, 5)
    padding = torch.arange(6) >= torch.tensor([2, 4, 5, 6])[:, None]
    other = torch.where(padding[..., None], 100 * torch.randn(4, 6, 5), x)
    _, before = encoder(x, padding)
    _, after = encoder(other, padding)
    for a, b in zip(before, after, strict=True):
        torch.testing.assert_close(a, b)


def test_mean_is_that_of_the_short_sequence():
    """Leaving the padding out of the input gives what masking it gives."""
    torch.manual_seed(0)
    encoder = build_encoder("transformer", (6, 5), 2, readout="mean").eval()
    short = build_encoder("transformer", (4, 5), 2, readout="mean").eval()
    state = encoder.state_dict()
    short.load_state_dict({**state, "positions": state["positions"][:, :4]})
    x = torch.randn(3, 6, 5)
    padding = (torch.arange(6) >= 4).expand(3, 6)
    torch.testing.assert_close(encoder(x, padding)[1], short(x[:, :4])[1])


def test_published_mean_counts_padding():
    torch.manual_seed(0)
    encoder = build_encoder("transformer", (6, 5), 1, readout="mean_with_padding").eval()
    x = torch.randn(4, 6, 5)
    padding = (torch.arange(6) >= 3).expand(4, 6)
    other = torch.where(padding[..., None], torch.randn(4, 6, 5), x)
    assert not torch.allclose(encoder(x, padding)[0], encoder(other, padding)[0], atol=1e-3)


def test_patches_are_tokens_in_reading_order():
    encoder = build_encoder("patch_vit", (4, 6), 1, patch=2, readout="mean").eval()
    seen = []
    encoder.transformer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    encoder(torch.arange(24.0).reshape(1, 4, 6))
    assert seen[0][0, 0].tolist() == [0, 1, 6, 7]
    assert seen[0][0, 1].tolist() == [2, 3, 8, 9]
    assert seen[0][0, 3].tolist() == [12, 13, 18, 19]


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_the_share(p):
    torch.manual_seed(0)
    dropout = Dropout(p)
    x = torch.ones(401, 1003, requires_grad=True)
    y = dropout(x)
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=0.003)
    assert y.mean().item() == pytest.approx(1.0, abs=0.01)
    kept = y[y != 0]
    assert torch.allclose(kept, torch.full_like(kept, 1 / (1 - p)), rtol=1e-4)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    # Neighbouring values share a 64-bit draw; their masks must not.
    masks = (y.detach() == 0).float().flatten()
    if p:
        correlation = torch.corrcoef(torch.stack([masks[:-1], masks[1:]]))[0, 1]
        assert abs(correlation) < 0.01
    assert torch.equal(dropout.eval()(x), x)


@pytest.mark.parametrize(
    ("kind", "shape", "depth", "options", "words"),
    [
        ("gru", (3,), 1, {}, "no encoder 'gru'"),
        ("mlp", (3,), 0, {}, "got 0"),
        ("mlp", (3,), True, {}, "got True"),
        ("mlp", (3,), 1, {"readout": "cls"}, "no option 'readout'; it has width, activation"),
        ("mlp", (3,), 1, {"width": 0}, "width must be an integer of at least 1"),
        ("mlp", (3,), 1, {"activation": "gelu"}, "got 'gelu'"),
        ("transformer", (3,), 1, {}, r"\(tokens, features\), got \(3,\)"),
        ("transformer", (3, 4), 1, {"readout": "max"}, "got 'max'"),
        ("transformer", (3, 4), 1, {"dropout": 1.0}, "below 1"),
        ("patch_vit", (28, 27), 1, {}, "multiples of the patch size 4"),
        ("patch_vit", (28, 28), 1, {"patch": 0}, "patch must be"),
    ],
)
def test_what_does_not_exist_is_refused(kind, shape, depth, options, words):
    with pytest.raises(UserError, match=words):
        build_encoder(kind, shape, depth, **options)


def test_wrong_batches_are_refused():
    encoder = build_encoder("transformer", (4, 5), 1)
    with pytest.raises(UserError, match=r"samples of shape \(4, 5\), got a batch of shape"):
        encoder(torch.zeros(2, 5, 4))
    with pytest.raises(UserError, match="padding must be a bool tensor"):
        encoder(torch.zeros(2, 4, 5), torch.zeros(2, 4))
    with pytest.raises(UserError, match="cannot leave out padding"):
        build_encoder("mlp", (4, 5), 1)(torch.zeros(2, 4, 5), torch.zeros(2, 4, dtype=torch.bool))
    with pytest.raises(UserError, match="takes no padding"):
        build_encoder("patch_vit", (4, 4), 1)(
            torch.zeros(2, 4, 4), torch.zeros(2, 1, dtype=torch.bool)
        )
