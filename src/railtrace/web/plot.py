"""Plots as SVG: axes with ticks, lines, bands, points and bars; looks are the style sheet's.

Nothing here knows what is drawn. Figures are written as the reader's language writes them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, isfinite, log10

from railtrace.web.figures import figure

WIDTH, HEIGHT = 640.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 76.0, 22.0, 12.0, 50.0
_TICKS = 6

Transform = Callable[[float], float]
Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis: what it counts, from where to where, where its ticks stand.

    `ticks` are (value, words); without them they are chosen. `through` bends the axis, as the
    logarithm does; values are given unbent.
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()
    through: Transform = float

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0..1; beyond them is cut off."""
        low, high = self.through(self.low), self.through(self.high)
        span = high - low or 1.0
        return min(max((self.through(value) - low) / span, 0.0), 1.0)


def linear(label: str, values: Sequence[float], language: str, zero: bool = True) -> Axis:
    """Return an axis over values with round ticks; from zero on unless told otherwise."""
    finite = [v for v in values if isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    low = min(low, 0.0) if zero else low
    high = high if high > low else low + 1.0
    step = _round((high - low) / _TICKS)
    first, last = floor(low / step), ceil(high / step - 1e-9)
    places = max(0, -floor(log10(step)))
    marks = [n * step for n in range(first, last + 1)]
    return Axis(label, marks[0], marks[-1],
                tuple((v, figure(float(v), language, places)) for v in marks))  # fmt: skip


def logarithmic(label: str, values: Sequence[float], language: str) -> Axis:
    """Return an axis by powers of ten over values above zero."""
    finite = [v for v in values if isfinite(v) and v > 0]
    low, high = min(finite, default=1.0), max(finite, default=10.0)
    first, last = floor(log10(low)), ceil(log10(high) + 1e-9)
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    marks = [s * 10.0**n for n in range(first, last + 1) for s in steps]
    inside = [v for v in marks if low / 2.1 <= v <= high * 2.1]
    ticks = tuple((v, figure(v, language, max(0, -floor(log10(v))))) for v in inside)
    return Axis(label, min(low, inside[0]), max(high, inside[-1]), ticks, log10)


def _round(step: float) -> float:
    power = 10.0 ** floor(log10(step))
    return float(next(n * power for n in (1, 2, 5, 10) if n * power >= step - 1e-12))


@dataclass
class Plot:
    """A plot to be drawn on; `svg()` is the whole."""

    x: Axis
    y: Axis
    said: str
    """What a reader who does not see it is told."""
    height: float = HEIGHT
    _drawn: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> Point:
        """Return the place of a pair of values."""
        across, up = WIDTH - _LEFT - _RIGHT, self.height - _TOP - _BOTTOM
        return _LEFT + across * self.x.share(x), _TOP + up * (1 - self.y.share(y))

    def line(self, points: Sequence[Point], look: str = "plot-line", steps: bool = False) -> None:
        """Draw a line through points, or a stair that holds each value up to the next."""
        if not points:
            return
        placed = [self.at(*p) for p in points]
        path = f"M{_c(placed[0][0])} {_c(placed[0][1])}"
        for x, y in placed[1:]:
            path += f"H{_c(x)}V{_c(y)}" if steps else f"L{_c(x)} {_c(y)}"
        self._drawn.append(f'<path class="{look}" d="{path}"/>')

    def band(self, low: Sequence[Point], high: Sequence[Point], look: str = "plot-band",
             steps: bool = False) -> None:  # fmt: skip
        """Fill between two lines over the same places."""
        if not low:
            return
        below, above = ([self.at(*p) for p in line] for line in (low, high))
        if steps:
            below, above = _stairs(below), _stairs(above)
        path = "L".join(f"{_c(x)} {_c(y)}" for x, y in [*above, *reversed(below)])
        self._drawn.append(f'<path class="{look}" d="M{path}Z"/>')

    def dot(self, x: float, y: float, said: str = "", look: str = "plot-dot",
            href: str = "", mark: str = "circle") -> None:  # fmt: skip
        """Mark a pair of values: a circle, or a diamond for what stands out."""
        px, py = self.at(x, y)
        shape = (f'<circle class="{look}" cx="{_c(px)}" cy="{_c(py)}" r="3.5"/>'
                 if mark == "circle" else
                 f'<path class="{look}" d="M{_c(px)} {_c(py - 6)}l6 6l-6 6l-6 -6z"/>')  # fmt: skip
        inner = f"<title>{escape(said)}</title>{shape}" if said else shape
        self._drawn.append(
            f'<a href="{escape(href)}">{inner}</a>' if href else f"<g>{inner}</g>"
        )

    def bar(self, x_from: float, x_to: float, y: float, said: str = "", href: str = "") -> None:
        """Draw an upright bar from the foot of the plot."""
        left, top = self.at(x_from, y)
        right, foot = self.at(x_to, self.y.low)
        shape = (f'<rect class="plot-bar" x="{_c(left)}" y="{_c(top)}"'
                 f' width="{_c(right - left)}" height="{_c(foot - top)}"/>')  # fmt: skip
        inner = f"<title>{escape(said)}</title>{shape}"
        self._drawn.append(
            f'<a href="{escape(href)}">{inner}</a>' if href else f"<g>{inner}</g>"
        )

    def level(self, y: float, look: str = "plot-level") -> None:
        """Draw a level line across."""
        self.line([(self.x.low, y), (self.x.high, y)], look)

    def svg(self) -> str:
        """Return the SVG."""
        return (
            f'<svg class="plot" viewBox="0 0 {WIDTH:g} {self.height:g}" role="img"'
            f' aria-label="{escape(self.said)}">{self._grid()}{"".join(self._drawn)}</svg>'
        )

    def _grid(self) -> str:
        parts, foot = [], self.height - _BOTTOM
        for value, words in self.y.ticks:
            y = self.at(self.x.low, value)[1]
            parts.append(f'<path class="plot-grid" d="M{_LEFT:g} {_c(y)}H{WIDTH - _RIGHT:g}"/>'
                         f'<text class="plot-tick" x="{_LEFT - 6:g}" y="{_c(y + 4)}"'
                         f' text-anchor="end">{escape(words)}</text>')  # fmt: skip
        for value, words in self.x.ticks:
            x = self.at(value, self.y.low)[0]
            parts.append(f'<path class="plot-grid" d="M{_c(x)} {foot:g}v4"/>'
                         f'<text class="plot-tick" x="{_c(x)}" y="{foot + 19:g}"'
                         f' text-anchor="middle">{escape(words)}</text>')  # fmt: skip
        parts.append(
            f'<text class="plot-name" x="{WIDTH - _RIGHT:g}" y="{self.height - 6:g}"'
            f' text-anchor="end">{escape(self.x.label)}</text>'
            f'<text class="plot-name" transform="translate(14 {_TOP:g}) rotate(-90)"'
            f' text-anchor="end">{escape(self.y.label)}</text>'
            f'<path class="plot-axis" d="M{_LEFT:g} {_TOP:g}V{foot:g}H{WIDTH - _RIGHT:g}"/>'
        )
        return "".join(parts)


def _stairs(points: Sequence[Point]) -> list[Point]:
    found = [points[0]]
    for x, y in points[1:]:
        found += [(x, found[-1][1]), (x, y)]
    return found


def _c(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
