"""Collecting representations: from outputs of any kind to one row per sample."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import mmalign
from mmalign.errors import UserError

from .small_modules import inner_of


@dataclass
class Output:
    logits: None
    hidden: torch.Tensor


@pytest.mark.parametrize(
    "value",
    [
        lambda x: (x, x + 1),
        lambda x: [None, (x, x + 1)],
        lambda x: {"a": "text", "b": x},
        lambda x: OrderedDict(hidden=x, other=x + 1),
        lambda x: Output(None, x),
    ],
)
def test_the_first_tensor_of_an_output_is_taken(value):
    x = torch.randn(3, 5)
    np.testing.assert_array_equal(inner_of(value, x), x)


def test_select_takes_another_tensor():
    x = torch.randn(3, 5)
    np.testing.assert_array_equal(inner_of(lambda x: (x, x + 1), x, select=lambda o: o[1]), x + 1)


def test_an_output_without_a_tensor_is_named():
    with pytest.raises(UserError, match="inner puts out dict, in which there is no tensor"):
        inner_of(lambda x: {"a": 1}, torch.randn(3, 5))


@pytest.mark.parametrize("left", [False, True])
def test_masks_leave_padding_out(left):
    x = torch.randn(2, 4, 3)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    if left:
        mask = mask.flip(1)
    x[0][mask[0] == 0] = float("nan")

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Identity()

        def forward(self, x, attention_mask=None):
            return self.inner(x)

    model, first = Model(), slice(2, 4) if left else slice(0, 2)
    batch = {"x": x, "attention_mask": mask}
    with mmalign.collect(model, [batch], layers="inner", mask="attention_mask") as features:
        expected = torch.stack([x[0, first].mean(0), x[1].mean(0)])
        np.testing.assert_allclose(features["inner"], expected, rtol=1e-5, atol=1e-6)
    with mmalign.collect(model, mask=lambda given: given["attention_mask"], pool="last") as last:
        model(x, mask)
    np.testing.assert_array_equal(last["inner"], torch.stack([x[0, first][-1], x[1, -1]]))
    with (
        pytest.raises(UserError, match="mask is 'attention_mask', which was not given"),
        mmalign.collect(model, [x], mask="attention_mask"),
    ):
        pass
    with (
        pytest.raises(UserError, match=r"mask is 'padding', but Model takes x, attention_mask"),
        mmalign.collect(model, mask="padding"),
    ):
        pass
    for wrong, message in [
        (mask[:, :3], r"The mask is \(2, 3\), but inner puts out \(2, 4, 3\)"),
        (mask * 0, "The mask leaves no token of sample 0"),
    ]:
        with pytest.raises(UserError, match=message), mmalign.collect(model, mask=lambda _: wrong):  # noqa: B023
            model(x)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_of_a_fast_transformer_are_pooled_over_their_tokens():
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    encoder = nn.TransformerEncoder(block, 2)
    x, padding = torch.randn(3, 5, 16), torch.arange(5) >= torch.tensor([[2], [5], [3]])
    with (
        torch.no_grad(),
        mmalign.collect(encoder, layers="layers.1") as features,
    ):
        out = encoder(x, src_key_padding_mask=padding)
    expected = torch.stack([row[~hidden].mean(0) for row, hidden in zip(out, padding, strict=True)])
    np.testing.assert_allclose(features["layers.1"], expected, rtol=1e-4, atol=1e-5)


def test_pools():
    x = torch.randn(3, 4, 5, 6)
    np.testing.assert_allclose(inner_of(lambda x: x, x), x.mean((2, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(inner_of(lambda x: x, x, pool="flatten"), x.flatten(1))
    np.testing.assert_array_equal(inner_of(lambda x: x[:, :, 0], x, pool="cls"), x[:, 0, 0])
    np.testing.assert_array_equal(inner_of(lambda x: x[:, 0, 0, 0], x), x[:, :1, 0, 0])
    np.testing.assert_array_equal(
        inner_of(lambda x: x, x, pool=lambda out, mask: out[:, :, 0, 0]), x[:, :, 0, 0]
    )
    tokens_first = torch.randn(7, 3, 5)
    np.testing.assert_allclose(
        inner_of(lambda _: tokens_first, x, batch_axis=1), tokens_first.mean(0), rtol=1e-5
    )
    with pytest.raises(UserError, match="'cls' is for tokens"):
        inner_of(lambda x: x, x, pool="cls")
    with pytest.raises(UserError, match="pool must be one of mean, last, cls, flatten"):
        inner_of(lambda x: x, x, pool="max")
    with pytest.raises(UserError, match=r"pool made \(3, 4, 5, 6\) of inner"):
        inner_of(lambda x: x, x, pool=lambda out, mask: out)


def test_half_precision_is_summed_in_single():
    x = torch.full((2, 4096, 1), 1.001, dtype=torch.float64)
    for dtype in (torch.float16, torch.bfloat16):
        mean = inner_of(lambda x: x, x.to(dtype))
        assert mean.dtype == np.float32
        np.testing.assert_allclose(mean, float(x[0, 0, 0].to(dtype)), rtol=1e-6)
    assert inner_of(lambda x: x, x).dtype == np.float64


def test_a_language_model_of_hugging_face():
    from transformers import GPT2Config, GPT2Model

    torch.manual_seed(0)
    model = GPT2Model(GPT2Config(n_layer=2, n_embd=8, n_head=2, n_positions=8, vocab_size=11))
    batch = {"input_ids": torch.randint(11, (3, 5)), "attention_mask": torch.ones(3, 5).tril(2)}
    with mmalign.collect(
        model, [batch], layers=["h.0", "*.mlp"], mask="attention_mask", pool="last"
    ) as features:
        assert list(features) == ["h.0", "h.0.mlp", "h.1.mlp"]
    with torch.no_grad():
        states = model.eval()(**batch, output_hidden_states=True).hidden_states
    np.testing.assert_allclose(features["h.0"], states[1][torch.arange(3), torch.arange(2, 5)])
