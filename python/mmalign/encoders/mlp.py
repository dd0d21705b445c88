"""A stack of linear layers, each followed by its activation."""

from __future__ import annotations

from torch import Tensor, nn

from ..errors import UserError
from .checks import check_batch, check_width

ACTIVATIONS = {
    "leaky_relu": lambda: nn.LeakyReLU(0.1),
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
}


class MLP(nn.Module):
    """``depth`` linear layers of one width; a layer's representation is its activation's output.

    input_shape: any; samples are flattened to their d values.
    width:       of every layer; d when not given.
    activation:  "leaky_relu" (slope 0.1), "relu" or "tanh".
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        depth: int,
        *,
        width: int | None = None,
        activation: str = "leaky_relu",
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise UserError(
                f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}."
            )
        self.input_shape = input_shape
        features = 1
        for length in input_shape:
            features *= length
        self.width = features if width is None else check_width(width)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Linear(features if layer == 0 else self.width, self.width),
                ACTIVATIONS[activation](),
            )
            for layer in range(depth)
        )

    def forward(self, x: Tensor, padding: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return the last layer's output (n, width) and every layer's; padding must be None."""
        check_batch(x, self.input_shape, "mlp")
        if padding is not None:
            raise UserError("The encoder 'mlp' flattens its input and cannot leave out padding.")
        state = x.flatten(1)
        representations = []
        for layer in self.layers:
            state = layer(state)
            representations.append(state)
        return state, representations
