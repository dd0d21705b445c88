"""Collecting representations: what is refused, by name, and what is left behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import mmalign
from mmalign.errors import UserError

from .small_modules import batches, hooks_of, returns, two_layers


def test_a_number_of_firings_that_changes_is_an_error():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = nn.Linear(4, 4)

        def forward(self, x):
            for _ in range(len(x)):
                x = self.step(x)
            return x

    model = Loop()
    with (
        pytest.raises(UserError, match="step#4 fired in some calls of the model and not in others"),
        mmalign.collect(model, [torch.randn(3, 4), torch.randn(4, 4)], layers="step"),
    ):
        pass
    assert hooks_of(model) == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("where", ["loader", "model", "block"])
def test_nothing_is_left_behind_whatever_ends_the_block(error, where):
    model = nn.Sequential(two_layers(), nn.Dropout(), nn.BatchNorm1d(2).eval()).train()
    model[2].eval()
    modes = [module.training for module in model.modules()]
    calls = []

    def loader():
        yield batches()[0]
        if where == "loader":
            raise error
        yield batches()[0]

    def call(model, x):
        calls.append(x)
        model(x if where != "model" or len(calls) < 2 else torch.randn(3, 5))

    def block():
        with mmalign.collect(model, loader(), layers="0.0", call=call) as features:
            assert not any(module.training for module in model.modules())
            assert features["0.0"].shape == (8, 8)
            raise error

    with pytest.raises(RuntimeError if where == "model" else error):
        block()
    assert hooks_of(model) == 0
    assert [module.training for module in model.modules()] == modes


def test_a_call_that_fails_leaves_no_layer_ahead():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x):
            if len(x) > 3:
                self.a(x)
                raise MemoryError
            return self.b(self.a(x))

    model = Fails()
    with mmalign.collect(model) as features:
        for x in (torch.ones(2, 4), torch.ones(5, 4), torch.ones(3, 4)):
            try:
                model(x)
            except MemoryError:
                continue
    assert {name: array.shape for name, array in features.items()} == {"a": (5, 3), "b": (5, 2)}


def test_the_mode_is_left_alone_when_asked():
    model = two_layers().train()
    with mmalign.collect(model, eval=False):
        assert model.training
        model(batches()[0])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("encodr.0", r"no layer is called 'encodr.0'. Near: encoder.0"),
        ("*.mpl", r"no layer is called '\*.mpl'"),
        ("encoder", r"encoder is a ModuleList, which is never called; .* 'encoder.\*'"),
        ("unused", "unused never fired"),
        ("un*", "unused never fired"),
        ([], r"layers must be names or patterns of names, got \[\]"),
        ([3], r"layers must be names or patterns of names, got \[3\]"),
        ("lstm", r"lstm puts tokens before samples \(batch_first=False\); say batch_axis=1"),
    ],
)
def test_layers_that_cannot_be_had_are_named(layers, message):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.ModuleList([nn.Linear(4, 4)])
            self.unused = nn.Linear(4, 4)
            self.lstm = nn.LSTM(4, 4)

        def forward(self, x):
            return self.encoder[0](x)

    model = Model()
    with pytest.raises(UserError, match=message), mmalign.collect(model, batches(), layers=layers):
        pass
    assert hooks_of(model) == 0
    with (
        pytest.warns(UserWarning, match=r"Never fired, and left out: unused\."),
        mmalign.collect(model, batches(), layers=["enc*", "un*"]) as features,
    ):
        assert list(features) == ["encoder.0"]


def test_a_part_that_is_called_without_the_model_is_named():
    model = two_layers()
    with (
        pytest.raises(UserError, match=r"0 fired, but the model itself was not called"),
        mmalign.collect(model),
    ):
        model[0](batches()[0])
    with (
        pytest.raises(UserError, match="no call of the model has succeeded"),
        mmalign.collect(model, []),
    ):
        pass


def test_different_numbers_of_samples_in_a_call_are_named():
    class Splits(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Identity(), nn.Identity()

        def forward(self, x):
            return self.a(x), self.b(x[1:])

    with (
        pytest.raises(UserError, match=r"In one call a gave \(4, 4\) and b \(3, 4\)"),
        mmalign.collect(Splits(), batches()),
    ):
        pass
    flat = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    with (
        pytest.raises(UserError, match="inner is 12 wide in one call and 20 in another"),
        mmalign.collect(returns(lambda x: x), flat, pool="flatten"),
    ):
        pass


def test_wrong_arguments_are_named():
    model = two_layers()
    for arguments, message in [
        ((3,), "model must be a torch.nn.Module, got int"),
        ((model, ["text"]), "A batch of the loader is a str"),
        ((nn.ReLU(),), "ReLU has no layers inside"),
    ]:
        with pytest.raises(UserError, match=message), mmalign.collect(*arguments):
            pass
    with (
        pytest.raises(UserError, match="call is for a loader"),
        mmalign.collect(model, call=lambda model, x: model(x)),
    ):
        pass
