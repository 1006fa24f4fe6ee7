"""Where a unit stood by the trace at a moment: in which depot, or who held it.

A machine's result about a unit that by then stood elsewhere is kept as it came; the page says so.
The last thing said before the moment counts, of the unit itself or of what it was on. That it
was on the line says of no depot, and so nothing is said of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from railtrace.store.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A site, or a holder's name in its stead; "" when what was said names neither."""

    where: str
    since_us: int
    operation: str = ""


def whereabouts(knowledge: Knowledge, unit: str, at_us: int) -> Whereabouts | None:
    """Return where a unit stood by the last thing said before a moment, None if it names none."""
    said = [one for some in _with_carriers(knowledge, unit, at_us)
            for one in _said(knowledge, some, at_us)]  # fmt: skip
    last = max(said, key=lambda one: one.since_us, default=None)
    return last if last is not None and last.where else None


def _with_carriers(knowledge: Knowledge, unit: str, at_us: int) -> list[str]:
    """Return a unit and what carried it at a moment, one on the other."""
    chain = [unit]
    while True:
        on = [s.carrier for s in knowledge.genealogy(chain[-1]).stays if s.covers(at_us)]
        if not on or on[-1] in chain:
            return chain
        chain.append(on[-1])


def _said(knowledge: Knowledge, unit: str, at_us: int) -> Iterator[Whereabouts]:
    """Yield what is said of a unit's own place, begun before a moment and not ended by it."""
    for stay in knowledge.placement(unit).stays:
        if stay.from_us <= at_us and (stay.left_us is None or at_us < stay.left_us):
            yield Whereabouts(stay.site, stay.from_us, stay.operation)
    for away in knowledge.outside(unit).stays:
        if away.sent_us <= at_us and (away.back_us is None or at_us < away.back_us):
            yield Whereabouts(away.to, away.sent_us, away.sent_by)
    yield from (one for one in _stocked(knowledge, unit) if one.since_us <= at_us)
    passport = knowledge.passport(unit)
    if passport.place_us is not None and passport.place_us <= at_us:
        place = {"home": passport.home_site, "abroad": passport.place,
                 "contractor": passport.place}.get(passport.whereabouts, "")  # fmt: skip
        yield Whereabouts(place, passport.place_us)


def _stocked(knowledge: Knowledge, unit: str) -> Iterator[Whereabouts]:
    """Yield in which depot's store a part lies, on which list it left, to whom it is lent."""
    stock = knowledge.stock(unit)
    if stock.store and stock.since_us is not None:
        yield Whereabouts(stock.site, stock.since_us, stock.since_by)
    if stock.away is not None:
        yield Whereabouts(stock.away.to, stock.away.from_us)
    if stock.loan is not None and stock.loan.kind == "lent":
        yield Whereabouts(stock.loan.party, stock.loan.from_us, stock.loan.operation)
