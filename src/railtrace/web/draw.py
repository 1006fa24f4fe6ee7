"""A vehicle drawn from its type's layout: every part a link, coloured and marked by verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from railtrace.catalogue.layout import Drawing, Position, Shape

_GAP_M = 0.5
_BODY_WIDTH_M = 3.1


@dataclass(frozen=True)
class Sign:
    """What stands at a position: its words, where it leads, and its verdict ("" if no part)."""

    title: str
    href: str = ""
    verdict: str = ""


def side_view(drawing: Drawing, signs: Mapping[str, Sign], label: str) -> str:
    """Return an SVG: the left side with the A end to the left, and the plan below it.

    A path of the drawing that `signs` does not name is drawn as an empty place.
    """
    plan_top = drawing.side_height_m + _GAP_M
    height = plan_top + drawing.plan_width_m
    parts = "".join(
        _part(position, signs.get(position.path), plan_top)
        for position in drawing.positions
        if position.shapes
    )
    return (
        f'<svg class="drawing" viewBox="-0.6 -0.1 {_m(drawing.length_m + 1.2)} {_m(height + 0.2)}"'
        f' role="group" aria-label="{escape(label)}">{_bodies(drawing, plan_top)}{parts}</svg>'
    )


def _bodies(drawing: Drawing, plan_top: float) -> str:
    length, height = drawing.length_m, drawing.side_height_m
    middle = plan_top + drawing.plan_width_m / 2
    return (
        f'<path class="rails" d="M-0.6 {_m(height)}H{_m(length + 0.6)}"/>'
        f'<path class="body" transform="scale({length / 100:.5g} {height / 100:.5g})"'
        f' d="{escape(drawing.outline)}"/>'
        f'<rect class="body" x="0" y="{_m(middle - _BODY_WIDTH_M / 2)}" width="{_m(length)}"'
        f' height="{_BODY_WIDTH_M}" rx=".25"/>'
        f'<path class="centre" d="M0 {_m(middle)}H{_m(length)}"/>'
    )


def _part(position: Position, sign: Sign | None, plan_top: float) -> str:
    sign = sign or Sign(position.path)
    shapes = "".join(_shape(shape, plan_top) for shape in position.shapes)
    marks = "".join(_mark(shape, plan_top, sign.verdict) for shape in position.shapes)
    inner = f"<title>{escape(sign.title)}</title>{shapes}{marks}"
    kind = f'class="part is-{sign.verdict or "empty"}"'
    if sign.href:
        return f'<a href="{escape(sign.href)}" {kind}>{inner}</a>'
    return f"<g {kind}>{inner}</g>"


def _shape(shape: Shape, plan_top: float) -> str:
    top = shape.y + (plan_top if shape.view == "plan" else 0)
    return (
        f'<rect class="shape" x="{_m(shape.x)}" y="{_m(top)}" width="{_m(shape.width)}"'
        f' height="{_m(shape.height)}" rx="{_m(shape.rounding or 0.04)}"/>'
    )


def _mark(shape: Shape, plan_top: float, verdict: str) -> str:
    """Colour alone tells nothing on grey paper: what is not fit carries its sign as well."""
    x = shape.x + shape.width / 2
    y = shape.y + shape.height / 2 + (plan_top if shape.view == "plan" else 0)
    half = min(0.16, shape.width / 2, shape.height / 2)
    match verdict:
        case "unfit":
            return (
                f'<rect class="mark" x="{_m(x - half)}" y="{_m(y - half)}" width="{_m(2 * half)}"'
                f' height="{_m(2 * half)}"/>'
            )
        case "doubtful":
            return (
                f'<path class="mark" d="M{_m(x)} {_m(y - half)}A{_m(half)} {_m(half)} 0 0 0'
                f' {_m(x)} {_m(y + half)}Z"/>'
                f'<circle class="mark-ring" cx="{_m(x)}" cy="{_m(y)}" r="{_m(half)}"/>'
            )
    return ""


def _m(metres: float) -> str:
    return f"{metres:.3f}".rstrip("0").rstrip(".")
