"""Rolling bearings: what their geometry says about where damage shows, in orders of the shaft."""

from dataclasses import dataclass
from math import cos, radians
from typing import Literal

from railtrace.errors import BadEvidence

Damage = Literal["outer", "inner", "ball"]
DAMAGES: tuple[Damage, ...] = ("outer", "inner", "ball")


@dataclass(frozen=True)
class Bearing:
    """One bearing type: number of rolling elements, their and the pitch diameter, contact angle."""

    key: str
    rolling_elements: int
    element_diameter_mm: float
    pitch_diameter_mm: float
    contact_angle_deg: float = 0.0

    def __post_init__(self) -> None:
        ratio = self.element_diameter_mm / self.pitch_diameter_mm if self.pitch_diameter_mm else 0
        if self.rolling_elements < 3 or not 0 < ratio < 1:
            raise BadEvidence(
                "Bearing {key}: {n} elements of {d} mm on a pitch circle of {pitch} mm cannot be; "
                "check the catalogue row",
                reason="bearing_geometry",
                key=self.key,
                n=self.rolling_elements,
                d=self.element_diameter_mm,
                pitch=self.pitch_diameter_mm,
            )


@dataclass(frozen=True)
class FaultOrders:
    """Fault frequencies in orders of the shaft; `ball` is 2×BSF, at which ball damage shows."""

    outer: float
    inner: float
    ball: float
    cage: float

    def of(self, damage: Damage) -> float:
        """Return the order at which one kind of damage shows."""
        orders: dict[Damage, float] = {
            "outer": self.outer,
            "inner": self.inner,
            "ball": self.ball,
        }
        return orders[damage]

    @property
    def highest(self) -> float:
        """The highest of them: bands and sampling rates are measured by it."""
        return max(self.outer, self.inner, self.ball)


def fault_orders(bearing: Bearing) -> FaultOrders:
    """Return BPFO, BPFI, 2×BSF and FTF of a bearing with a standing outer ring [shaft orders].

    With g = (d/D)·cos φ: BPFO = n/2·(1−g), BPFI = n/2·(1+g), 2×BSF = D/d·(1−g²), FTF = (1−g)/2.

    Source: kinematics of pure rolling, R. B. Randall and J. Antoni, Mechanical Systems and Signal
    Processing 25 (2011) 485-520, table 1. Real bearings slip; the search allows for it.
    """
    ratio = bearing.element_diameter_mm / bearing.pitch_diameter_mm
    g = ratio * cos(radians(bearing.contact_angle_deg))
    half = bearing.rolling_elements / 2
    return FaultOrders(
        outer=half * (1 - g), inner=half * (1 + g), ball=(1 - g * g) / ratio, cage=(1 - g) / 2
    )
