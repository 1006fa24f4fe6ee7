"""What leaned on an entry that was corrected since, and who is told of it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext_noop as _

from railtrace.projections import leaning
from railtrace.trace.leaf import Entry, microseconds, read
from railtrace.trace.operation import Corrected, Operation, Released, ReleaseRefused
from railtrace.web.corrections import corrections_of
from railtrace.web.models import Told
from railtrace.web.notices import notify
from railtrace.web.running import the_app

TOLD_WITHIN = timedelta(days=7)
"""Old corrections that arrive with a whole history are nobody's news."""


def direct(targets: Sequence[str]) -> list[tuple[str, Entry]]:
    """Return (operation leaned on, entry) of everything that leans on some operations."""
    app = the_app()
    places = app.lookup.leaning(targets)
    leaves = app.trace.leaves_at([(log, position) for _, log, position in places])
    return [(target, read(leaves[log, at], log, at)) for target, log, at in places]


def standing_on(id_: str) -> list[tuple[Entry, str]]:
    """Return everything that leans on an operation, and what it leans on it by."""
    return leaning.standing_on(id_, direct)


def gone_under(
    entries: Iterable[Entry], known_us: int | None = None
) -> dict[tuple[str, int], list[tuple[str, Entry]]]:
    """Return, by the place of each entry that leaned on what holds no more, what that was."""
    leaned = {(e.log, e.position): e for e in entries if leaning.leaned_on(e)}
    targets = {id_ for entry in leaned.values() for id_ in leaning.leaned_on(entry)}
    corrections = corrections_of(targets, known_us) if targets else {}
    found = {place: leaning.gone(entry, corrections) for place, entry in leaned.items()}
    return {place: lost for place, lost in found.items() if lost}


def last_decision(units: Sequence[str], known_us: int | None = None) -> Entry | None:
    """Return the last decision on the release of a unit, as known."""
    rows = the_app().lookup.timeline(
        units, ("Released", "ReleaseRefused"), known_us=known_us, limit=1
    )
    if not rows:
        return None
    return the_app().entry_at(rows[0][3], rows[0][4])


# --- who must know ------------------------------------------------------------------------------


def tell_of_corrections() -> int:
    """Tell who must know of the corrections that came since the last look; return how many."""
    app = the_app()
    taken = app.views.positions()
    seen = dict(Told.objects.values_list("log", "position"))
    fresh = {log: at for log, at in taken.items() if at > seen.get(log, 0)}
    if not fresh:
        return 0
    corrections = [c for log in fresh for c in _corrections_from(log, seen.get(log, 0))]
    for correction in corrections:
        _tell(correction)
    for log, position in fresh.items():
        Told.objects.update_or_create(log=log, defaults={"position": position})
    return len(corrections)


def _corrections_from(log: str, position: int) -> list[Entry]:
    app = the_app()
    places = app.lookup.corrections_from(log, position)
    since = microseconds(app.clock() - TOLD_WITHIN)
    return [entry for entry in app.entries_at(places) if entry.recorded_us >= since]


def _tell(correction: Entry) -> None:
    operation = correction.operation
    if not isinstance(operation, Corrected):
        return
    for entry, _target in standing_on(operation.target):
        if gone_under([entry]) or _target != operation.target:
            _tell_of(entry, operation)
    _tell_who_entered(operation)


def _tell_of(entry: Entry, correction: Corrected) -> None:
    """Tell who answers for what leaned on the corrected entry; of many corrections once a minute.

    Eight readings of one coach are corrected in one act, and are one notice.
    """
    operation = entry.operation
    if not isinstance(operation, Operation):
        return
    release = isinstance(operation, Released | ReleaseRefused)
    minute = f"{correction.happened_at:%Y%m%d%H%M}"
    notify(
        _RELEASE if release else _OTHER, roles=("release_officer",) if release else _WORK,
        persons=operation.performed_by, site=_site(operation),
        href=reverse("operation", args=[operation.id]), key=f"leaned:{operation.id}:{minute}",
        kind=entry.kind, unit=operation.units[0] if operation.units else "",
        at_us=entry.happened_us, reason=correction.reason,
    )  # fmt: skip


def _tell_who_entered(correction: Corrected) -> None:
    app = the_app()
    entry = next(iter(app.entries_of(correction.target)), None)
    if entry is None or not isinstance(entry.operation, Operation):
        return
    others = {*entry.operation.performed_by, entry.submitter} - {*correction.performed_by}
    persons = [p for p in others if p.startswith("p-")]
    if persons:
        notify(
            _YOURS, persons=persons, href=reverse("operation", args=[correction.target]),
            key=f"corrected:{correction.id}", kind=entry.kind,
            unit=entry.units[0] if entry.units else "", at_us=entry.happened_us,
            reason=correction.reason,
        )  # fmt: skip


def _site(operation: Operation) -> str:
    if operation.site or not operation.units:
        return operation.site
    return the_app().knowledge().passport(operation.units[0]).home_site


_WORK = ("technologist", "foreman")
_RELEASE = _(
    "{kind} {at_us}: {unit} — the decision leaned on an entry that is now corrected: {reason}"
)
_OTHER = _("{kind} {at_us}: {unit} — leaned on an entry that is now corrected: {reason}")
_YOURS = _("{kind} {at_us}: {unit} — your entry was corrected: {reason}")
