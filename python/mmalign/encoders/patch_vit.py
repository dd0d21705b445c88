"""An image cut into patches, read by the same transformer as any other sequence."""

from __future__ import annotations

from torch import Tensor, nn

from ..errors import UserError
from .checks import check_batch
from .transformer import Transformer


class PatchViT(nn.Module):
    """A vision transformer (Dosovitskiy et al., 2021) on non-overlapping square patches.

    input_shape: (height, width) in pixels, both multiples of ``patch``.
    patch:       side of a patch in pixels; a token is its patch^2 pixels, row by row.
    options:     of :class:`Transformer`; the width is patch^2 when not given.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        depth: int,
        *,
        patch: int = 4,
        width: int | None = None,
        readout: str = "cls",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if isinstance(patch, bool) or not isinstance(patch, int) or patch < 1:
            raise UserError(f"patch must be an integer of at least 1, got {patch!r}.")
        if len(input_shape) != 2 or any(length % patch for length in input_shape):
            raise UserError(
                f"The encoder 'patch_vit' reads images of shape (height, width), both multiples "
                f"of the patch size {patch}, got {input_shape}."
            )
        self.input_shape = input_shape
        self.patch = patch
        tokens = (input_shape[0] // patch) * (input_shape[1] // patch)
        self.transformer = Transformer(
            (tokens, patch * patch), depth, width=width, readout=readout, dropout=dropout
        )
        self.width = self.transformer.width

    def forward(self, x: Tensor, padding: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return the last layer's representation (n, width) and every layer's."""
        check_batch(x, self.input_shape, "patch_vit")
        if padding is not None:
            raise UserError("The encoder 'patch_vit' reads whole images and takes no padding.")
        height, width = self.input_shape
        patches = x.unflatten(2, (width // self.patch, self.patch)).unflatten(
            1, (height // self.patch, self.patch)
        )
        return self.transformer(patches.permute(0, 1, 3, 2, 4).flatten(3).flatten(1, 2))
