"""The metrics inside PyTorch: operators that ``torch.compile`` keeps whole, and gradients.

Importing this package loads torch; ``import mmkernels`` does not. :func:`cka` and :func:`hsic` of
tensors that require a gradient are differentiable, as :func:`mmkernels.cka` and
:func:`mmkernels.hsic` of such tensors are, in reverse mode. Every other function, also of
:mod:`mmkernels` (``cka_matrix``, ``measure_matrix``, ``distance_correlation``, a prepared Gram and
the rest), reads tensors as constants: its result has no gradient. :mod:`mmkernels.torch.metric`
needs torchmetrics and is imported by name.

>>> import torch, mmkernels.torch
>>> draw = torch.Generator().manual_seed(0)
>>> x = torch.randn(20, 3, generator=draw, requires_grad=True)
>>> y = torch.randn(20, 4, generator=draw)
>>> (1 - mmkernels.torch.cka(x, y)).backward()
>>> x.grad.shape
torch.Size([20, 3])
"""

from .operators import knn, mutual_knn
from .similarity import cka, hsic

__all__ = ["cka", "hsic", "knn", "mutual_knn"]
