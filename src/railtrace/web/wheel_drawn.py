"""A wheel profile drawn from its row: the contour where the row has one, and where it is measured.

Where a standard's contour is not known, a flange of the row's height and thickness stands for it;
its curves are only drawn, the measuring lines are to scale.
"""

from collections.abc import Iterator
from html import escape

from django.utils.translation import gettext

from railtrace.catalogue.rows import WheelProfile

_LEFT, _RIGHT, _UNDER = -14.0, 142.0, 24.0
_USUAL_THICKNESS_MM = 33.0
"""Of the flange that is drawn where a row tells none."""


def wheel_profile_view(row: WheelProfile) -> str:
    """Return an SVG of the profile: the back face to the left, the tread to the right, in mm."""
    top = row.flange_height_mm + 8
    label = escape(gettext("Wheel profile, from the back face; mm"))
    return (
        f'<svg class="drawing wheel-drawn" viewBox="{_LEFT} {-top:g} {_RIGHT - _LEFT:g} '
        f'{top + _UNDER:g}" role="img" aria-label="{label}"><title>{label}</title>'
        f'<path class="body" d="{_outline(row)}"/>{"".join(_lines(row))}</svg>'
    )


def _outline(row: WheelProfile) -> str:
    if row.contour:
        points = " L".join(f"{x:g} {-y:g}" for x, y in row.contour)
        return f"M{points}"
    high, wide = row.flange_height_mm, row.flange_thickness_mm or _USUAL_THICKNESS_MM
    below = row.thickness_below_tip_mm or high - row.above_datum_mm
    flank = -(high - below)
    return (
        f"M0 {_UNDER - 6:g}V{12 - high:g}Q0 {-high:g} {wide / 2:g} {-high:g}"
        f"Q{wide * 0.85:g} {-high:g} {wide:g} {flank:g}Q{wide + 4:g} -2 {wide + 16:g} -2"
        f"L{row.datum_mm:g} 0L130 3V{_UNDER - 6:g}"
    )


def _lines(row: WheelProfile) -> Iterator[str]:
    """Yield the lines at which the wheel is measured, each with its words."""
    high, wide = row.flange_height_mm, row.flange_thickness_mm or _USUAL_THICKNESS_MM
    below = row.thickness_below_tip_mm or high - row.above_datum_mm
    yield f'<path class="measured" d="M{row.datum_mm:g} {-high:g}V12"/>'
    yield _text(row.datum_mm, 19, f"L2 = {row.datum_mm:g}", "middle")
    yield f'<path class="measured" d="M0 {-high:g}H{row.datum_mm:g}M0 0H{row.datum_mm:g}"/>'
    yield _text(row.datum_mm + 3, -high / 2, f"h = {high:g}")
    first, other = row.below_tip_mm - high, -row.above_datum_mm
    yield f'<path class="measured" d="M{wide / 2:g} {first:g}H{wide + 14:g}"/>'
    yield _text(wide + 15, first + 4, f"L1 = {row.below_tip_mm:g}")
    yield f'<path class="measured" d="M{wide - 6:g} {other:g}H{wide + 14:g}"/>'
    yield _text(wide + 15, other + 2, f"L3 = {row.above_datum_mm:g}")
    yield f'<path class="measured thick" d="M0 {below - high:g}H{wide:g}"/>'
    said = f"{row.flange_thickness_mm:g}" if row.flange_thickness_mm else "Sd"
    yield _text(wide / 2, below - high + 6.5, said, "middle")


def _text(x: float, y: float, said: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(said)}</text>'
