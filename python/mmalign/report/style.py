"""How the report's figures look, and turning them into the same bytes every time."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#1f2328"
QUIET = "#6a7178"
RULE = "#d5d9de"
MARK = "#c1121f"
# Okabe and Ito's palette: distinct in every common kind of colour blindness, and in grey.
_VIEW_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_SEED_MARKERS = "os^Dv<>P*X"
# Perceptually even from dark to light, and the same to colour-blind eyes.
COLORMAP = "cividis"

PANEL_INCHES = (3.7, 3.1)
_PNG_DOTS_PER_INCH = 200


@dataclass(frozen=True)
class Panel:
    """One drawing of the report: ``name`` is its file's stem, ``alt`` says what it shows."""

    name: str
    alt: str
    svg: bytes
    png: bytes

    @property
    def data_uri(self) -> str:
        """The drawing as an address that needs no file."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode("ascii")


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's settings for the report; a name is drawn as it is, never read as a formula."""
    settings = {
        "font.family": ["DejaVu Sans"],
        "font.size": 8.5,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.labelsize": 8.5,
        "axes.edgecolor": QUIET,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "text.color": INK,
        "text.parse_math": False,
        "svg.fonttype": "path",
        "path.simplify": True,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def new_figure(inches: tuple[float, float] = PANEL_INCHES) -> Figure:
    """A figure that no global state knows of."""
    return Figure(figsize=inches, layout="constrained")


def finish(figure: Figure, name: str, alt: str) -> Panel:
    """Render a figure as SVG and PNG: equal figures give equal bytes, on any day."""
    FigureCanvasAgg(figure)
    # One layout serves both files; working it out takes as long as drawing.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    svg, png = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=_PNG_DOTS_PER_INCH, metadata={"Software": None})
    return Panel(name, alt, svg.getvalue(), png.getvalue())


def view_color(views: list[str], view: str) -> str:
    """The colour of a view; ink for what is not one view's."""
    if view not in views:
        return INK
    return _VIEW_COLORS[views.index(view) % len(_VIEW_COLORS)]


def seed_marker(seeds: list[int], seed: int) -> str:
    """The marker of a seed."""
    return _SEED_MARKERS[seeds.index(seed) % len(_SEED_MARKERS)]


def drawn_name(name: str) -> str:
    """A view's name on one line, shortened to what fits beside an axis."""
    line = " ".join(name.split())
    return line if len(line) <= 24 else f"{line[:23]}…"


def light_grid(axes: Axes) -> None:
    """Faint horizontal lines behind the data."""
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
