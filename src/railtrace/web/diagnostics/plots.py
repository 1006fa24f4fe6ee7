"""Small charts as SVG coordinates: what a page draws without a script, and prints as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, log10

WIDTH, HEIGHT = 760.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 14.0, 30.0


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    value: float


@dataclass(frozen=True)
class Scale:
    """From values to coordinates."""

    low_x: float
    high_x: float
    low_y: float
    high_y: float
    width: float = WIDTH
    height: float = HEIGHT

    def x(self, value: float) -> float:
        """Return the coordinate across."""
        span = (self.high_x - self.low_x) or 1.0
        return LEFT + (value - self.low_x) / span * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the coordinate down."""
        span = (self.high_y - self.low_y) or 1.0
        return self.height - BOTTOM - (value - self.low_y) / span * (self.height - TOP - BOTTOM)

    @property
    def x_ticks(self) -> list[Tick]:
        """The marks across."""
        return [Tick(self.x(v), v) for v in rounded(self.low_x, self.high_x, 6)]

    @property
    def y_ticks(self) -> list[Tick]:
        """The marks down."""
        return [Tick(self.y(v), v) for v in rounded(self.low_y, self.high_y, 5)]

    @property
    def box(self) -> str:
        """The view box."""
        return f"0 0 {self.width:.0f} {self.height:.0f}"

    @property
    def floor(self) -> float:
        """The coordinate of the axis."""
        return self.height - BOTTOM

    @property
    def right(self) -> float:
        """The coordinate of the right end."""
        return self.width - RIGHT

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """Return a line through points."""
        pairs = (f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(xs, ys, strict=True))
        return "M" + " L".join(pairs) if len(xs) else ""

    def area(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
        """Return the band between two lines."""
        there = list(zip(xs, high, strict=True))
        back = list(zip(reversed(list(xs)), reversed(list(low)), strict=True))
        pairs = (f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in (*there, *back))
        return "M" + " L".join(pairs) + " Z"


def scale(
    xs: Sequence[float], ys: Sequence[float], width: float = WIDTH, height: float = HEIGHT
) -> Scale:
    """Return the scale that shows all values with a little air above and below."""
    low, high = min(ys), max(ys)
    air = (high - low or abs(high) or 1.0) * 0.08
    return Scale(min(xs), max(xs), low - air, high + air, width, height)


def rounded(low: float, high: float, about: int) -> list[float]:
    """Return round values between two."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    first = floor(low / step + 1)
    return [round((first + i) * step, 10) for i in range(int((high - first * step) / step) + 1)]


@dataclass
class Line:
    """A line of a chart, its points with titles, its fan ahead."""

    key: str
    path: str = ""
    dots: list[tuple[float, float, str, str]] = field(default_factory=list)
    doubts: list[tuple[float, float, float]] = field(default_factory=list)
    fan: str = ""
    ahead: str = ""
