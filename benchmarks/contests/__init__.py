"""The contests, by the table they stand in. A new one is a line in one of these modules."""

from __future__ import annotations

from contest import Contest

from . import growth, libraries, matrices, neighbors, orders, scores

CONTESTS: tuple[Contest, ...] = (
    *libraries.CONTESTS,
    *neighbors.CONTESTS,
    *scores.CONTESTS,
    *matrices.CONTESTS,
    *orders.CONTESTS,
    *growth.CONTESTS,
)
SECTIONS = tuple(dict.fromkeys(contest.section for contest in CONTESTS))


def find(key: str) -> Contest:
    return next(contest for contest in CONTESTS if contest.key == key)
