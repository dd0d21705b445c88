"""The page of many models: heat maps of models and layers, chance levels, every pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...analysis.labels import NO_BREAK, decimal, metric_label
from ...measure.calibration import LEAST_PERMUTATIONS, LEVEL
from ...measure.pairs import PairResult
from ...measure.results import layer_table, pair_table, ranked
from ...measure.run import Request
from ...study.cell import canonical_json
from ..page import fill, write_page
from .heat_maps import all_layers_map, drawn_names, layer_map, model_map
from .section import Section

_MOST_LAYER_MAPS = 6
_MOST_ROWS = 100


def write_measure_report(
    directory: Path, pairs: Sequence[PairResult], request: Request, notes: Sequence[str]
) -> Path:
    """Write ``report.html``, ``figures/``, ``results.json`` and two tables; return the page.

    pairs: all of the request. ``pairs.parquet`` has a row a metric and pair of models,
    ``layers.parquet`` a row a pair of layers. Raises UserError where the disk refuses.
    """
    by_metric = [
        [pair for pair in pairs if pair.metric.name == metric.name] for metric in request.metrics
    ]
    xs, ys = (len({getattr(pair, side).path for pair in pairs}) for side in ("x", "y"))
    every = dict.fromkeys([*notes, *(note for pair in pairs for note in pair.notes)])
    content = {
        "kicker": f"mmalign measure · {xs} and {ys} models",
        "title": "How alike are the models?",
        "answers": [_answer(own) for own in by_metric],
        "notes": list(every),
        "facts": _facts(pairs[0], request, xs, ys),
        "sections": [section for own in by_metric for section in _sections(own)],
        "foot": "All numbers are in pairs.parquet, layers.parquet and results.json beside this "
        "page, the figures in figures/.",
    }
    document = {
        "treatment": request.treatment.describe(),
        "seed": request.seed,
        "pairs": [pair.describe() for pair in pairs],
        "notes": list(every),
    }
    tables = {"pairs": pair_table(pairs, request), "layers": layer_table(pairs)}
    return write_page(
        directory / "report.html",
        fill("measure.html", **content),
        [panel for section in content["sections"] for panel in section.panels],
        tables,
        documents={"results": document},
        drawings=True,
    )


def _name(pair: PairResult) -> str:
    return metric_label(pair.metric.name, canonical_json(pair.metric.options))


def _answer(pairs: Sequence[PairResult]) -> str:
    order = ranked(pairs)
    if not order:
        return f"{_name(pairs[0])}: not defined for any pair of models."
    first = order[0]
    if first.is_with_itself:
        text = f"{_name(first)}: two different layers of {first.x.name} reach"
    elif len(order) == 1:
        text = f"{_name(first)}: {first.x.name} and {first.y.name} reach"
    else:
        text = f"{_name(first)}: most alike are {first.x.name} and {first.y.name},"
    text += f" {decimal(first.score)}"
    tested = [pair for pair in order if pair.calibration]
    if not tested:
        return f"{text}."
    text += f" where pairing at random gives {decimal(first.calibration['chance_of_best'])}"
    if len(first.null) < LEAST_PERMUTATIONS:
        return (
            f"{text}; whether that is beyond chance takes {LEAST_PERMUTATIONS} permutations or "
            f"more, and there are {len(first.null)}."
        )
    if len(tested) == 1:
        return f"{text} (p{NO_BREAK}value {decimal(first.calibration['p_value'], 3)})."
    above = sum(pair.calibration["p_value"] <= LEVEL for pair in tested)
    by_chance = round(LEVEL * len(tested))
    beside = f", where unrelated models would give about {by_chance}" if by_chance else ""
    return (
        f"{text}; {above} of {len(tested)} pairs of models are beyond what {LEVEL:.0%} of such "
        f"pairings reach{beside}."
    )


def _facts(first: PairResult, request: Request, xs: int, ys: int) -> list[tuple[str, str]]:
    facts = [
        ("Samples", f"{first.x.n:,}"),
        ("Models", f"{xs} and {ys}"),
        ("Features", str(request.treatment)),
    ]
    for metric in request.metrics:
        permutations = request.permutations_of(metric)
        drawn = (
            f"{permutations} permutations of the samples (seed {request.seed}), each applied to "
            "all layers of the second model"
            if permutations
            else "the chance level of the best pair of layers was not computed"
        )
        facts.append((metric_label(metric.name, canonical_json(metric.options)), drawn))
    return facts


def _sections(pairs: Sequence[PairResult]) -> list[Section]:
    name = _name(pairs[0])
    order = ranked(pairs)
    if not order:
        return []
    chance = pairs[0].chance
    single = (
        "The score expected of one pair of layers of unrelated models is not known in closed form."
        if chance is None
        else f"One pair of layers of unrelated models is expected to score {decimal(chance, 3)}."
    )
    tested = any(pair.calibration for pair in pairs)
    if pairs[0].metric.is_distance:
        single = f"Less is more alike. {single}"
    best = (
        " The best of all pairs of layers is chosen, and is better by chance as well: the red line "
        "on the scale is its mean over pairings of the samples at random."
        if tested
        else ""
    )
    if any(pair.is_with_itself for pair in pairs):
        best += " Of a model and itself, two different layers are compared."
    several = len(pairs) > 1
    sections = []
    if several:
        sections.append(Section(name, single + best, [model_map(pairs, name)]))
        sections.append(
            Section(
                f"{name}: all layers",
                "Each block is a pair of models, the first layers at its top left.",
                [all_layers_map(pairs, name)],
            )
        )
    shown = [pair for pair in order[:_MOST_LAYER_MAPS] if pair.scores.size > 1]
    which = (
        f"The {len(shown)} pairs of models most alike; layers are counted from 0 and the two most "
        "alike are framed."
        if several
        else f"Layers are counted from 0; the two most alike are framed. {single}{best}"
    )
    if shown:
        own, other = (
            dict(zip(names, drawn_names(names), strict=True))
            for names in (
                list(dict.fromkeys(getattr(pair, side).name for pair in pairs)) for side in "xy"
            )
        )
        maps = [layer_map(pair, name, (own[pair.x.name], other[pair.y.name])) for pair in shown]
        sections.append(Section(f"{name}: layer by layer", which, maps))
    return [*sections, _table(name, order, tested)]


def _table(name: str, order: list[PairResult], tested: bool) -> Section:
    heads = ["Model", "Model", "Layer", "Layer", "Score"]
    text = "The best pair of layers of every two models, most alike first."
    calibrated = tested and order[0].metric.highest_is_1
    if tested:
        heads += ["Best by chance", "5% threshold", f"p{NO_BREAK}value"]
    if calibrated:
        heads.append("Calibrated")
        text += (
            " Calibrated is (score − threshold) / (1 − threshold), 0 where the score does not "
            "reach what 5% of pairings at random do."
        )
    if len(order) > _MOST_ROWS:
        text += f" The first {_MOST_ROWS} of {len(order)}."
    return Section(
        f"{name}: pairs of models",
        text,
        [],
        heads,
        [_row(pair.describe(), tested, calibrated) for pair in order[:_MOST_ROWS]],
        texts=4,
    )


def _row(row: dict[str, Any], tested: bool, calibrated: bool) -> list[str]:
    cells = [row["x"], row["y"], row["layer_x"], row["layer_y"], decimal(row["score"], 3)]
    columns = ["chance_of_best", "threshold", "p_value"] if tested else []
    columns += ["calibrated"] if calibrated else []
    return cells + [decimal(row.get(column), 3) for column in columns]
