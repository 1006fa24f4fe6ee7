"""Which limit applies."""

from datetime import date, datetime

from railtrace.catalogue.rows import Catalogue, CheckRule, Limit, Moment, Row, WheelProfile

# A unit after repair must also satisfy what holds at departure, and so on, unless a row says more.
_STANDS_IN: dict[Moment, tuple[Moment | None, ...]] = {
    "in_service": ("in_service", None),
    "at_departure": ("at_departure", "in_service", None),
    "after_repair": ("after_repair", "at_departure", "in_service", None),
    "en_route": ("en_route", None),
}


def limits_for(
    catalogue: Catalogue,
    quantity: str,
    part_type: str | None,
    vehicle_class: str | None,
    moment: Moment,
    at: date,
    *,
    place: str = "",
    max_speed_kmh: int | None = None,
) -> tuple[Limit, ...]:
    """Return the limits that fit a reading; the first is the one that applies.

    They stand in the order of: the jurisdiction's precedence; the moment asked for before one
    that stands in for it; a row that names the part type, then the vehicle class, then the
    place, before one that does not; the narrower speed band; the later `valid_from`; confirmed
    before unconfirmed; the key. Rows of precedence 0 never fit. Without a highest speed allowed,
    the bands that begin at 0 fit.
    """
    day = at.date() if isinstance(at, datetime) else at
    moments = _STANDS_IN[moment]
    fitting = (
        limit
        for limit in catalogue.limits_by_quantity.get(quantity, ())
        if limit.moment in moments
        and _in_force(catalogue, limit, day)
        and (not limit.part_types or part_type in limit.part_types)
        and (not limit.vehicle_classes or vehicle_class in limit.vehicle_classes)
        and limit.place in ("", place)
        and _in_band(limit, max_speed_kmh)
    )
    return tuple(sorted(fitting, key=lambda limit: _rank(catalogue, limit, moments)))


def check_rule_for(
    catalogue: Catalogue, equipment: str, unit_type: str, at: date
) -> CheckRule | None:
    """Return the rule that tests of a kind of machine on a type of unit are judged by then."""
    fitting = [
        rule for rule in catalogue.check_rules.values()
        if equipment in rule.equipment and _in_force(catalogue, rule, at)
        and (not rule.applies_to or unit_type in rule.applies_to)
    ]  # fmt: skip
    return min(
        fitting, key=lambda r: (not r.applies_to, -r.valid_from.toordinal(), r.key), default=None
    )


def wheel_profile_for(catalogue: Catalogue, unit_type: str, at: date) -> WheelProfile | None:
    """Return how wheels of a type of unit are measured then: a row that names it comes first."""
    fitting = [
        row for row in catalogue.wheel_profiles.values()
        if _in_force(catalogue, row, at) and (not row.part_types or unit_type in row.part_types)
    ]  # fmt: skip
    return min(
        fitting, key=lambda r: (not r.part_types, -r.valid_from.toordinal(), r.key), default=None
    )


def limit_for(
    catalogue: Catalogue,
    quantity: str,
    unit_type: str,
    moment: Moment,
    at: date,
    *,
    place: str = "",
    max_speed_kmh: int | None = None,
) -> Limit | None:
    """Return the limit that applies to a unit of a vehicle or part type, if any does."""
    vehicle = catalogue.vehicle_types.get(unit_type)
    vehicle_class = vehicle.vehicle_class if vehicle else None
    fitting = limits_for(
        catalogue, quantity, unit_type, vehicle_class, moment, at,
        place=place, max_speed_kmh=max_speed_kmh,
    )  # fmt: skip
    return fitting[0] if fitting else None


def _in_force(catalogue: Catalogue, limit: Row, day: date) -> bool:
    return (
        limit.valid_from <= day <= (limit.valid_to or date.max)
        and catalogue.jurisdictions[limit.jurisdiction].precedence > 0
    )


def _in_band(limit: Limit, max_speed_kmh: int | None) -> bool:
    if max_speed_kmh is None:
        return limit.max_speed_kmh_from == 0
    return limit.max_speed_kmh_from < max_speed_kmh <= _band_end(limit)


def _band_end(limit: Limit) -> int:
    return 1000 if limit.max_speed_kmh_to is None else limit.max_speed_kmh_to


def _rank(
    catalogue: Catalogue, limit: Limit, moments: tuple[Moment | None, ...]
) -> tuple[int | str, ...]:
    return (
        catalogue.jurisdictions[limit.jurisdiction].precedence,
        moments.index(limit.moment),
        not limit.part_types,
        not limit.vehicle_classes,
        not limit.place,
        _band_end(limit) - limit.max_speed_kmh_from,
        -limit.valid_from.toordinal(),
        not limit.confirmed,
        limit.key,
    )
