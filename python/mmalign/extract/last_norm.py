"""Whether a model's last layer has passed its final norm, which libraries do not say."""

from __future__ import annotations

import torch


class LastNorm:
    """Watches the norms of a model.

    In most language models of transformers the last of the hidden states has passed the final norm
    and the others have not; in most vision models none has. A score that falls or rises at the last
    layer may be nothing but that.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self._place: int | None = None
        for module in model.modules():
            if "Norm" in type(module).__name__:
                module.register_forward_hook(self._note)

    def _note(self, module: torch.nn.Module, inputs: object, output: object) -> None:
        self._place = output.data_ptr() if isinstance(output, torch.Tensor) else None

    def gave(self, states: torch.Tensor) -> bool:
        """Whether these states are what the last norm of the forward pass put out."""
        return states.data_ptr() == self._place
