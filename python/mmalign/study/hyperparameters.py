"""Learning rates and weight decays, and the search for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..optional import require

#: Scores a choice: the higher, the better.
Score = Callable[["Hyperparameters"], float]


@dataclass(frozen=True)
class Hyperparameters:
    """Of AdamW, for a group of encoders that share them."""

    learning_rate: float
    weight_decay: float

    def __str__(self) -> str:
        return f"learning rate {self.learning_rate:g}, weight decay {self.weight_decay:g}"


@dataclass(frozen=True)
class SearchSpace:
    """The values a search may choose from, each of one with each of the other."""

    learning_rates: Sequence[float]
    weight_decays: Sequence[float]

    def all(self) -> list[Hyperparameters]:
        """Return every choice, learning rates outermost."""
        return [
            Hyperparameters(rate, decay)
            for rate in self.learning_rates
            for decay in self.weight_decays
        ]


class Searches:
    """Searches whose finished trials Optuna keeps in ``directory/trials.jsonl``.

    A search that was stopped goes on from its last finished trial, to the answer it would have
    come to. Raises UserError where Optuna is not installed.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._optuna = require("optuna", "a search for hyper-parameters", extra="tune")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        self._storage = self._optuna.storages.JournalStorage(
            self._optuna.storages.journal.JournalFileBackend(str(Path(directory) / "trials.jsonl"))
        )

    def sample(
        self, name: str, space: SearchSpace, score: Score, *, trials: int, seed: int
    ) -> tuple[Hyperparameters, float]:
        """Score ``trials`` choices that a tree of Parzen estimators makes; return the best.

        Of equal ones the first.
        """
        if trials < 1:
            raise UserError(f"trials must be at least 1, got {trials}.")
        search = self._search(name)
        for number in range(len(self._complete(search)), trials):
            # A sampler for each trial: a search that was stopped asks what it would have asked.
            search.sampler = self._optuna.samplers.TPESampler(seed=seed + number)
            trial = search.ask()
            chosen = Hyperparameters(
                trial.suggest_categorical("learning_rate", space.learning_rates),
                trial.suggest_categorical("weight_decay", space.weight_decays),
            )
            search.tell(trial, score(chosen))
        return Hyperparameters(**search.best_trial.params), search.best_value

    def try_all(self, name: str, space: SearchSpace, score: Score) -> None:
        """Score every choice that has no score yet, in order."""
        search = self._search(name)
        known = self.known(name)
        categories = self._optuna.distributions.CategoricalDistribution
        distributions = {
            "learning_rate": categories(space.learning_rates),
            "weight_decay": categories(space.weight_decays),
        }
        for chosen in space.all():
            if chosen not in known:
                # Told at once when it is finished, so that a kill leaves no trial half there.
                search.add_trial(
                    self._optuna.trial.create_trial(
                        params=asdict(chosen), distributions=distributions, value=score(chosen)
                    )
                )

    def known(self, name: str) -> dict[Hyperparameters, float]:
        """Return the choices that a search has scored so far."""
        trials = self._complete(self._search(name))
        return {Hyperparameters(**trial.params): trial.value for trial in trials}

    def _search(self, name: str) -> Any:
        return self._optuna.create_study(
            study_name=name, storage=self._storage, direction="maximize", load_if_exists=True
        )

    def _complete(self, search: Any) -> list[Any]:
        return search.get_trials(states=[self._optuna.trial.TrialState.COMPLETE])
