"""A unit that by the trace stood elsewhere than its machine: a remark, never a refusal."""

from typing import Any

from railtrace.store.knowledge import Knowledge
from railtrace.store.whereabouts import whereabouts
from railtrace.trace.leaf import Entry, Unreadable
from railtrace.web.fleet import site_name


def elsewhere(knowledge: Knowledge, unit: str, site: str, at_us: int) -> tuple[str, ...]:
    """Return the remark that a unit a machine told of stood elsewhere by the trace, if it did."""
    stood = whereabouts(knowledge, unit, at_us)
    if stood is None or not site or stood.where == site:
        return ()
    return (f"unit_elsewhere {site_name(stood.where)}",)


def told_elsewhere(knowledge: Knowledge, entry: Entry, unit: str) -> tuple[str, ...]:
    """Return that remark of an entry of a machine or an instrument, as seen from one unit."""
    told: Any = entry.operation
    device = "" if isinstance(told, Unreadable) else getattr(told, "device", None) or ""
    if not device or unit == device:
        return ()
    site = told.site or knowledge.passport(device).home_site
    return elsewhere(knowledge, unit, site, entry.happened_us)
