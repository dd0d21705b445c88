"""Many small multi-layer perceptrons, each trained as PyTorch would train it alone, at once.

A study of representations needs thousands of networks of a dozen units; a deep-learning framework
spends nearly all of its time on such a network between its operations. Here a whole network and its
batch stay in the caches of one core.
"""

from ._fit import fit
from ._fitted import FittedNetwork
from ._networks import Network, TrainingData
from ._order import batch_order

__all__ = ["FittedNetwork", "Network", "TrainingData", "batch_order", "fit"]
