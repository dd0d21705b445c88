"""Exact information of discrete variables with a known joint table, in nats."""

from .discrete import bayes_accuracy, mutual_information
from .pid import Decomposition, broja, decomposition

__all__ = ["Decomposition", "bayes_accuracy", "broja", "decomposition", "mutual_information"]
