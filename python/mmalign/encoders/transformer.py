"""A post-norm transformer over a sequence of tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import UserError
from .checks import check_batch, check_width
from .dropout import Dropout

READOUTS = ("cls", "mean", "mean_with_padding")


class TransformerLayer(nn.Module):
    """One post-norm layer: single-head self-attention, then a ReLU network of the same width.

    The function, the places of dropout and the initialisation are those of
    ``torch.nn.TransformerEncoderLayer(width, 1, width, dropout, batch_first=True)`` (Vaswani et
    al., 2017), in fewer operations: at widths of a few dozen their number sets the time.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(width, 3 * width)
        nn.init.xavier_uniform_(self.query_key_value.weight)
        nn.init.zeros_(self.query_key_value.bias)
        self.attention_output = nn.Linear(width, width)
        nn.init.zeros_(self.attention_output.bias)
        self.expand = nn.Linear(width, width)
        self.contract = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width)
        self.network_norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)
        self.scale = width**-0.5

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Map (n, tokens, width) to the same shape; ``bias`` (n, 1, tokens) adds to the scores."""
        query, key, value = self.query_key_value(x).chunk(3, dim=-1)
        query = query * self.scale
        scores = (
            torch.bmm(query, key.transpose(1, 2))
            if bias is None
            else torch.baddbmm(bias, query, key.transpose(1, 2))
        )
        attention = self.dropout(torch.softmax(scores, dim=-1))
        attended = self.attention_output(torch.bmm(attention, value))
        x = self.attention_norm(x + self.dropout(attended))
        network = self.contract(self.dropout(functional.relu(self.expand(x))))
        return self.network_norm(x + self.dropout(network))


class Transformer(nn.Module):
    """Token embedding, learned positions and ``depth`` post-norm layers with one head.

    input_shape: (tokens, features).
    width:       of every layer and of the feed-forward network; ``features`` when not given.
    readout:     "cls" (a learned first token), "mean" over the tokens that are not padding, or
                 "mean_with_padding" (over all positions, as the published code does).
    dropout:     probability, at the four places of the post-norm layer.

    A layer's representation is the readout of its output. With a ``padding`` mask (n, tokens),
    True where a token is padding, no token attends to padding; a sample that is nothing but
    padding has no mean and comes out as NaN.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        depth: int,
        *,
        width: int | None = None,
        readout: str = "cls",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if len(input_shape) != 2:
            raise UserError(
                f"The encoder 'transformer' reads samples of shape (tokens, features), got "
                f"{input_shape}."
            )
        if readout not in READOUTS:
            raise UserError(f"readout must be one of {', '.join(READOUTS)}, got {readout!r}.")
        tokens, features = input_shape
        self.input_shape = input_shape
        self.width = features if width is None else check_width(width)
        self.readout = readout
        self.embedding = nn.Linear(features, self.width)
        positions = tokens
        if readout == "cls":
            self.cls = nn.Parameter(torch.randn(1, 1, self.width))
            positions += 1
        self.positions = nn.Parameter(torch.randn(1, positions, self.width))
        self.layers = nn.ModuleList(TransformerLayer(self.width, dropout) for _ in range(depth))

    def forward(self, x: Tensor, padding: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return the last layer's representation (n, width) and every layer's."""
        check_batch(x, self.input_shape, "transformer")
        if padding is not None and (
            padding.dtype != torch.bool or tuple(padding.shape) != tuple(x.shape[:2])
        ):
            raise UserError(
                f"padding must be a bool tensor of shape {tuple(x.shape[:2])}, got "
                f"{padding.dtype} of shape {tuple(padding.shape)}."
            )
        state = self.embedding(x)
        hidden = padding
        if self.readout == "cls":
            state = torch.cat([self.cls.expand(len(x), -1, -1), state], dim=1)
            if padding is not None:
                hidden = functional.pad(padding, (1, 0), value=False)
        state = state + self.positions
        bias = None
        if hidden is not None:
            bias = torch.zeros(hidden.shape, dtype=state.dtype, device=state.device)
            bias = bias.masked_fill_(hidden, float("-inf")).unsqueeze(1)
        representations = []
        for layer in self.layers:
            state = layer(state, bias)
            representations.append(self._pool(state, padding))
        return representations[-1], representations

    def _pool(self, state: Tensor, padding: Tensor | None) -> Tensor:
        if self.readout == "cls":
            return state[:, 0]
        if padding is None or self.readout == "mean_with_padding":
            return state.mean(dim=1)
        kept = (~padding).to(state.dtype)
        return torch.bmm(kept.unsqueeze(1), state).squeeze(1) / kept.sum(dim=1, keepdim=True)
