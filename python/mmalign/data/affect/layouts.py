"""What the four affect datasets look like on disk (MultiBench, Liang et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...errors import UserError

MODALITIES = ("vision", "audio", "text")


@dataclass(frozen=True)
class AffectLayout:
    """One dataset: its file below MultiBench's directory, widths of its features, its task.

    name:    "mosi", "mosei", "humor" or "sarcasm".
    title:   the name of its authors; lower case, it may stand for ``name``.
    file:    relative path of the pickle.
    widths:  modality -> number of features; text is GloVe, 300 wide.
    task:    "regression" (labels from -3 to 3) or "classification" (two classes).
    """

    name: str
    title: str
    file: str
    widths: Mapping[str, int]
    task: str


def _layout(name: str, title: str, file: str, vision: int, audio: int, task: str) -> AffectLayout:
    widths = MappingProxyType({"vision": vision, "audio": audio, "text": 300})
    return AffectLayout(name, title, file, widths, task)


LAYOUTS = (
    _layout("mosi", "MOSI", "mosi/mosi_data.pkl", 20, 5, "regression"),
    _layout("mosei", "MOSEI", "mosei/mosei_senti_data.pkl", 35, 74, "regression"),
    _layout("humor", "UR-FUNNY", "humor/humor.pkl", 371, 81, "classification"),
    _layout("sarcasm", "MUStARD", "sarcasm/sarcasm.pkl", 371, 81, "classification"),
)


def affect_layout(name: str) -> AffectLayout:
    """Return the layout called ``name``: "humor" and "ur-funny" are the same, and so on."""
    for layout in LAYOUTS:
        if name in (layout.name, layout.title.lower()):
            return layout
    raise UserError(
        f"There is no affect dataset {name!r}; there are mosi, mosei, humor (ur-funny) and "
        "sarcasm (mustard)."
    )
