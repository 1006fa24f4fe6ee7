"""The view store: unit states and their rows, caught up from the trace, disposable.

State and the position per log are saved in one transaction. An entry later than a state's last
is applied; a back-dated one or a correction refolds the unit from its own operations. So any
order of arrival gives the state a rebuild gives.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import (
    Rows,
    State,
    View,
    advance,
    contradiction_rows,
    fold,
    pack,
    resolve,
    units_of,
    unpack,
)
from railtrace.store.database import Database, Writer, chunks, marks
from railtrace.trace import leaf as leaves
from railtrace.trace.leaf import Entry
from railtrace.trace.ledger import TraceStore
from railtrace.trace.operation import KINDS, Corrected, Operation, kind_of, named_operations

CataloguesBySha = Callable[[str | None], Catalogue]
"""Gives an adopted catalogue by its SHA-256; the empty catalogue when none is adopted."""

_INDEX = ("unit", "happened_us", "recorded_us", "log", "position", "kind", "id")
_CONTRADICTIONS = ("key", "unit", "view", "name", "at_us", "detail", "resolution")
_PAGE = 20_000
_NO_END_US = 2**62
INDEX, _INDEX_VERSION = "index", 3
"""The index of entries by unit, by what corrects them, and by what leans on them."""

_EXTRA_INDEXES = {
    "units": ("number", "heat", "batch", "vehicle_class"),
    "numbers": ("value",),
    "installations": ("carrier",),
    "couplings": ("locomotive",),
    "last_repairs": ("grade",),
    "diagnoses": ("entry", "device"),
    "made_with": ("device, at_us", "outcome"),
    "cycles": ("device, at_us",),
    "simulated": ("at_us", "fact"),
    "judgeable": ("sort, at_us",),
    "triages": ("entry",),
    "orders": ("subject", "closed_us"),
    "placements": ("site",),
    "consists": ("departs_us",),
    "consist_members": ("member",),
}


def _names(columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(column.split()[0] for column in columns)

_OF_ALL = ("catalogue", "recall:", "gates:")
"""Pseudo-units that every judgement looks at."""


class _Change:
    """What a batch does to one view: states and rows to replace, history to add or replace."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.states: dict[str, State] = {}
        self.rows: dict[str, dict[str, list[tuple[Any, ...]]]] = {}
        self.contradictions: dict[str, list[tuple[Any, ...]]] = {}
        self.history: Rows = {}
        self.refolded: set[str] = set()

    def put(self, state: State, before: Rows | None, catalogue: Catalogue) -> None:
        """Note a unit's new state; tables whose rows stay as they are are not written."""
        self.states[state.unit] = state
        for table, rows in self.view.rows(state, catalogue).items():
            if before is None or before[table] != rows:
                self.rows.setdefault(table, {})[state.unit] = rows

    def add_history(self, history: Rows) -> None:
        """Note history rows to insert."""
        for table, rows in history.items():
            self.history.setdefault(table, []).extend(rows)


class ViewStore:
    """Views in SQLite or PostgreSQL."""

    def __init__(
        self,
        database: Database,
        trace: TraceStore,
        views: Sequence[View],
        catalogues: CataloguesBySha,
    ) -> None:
        self.database = database
        self.trace = trace
        self.views = {view.name: view for view in views}
        self._may_see_all = frozenset(view.name for view in views if view.sees_all_with)
        self._by_kind = {kind: self._concerned_by(kind) for kind in KINDS}
        self._catalogues = catalogues
        self._create()

    def _create(self) -> None:
        real = self.database
        index = "PRIMARY KEY (unit, happened_us, recorded_us, log, position)"
        without = " WITHOUT ROWID" if real.dialect == "sqlite" else ""
        text = self._text
        real.create(
            "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
            "INSERT INTO meta (key, value) VALUES ('lock', '') ON CONFLICT DO NOTHING",
            "CREATE TABLE IF NOT EXISTS positions (log TEXT PRIMARY KEY, position BIGINT NOT NULL)",
            f"CREATE TABLE IF NOT EXISTS unit_ops (unit {text} NOT NULL,"
            f" happened_us BIGINT NOT NULL, recorded_us BIGINT NOT NULL, log {text} NOT NULL,"
            f" position BIGINT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, {index}){without}",
            "CREATE TABLE IF NOT EXISTS corrections (target TEXT NOT NULL, log TEXT NOT NULL,"
            " position BIGINT NOT NULL, PRIMARY KEY (target, log, position))",
            "CREATE TABLE IF NOT EXISTS leanings (target TEXT NOT NULL, log TEXT NOT NULL,"
            f" position BIGINT NOT NULL, PRIMARY KEY (target, log, position)){without}",
            f"CREATE TABLE IF NOT EXISTS states (view TEXT NOT NULL, unit {text} NOT NULL,"
            f" state {real.blob} NOT NULL, PRIMARY KEY (view, unit)){without}",
            f"CREATE TABLE IF NOT EXISTS contradictions (key TEXT NOT NULL, unit {text} NOT NULL,"
            " view TEXT NOT NULL, name TEXT NOT NULL, at_us BIGINT NOT NULL, detail TEXT NOT NULL,"
            " resolution TEXT NOT NULL, PRIMARY KEY (view, unit, key))",
        )
        # Another version's table may lack a column that an index names: rebuilding makes it.
        stored = dict(real.query("SELECT key, value FROM meta"))
        for view in self.views.values():
            if stored.get(f"version:{view.name}", str(view.version)) == str(view.version):
                real.create(*self._tables(view))
        # A view that is new to a store in use has seen nothing: it stays without a version.
        if real.query("SELECT 1 FROM positions LIMIT 1"):
            return
        with real.write() as writer:
            if not writer.query("SELECT 1 FROM positions LIMIT 1"):
                writer.many(
                    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [(f"version:{name}", version) for name, version in self._versions().items()],
                )

    def _versions(self) -> dict[str, str]:
        """Return what this program builds: the index, then every view."""
        views = {view.name: str(view.version) for view in self.views.values()}
        return {INDEX: str(_INDEX_VERSION)} | views

    @property
    def _text(self) -> str:
        """A library's collation would make two stores page units differently: compare bytes."""
        return "TEXT" if self.database.dialect == "sqlite" else 'TEXT COLLATE "C"'

    def _tables(self, view: View) -> Iterator[str]:
        for table, columns in (view.tables | view.history).items():
            unit = f"unit {self._text}"
            body = ", ".join(column.replace("unit TEXT", unit) for column in columns)
            yield f"CREATE TABLE IF NOT EXISTS {table} ({body})"
            keys = "unit, at_us" if table in view.history else "unit"
            yield f"CREATE INDEX IF NOT EXISTS {table}_unit ON {table} ({keys})"
            for columns_of in _EXTRA_INDEXES.get(table, ()):
                name = f"{table}_{columns_of.split(',')[0]}"
                yield f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns_of})"

    # --- where the views are --------------------------------------------------------------

    def positions(self) -> dict[str, int]:
        """Return how many entries of each log the views have taken."""
        return dict(self.database.query("SELECT log, position FROM positions"))

    def lag(self) -> int:
        """Return how many recorded entries the views have not taken yet."""
        taken = self.positions()
        return sum(head.size - taken.get(head.log, 0) for head in self.trace.heads())

    def waiting(self) -> tuple[int, dict[str, int] | None]:
        """Return how many entries are not taken yet, and of which units; None: perhaps of any.

        The count is read first: what is taken meanwhile counts as waiting, never the reverse.
        """
        lag = self.lag()
        return lag, self.pending() if lag else {}

    def pending(self, most: int = 2000) -> dict[str, int] | None:
        """Return how many entries that are not taken yet speak of each unit.

        None: of which units is not told, for there are more than `most`, or one speaks of all
        (a catalogue, a recall, an order about gates, a correction of what is not here).
        """
        taken, found = self.positions(), Counter[str]()
        waiting = [(h.log, taken.get(h.log, 0), h.size) for h in self.trace.heads()]
        if sum(size - start for _, start, size in waiting) > most:
            return None
        for log, start, size in waiting:
            for position, leaf in self.trace.leaves(log, start, size) if size > start else ():
                units = self._speaks_of(leaves.read(leaf, log, position))
                if units is None:
                    return None
                found.update(units)
        return dict(found)

    def _speaks_of(self, entry: Entry) -> set[str] | None:
        """Return the units of an entry and of what it corrects; None where it concerns all."""
        units, waiting = set(units_of(entry.operation)), [entry]
        while waiting:
            operation = waiting.pop().operation
            if isinstance(operation, Corrected):
                places = self.trace.places([operation.target]).get(operation.target, [])
                if not places:
                    return None
                waiting += [leaves.read(leaf, log, at) for log, at, leaf in places]
                units |= {unit for one in waiting for unit in units_of(one.operation)}
        return None if any(unit.startswith(_OF_ALL) for unit in units) else units

    def outdated(self) -> list[str]:
        """Return the views, and the index, whose stored version is not this program's."""
        return self._outdated(self.database)

    def _outdated(self, source: Database | Writer) -> list[str]:
        stored = dict(source.query("SELECT key, value FROM meta"))
        return [
            name
            for name, version in self._versions().items()
            if stored.get(f"version:{name}") != version
        ]

    def adopted(self, known_us: int | None = None) -> str | None:
        """Return the SHA-256 of the catalogue adopted last, at a date or now."""
        return self._adopted(self.database, known_us)

    def _adopted(self, source: Database | Writer, known_us: int | None = None) -> str | None:
        """What another installation adopts is for its own sites, and may be too new to read."""
        foreign = [head.log for head in self.trace.heads() if head.foreign]
        where = "SELECT 1 FROM unit_ops o WHERE o.unit = a.unit AND o.id = a.operation AND o.log"
        listed = marks(len(foreign))
        ours = f" AND (NOT EXISTS ({where} IN ({listed})) OR EXISTS ({where} NOT IN ({listed})))"
        rows = source.query(
            f"SELECT catalogue FROM adoptions a WHERE recorded_us <= ?{ours if foreign else ''}"
            " ORDER BY recorded_us DESC, log DESC, position DESC LIMIT 1",
            (_NO_END_US if known_us is None else known_us, *foreign, *foreign),
        )
        return rows[0][0] if rows else None

    # --- catching up ----------------------------------------------------------------------

    def catch_up(self, most: int | None = None, batch: int = 2000) -> int:
        """Take new entries into the views, `batch` a transaction; return how many were taken."""
        done = 0
        while (most is None or done < most) and self.lag():
            with self.database.write() as writer:
                writer.lock("SELECT value FROM meta WHERE key = ?", ("lock",))
                entries, taken = self._next_entries(writer, batch)
                if not entries:
                    return done
                self._take(writer, entries, taken)
            done += len(entries)
        return done

    def _next_entries(self, writer: Writer, batch: int) -> tuple[list[Entry], dict[str, int]]:
        taken = dict(writer.query("SELECT log, position FROM positions"))
        entries: list[Entry] = []
        for head in self.trace.heads():
            start = taken.get(head.log, 0)
            stop = min(head.size, start + batch - len(entries))
            if stop > start:
                entries += [
                    leaves.read(leaf, head.log, position)
                    for position, leaf in self.trace.leaves(head.log, start, stop)
                ]
                writer.query("DELETE FROM positions WHERE log = ?", (head.log,))
                writer.insert("positions", ("log", "position"), [(head.log, stop)])
                taken[head.log] = stop
        return entries, taken

    def _take(self, writer: Writer, entries: list[Entry], taken: dict[str, int]) -> None:
        catalogue = self._catalogues(self._adopted(writer))
        touched: dict[str, list[Entry]] = {}
        index: set[tuple[Any, ...]] = set()
        for entry in entries:
            for unit in units_of(entry.operation):
                touched.setdefault(unit, []).append(entry)
                index.add(_index_row(unit, entry))
        refold = self._index_corrections(writer, entries, taken, index)
        refold |= self._recorded_twice(entries)
        writer.insert("unit_ops", _INDEX, sorted(index))
        writer.insert("leanings", ("target", "log", "position"), _leanings(entries))
        changes = {name: _Change(view) for name, view in self.views.items()}
        late = self._advance(writer, touched, refold, changes, catalogue)
        every = {(name, unit) for unit in refold for name in self.views}
        self._refold(writer, late | every, changes, catalogue)
        for change in changes.values():
            self._write(writer, change)
        if any(entry.kind == "CatalogueAdopted" for entry in entries):
            self._judge_again(writer)

    def _index_corrections(
        self,
        writer: Writer,
        entries: list[Entry],
        taken: dict[str, int],
        index: set[tuple[Any, ...]],
    ) -> set[str]:
        """Index each correction under every unit it reaches; return those units."""
        fresh = [e for e in entries if isinstance(e.operation, Corrected)]
        writer.insert(
            "corrections",
            ("target", "log", "position"),
            [(e.operation.target, e.log, e.position) for e in fresh],  # type: ignore[union-attr]
        )
        started = {e.operation.id: e for e in fresh}
        for ids in chunks([entry.operation.id for entry in entries]):
            for (target,) in writer.query(
                f"SELECT DISTINCT target FROM corrections WHERE target IN ({marks(len(ids))})",
                list(ids),
            ):
                started.setdefault(target, next(e for e in entries if e.operation.id == target))
        reached: set[str] = set()
        stored: set[tuple[Any, ...]] = set()
        for entry in started.values():
            chain = self._chain(writer, entry, taken)
            units = {unit for member in chain for unit in units_of(member.operation)}
            reached |= units
            stored |= {_index_row(unit, member) for unit in units for member in chain}
        for unit in sorted({row[0] for row in stored}):
            there = writer.query(f"SELECT {','.join(_INDEX)} FROM unit_ops WHERE unit = ?", (unit,))
            stored -= set(there)
        index |= stored
        return reached

    def _recorded_twice(self, entries: list[Entry]) -> set[str]:
        """Return the units of entries whose ids other logs hold too: what counts once is refolded.

        Only replication brings an id twice.
        """
        if not any(head.foreign for head in self.trace.heads()):
            return set()
        places = self.trace.places([entry.operation.id for entry in entries])
        twice = {id_ for id_, found in places.items() if len(found) > 1}
        return {u for e in entries if e.operation.id in twice for u in units_of(e.operation)}

    def _chain(self, writer: Writer, entry: Entry, taken: dict[str, int]) -> list[Entry]:
        """Return an entry with everything it corrects and everything that corrects it.

        What is recorded but not taken yet stays out: its own turn brings it in.
        """
        chain: dict[tuple[str, int], Entry] = {}
        waiting = [entry]
        while waiting:
            member = waiting.pop()
            if (member.log, member.position) in chain:
                continue
            chain[member.log, member.position] = member
            if isinstance(member.operation, Corrected):
                found = self.trace.places([member.operation.target])
                waiting += [
                    leaves.read(leaf, log, at)
                    for places in found.values()
                    for log, at, leaf in places
                    if at < taken.get(log, 0)
                ]
            places = writer.query(
                "SELECT log, position FROM corrections WHERE target = ?", (member.operation.id,)
            )
            at = self.trace.leaves_at([(log, position) for log, position in places])
            waiting += [leaves.read(leaf, log, position) for (log, position), leaf in at.items()]
        return list(chain.values())

    def _advance(
        self,
        writer: Writer,
        touched: dict[str, list[Entry]],
        refold: set[str],
        changes: dict[str, _Change],
        catalogue: Catalogue,
    ) -> set[tuple[str, str]]:
        """Apply entries that come after each state's last; return the (view, unit) that refold."""
        work = self._work(touched, refold)
        states = self._load(writer, work)
        late: set[tuple[str, str]] = set()
        for (name, unit), everything in work.items():
            view, state = self.views[name], states.get((name, unit))
            entries = everything
            if name in self._may_see_all and not (state is not None and state.sees_all):
                if any(e.read_as in view.sees_all_with for e in everything):
                    late.add((name, unit))
                    continue
                entries = [e for e in everything if name in self._concerned(e.read_as)]
            if not entries:
                continue
            entries.sort(key=lambda e: e.life_key)
            if state is None:
                state, before = view.state(unit=unit), None
            elif entries[0].life_key <= state.last:
                late.add((name, unit))
                continue
            else:
                before = view.rows(state, catalogue)
            raised = dict(state.contradictions) if state.contradictions else {}
            changes[name].add_history(advance(view, state, entries))
            changes[name].put(state, before, catalogue)
            if state.contradictions or raised:
                changes[name].contradictions[unit] = contradiction_rows(view, state)
        return late

    def _work(
        self, touched: dict[str, list[Entry]], refold: set[str]
    ) -> dict[tuple[str, str], list[Entry]]:
        """Return (view, unit) with the entries that concern them; all of them where all may."""
        work: dict[tuple[str, str], list[Entry]] = {}
        for unit, entries in touched.items():
            if unit in refold:
                continue
            work.update({(name, unit): list(entries) for name in self._may_see_all})
            for entry in entries:
                for name in self._concerned(entry.read_as) - self._may_see_all:
                    work.setdefault((name, unit), []).append(entry)
        return work

    def _concerned(self, kind: str) -> frozenset[str]:
        """Return the names of the views whose states an operation of the kind may change."""
        known = self._by_kind.get(kind)
        return self._concerned_by(kind) if known is None else known

    def _concerned_by(self, kind: str) -> frozenset[str]:
        return frozenset(name for name, view in self.views.items() if _concerns(view, kind))

    def _load(
        self, writer: Writer, wanted: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], State]:
        by_view: dict[str, list[str]] = {}
        for name, unit in wanted:
            by_view.setdefault(name, []).append(unit)
        states: dict[tuple[str, str], State] = {}
        for name, units in by_view.items():
            view = self.views[name]
            for some in chunks(units):
                rows = writer.query(
                    f"SELECT unit, state FROM states WHERE view = ? AND unit IN"
                    f" ({marks(len(some))})",
                    [name, *some],
                )
                states.update({(name, unit): unpack(view, bytes(packed)) for unit, packed in rows})
        return states

    def _refold(
        self,
        writer: Writer,
        wanted: set[tuple[str, str]],
        changes: dict[str, _Change],
        catalogue: Catalogue,
    ) -> None:
        for unit, group in groupby(sorted(wanted, key=lambda w: w[1]), key=lambda w: w[1]):
            entries = self._entries(writer, unit)
            for name, _ in group:
                self._refold_one(self.views[name], unit, entries, changes[name], catalogue)

    def _refold_one(
        self, view: View, unit: str, entries: list[Entry], change: _Change, catalogue: Catalogue
    ) -> None:
        state, history = fold(view, unit, _of_concern(view, resolve(entries, unit)))
        change.put(state, None, catalogue)
        change.contradictions[unit] = contradiction_rows(view, state)
        change.add_history(history)
        change.refolded.add(unit)

    def _entries(self, source: Database | Writer, unit: str) -> list[Entry]:
        rows = source.query("SELECT log, position FROM unit_ops WHERE unit = ?", (unit,))
        found = self.trace.leaves_at([(log, position) for log, position in rows])
        return [leaves.read(leaf, log, position) for (log, position), leaf in found.items()]

    def _write(self, writer: Writer, change: _Change) -> None:
        view = change.view
        refolded = sorted(change.refolded)
        for table in view.history:
            _delete(writer, table, refolded)
        _replace_rows(
            writer, "states", ("view", "unit", "state"), sorted(change.states),
            [(view.name, unit, pack(state)) for unit, state in sorted(change.states.items())],
            view.name,
        )  # fmt: skip
        _replace_rows(
            writer, "contradictions", _CONTRADICTIONS, sorted(change.contradictions),
            [row for rows in change.contradictions.values() for row in rows], view.name,
        )  # fmt: skip
        for table, by_unit in change.rows.items():
            rows = [row for rows in by_unit.values() for row in rows]
            _replace_rows(writer, table, _names(view.tables[table]), sorted(by_unit), rows)
        for table, rows in change.history.items():
            writer.insert(table, _names(view.history[table]), rows)

    def _judge_again(self, writer: Writer) -> None:
        """Write every summary row anew: a catalogue was adopted."""
        catalogue = self._catalogues(self._adopted(writer))
        for view in self.views.values():
            for states in self._all_states(writer, view):
                change = _Change(view)
                for state in states:
                    change.put(state, None, catalogue)
                change.states = {}
                self._write(writer, change)

    def _all_states(self, writer: Writer, view: View) -> Iterator[list[State]]:
        last = ""
        while rows := writer.query(
            "SELECT unit, state FROM states WHERE view = ? AND unit > ? ORDER BY unit LIMIT 5000",
            (view.name, last),
        ):
            last = rows[-1][0]
            yield [unpack(view, bytes(packed)) for _, packed in rows]

    # --- rebuilding -----------------------------------------------------------------------

    def rebuild(
        self, names: Sequence[str] = (), progress: Callable[[str, int], None] | None = None
    ) -> None:
        """Rebuild views (all of them and the index when none is named) in one transaction.

        Readers see the old rows until it commits.
        """
        tell = progress or (lambda view, done: None)
        with self.database.write() as writer:
            writer.lock("SELECT value FROM meta WHERE key = ?", ("lock",))
            if not names or INDEX in names:
                self._rebuild_index(writer, tell)
            for name in self._in_turn(names or tuple(self.views), self._outdated(writer)):
                self._rebuild_view(writer, self.views[name], tell)

    def _in_turn(self, names: Sequence[str], outdated: Sequence[str]) -> list[str]:
        """Which catalogue is in force comes first: every other view is judged by it."""
        first = [n for n in ("adoption",) if n in self.views and (n in names or n in outdated)]
        return first + [name for name in names if name not in {INDEX, *first}]

    def _rebuild_index(self, writer: Writer, tell: Callable[[str, int], None]) -> None:
        for table in ("unit_ops", "corrections", "leanings", "positions"):
            writer.query(f"DELETE FROM {table}")
        heads = self.trace.heads()
        done, corrected = 0, []
        for head in heads:
            for page in _pages(self.trace.leaves(head.log, 0, head.size), 100_000):
                entries = [leaves.read(leaf, head.log, position) for position, leaf in page]
                rows = [_index_row(u, e) for e in entries for u in units_of(e.operation)]
                writer.insert("unit_ops", _INDEX, sorted(rows))
                writer.insert("leanings", ("target", "log", "position"), _leanings(entries))
                corrected += [e for e in entries if isinstance(e.operation, Corrected)]
                done += len(entries)
                tell("index", done)
            if head.size:
                writer.insert("positions", ("log", "position"), [(head.log, head.size)])
        index: set[tuple[Any, ...]] = set()
        sizes = {head.log: head.size for head in heads}
        self._index_corrections(writer, corrected, sizes, index)
        writer.insert("unit_ops", _INDEX, sorted(index))
        self._set_version(writer, INDEX, str(_INDEX_VERSION))

    def _rebuild_view(self, writer: Writer, view: View, tell: Callable[[str, int], None]) -> None:
        changed = view.name in self._outdated(writer)
        for table in (*view.tables, *view.history):
            writer.query(f"DROP TABLE IF EXISTS {table}" if changed else f"DELETE FROM {table}")
        for statement in self._tables(view) if changed else ():
            writer.query(statement)
        for table in ("states", "contradictions"):
            writer.query(f"DELETE FROM {table} WHERE view = ?", (view.name,))
        catalogue = self._catalogues(self._adopted(writer))
        done = 0
        for units in self._units_with_entries(writer, view):
            change = _Change(view)
            for unit, entries in units:
                self._refold_one(view, unit, entries, change, catalogue)
                done += len(entries)
            change.refolded.clear()
            self._write(writer, change)
            tell(view.name, done)
        self._set_version(writer, view.name, str(view.version))

    @staticmethod
    def _set_version(writer: Writer, name: str, version: str) -> None:
        writer.query("DELETE FROM meta WHERE key = ?", (f"version:{name}",))
        writer.insert("meta", ("key", "value"), [(f"version:{name}", version)])

    def _units_with_entries(
        self, writer: Writer, view: View
    ) -> Iterator[list[tuple[str, list[Entry]]]]:
        """Yield pages of whole units with the entries that concern a view."""
        wanted = sorted(view.kinds | {"Corrected", "ContradictionResolved"})
        unknown = "" if view.name != "passport" else (
            f" OR kind NOT IN ({marks(len(KINDS))})"
        )  # fmt: skip
        parameters = [*wanted, *(sorted(KINDS) if unknown else [])]
        whole = self._units_seen_whole(writer, view) if view.sees_all_with else set[str]()
        last = ""
        # Also what is corrected, of whatever kind: what is put in its place may be of concern.
        while rows := writer.query(
            f"SELECT unit, log, position FROM unit_ops WHERE unit > ? AND (kind IN"
            f" ({marks(len(wanted))}){unknown} OR id IN (SELECT target FROM corrections))"
            f" ORDER BY unit LIMIT {_PAGE}",
            (last, *parameters),
        ):
            if len(rows) == _PAGE:
                rows = [row for row in rows if row[0] != rows[-1][0]] or [rows[-1]]
            last = rows[-1][0]
            full = {unit for unit, _, _ in rows if unit in whole or len(rows) == 1}
            rows = [row for row in rows if row[0] not in full]
            for unit in full:
                rows += writer.query(
                    "SELECT unit, log, position FROM unit_ops WHERE unit = ?", (unit,)
                )
            found = self.trace.leaves_at({(log, position) for _, log, position in rows})
            yield [
                (unit, [leaves.read(found[log, at], log, at) for _, log, at in group])
                for unit, group in groupby(sorted(rows), key=lambda row: row[0])
            ]

    def _units_seen_whole(self, writer: Writer, view: View) -> set[str]:
        """Return units that see all, by an operation of their own or by one put in its place."""
        kinds = sorted(view.sees_all_with)
        rows = writer.query(
            f"SELECT DISTINCT unit FROM unit_ops WHERE kind IN ({marks(len(kinds))})", kinds
        )
        corrected = writer.query(
            "SELECT unit, log, position FROM unit_ops WHERE kind = ?", ("Corrected",)
        )
        found = self.trace.leaves_at({(log, position) for _, log, position in corrected})
        put = {place: _kind_put(leaves.read(leaf, *place)) for place, leaf in found.items()}
        return {unit for (unit,) in rows} | {
            unit for unit, *place in corrected if put[tuple(place)] in view.sees_all_with
        }

    # --- reading --------------------------------------------------------------------------

    def states_now(self, units: Sequence[str]) -> dict[tuple[str, str], State]:
        """Return the stored states of units by (view, unit)."""
        states: dict[tuple[str, str], State] = {}
        for some in chunks(units):
            for name, unit, packed in self.database.query(
                f"SELECT view, unit, state FROM states WHERE view IN ({marks(len(self.views))})"
                f" AND unit IN ({marks(len(some))})",
                [*self.views, *some],
            ):
                states[name, unit] = unpack(self.views[name], bytes(packed))
        return states

    def states_of(self, name: str, units: Sequence[str]) -> dict[str, State]:
        """Return the stored states of units in one view."""
        view, states = self.views[name], {}
        for some in chunks(units):
            for unit, packed in self.database.query(
                f"SELECT unit, state FROM states WHERE view = ? AND unit IN ({marks(len(some))})",
                [name, *some],
            ):
                states[unit] = unpack(view, bytes(packed))
        return states

    def entries(self, unit: str, state_us: int | None, known_us: int | None) -> list[Entry]:
        """Return one unit's effective entries as known at one date, up to another."""
        known = [
            entry
            for entry in self._entries(self.database, unit)
            if known_us is None or entry.recorded_us <= known_us
        ]
        return [
            entry
            for entry in resolve(known, unit)
            if state_us is None or entry.happened_us <= state_us
        ]

    def entries_since(
        self, unit: str, since_us: int, state_us: int | None = None, known_us: int | None = None
    ) -> list[Entry]:
        """Return one unit's effective entries that happened since a moment, in life order."""
        rows = self.database.query(
            "SELECT log, position FROM unit_ops WHERE unit = ? AND happened_us >= ?",
            (unit, since_us),
        )
        found = self.trace.leaves_at([(log, position) for log, position in rows])
        entries = [leaves.read(leaf, log, position) for (log, position), leaf in found.items()]
        known = [e for e in entries if known_us is None or e.recorded_us <= known_us]
        return [
            e for e in resolve(known, unit) if state_us is None or e.happened_us <= state_us
        ]

    def states_then(
        self, unit: str, state_us: int | None, known_us: int | None
    ) -> dict[str, tuple[State, Rows]]:
        """Refold one unit at two dates: what had happened, as was known."""
        entries = self.entries(unit, state_us, known_us)
        return {
            view.name: fold(view, unit, _of_concern(view, entries)) for view in self.views.values()
        }

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def _concerns(view: View, kind: str) -> bool:
    return view.handles(kind) or (view.name == "passport" and kind not in KINDS)


def _of_concern(view: View, entries: list[Entry]) -> list[Entry]:
    """Return the effective entries a view folds: all of them when one makes it see all."""
    if view.sees_all_with and any(entry.read_as in view.sees_all_with for entry in entries):
        return entries
    return [entry for entry in entries if _concerns(view, entry.read_as)]


def _kind_put(correction: Entry) -> str:
    """Return the kind of what a correction puts in its target's place; "" for nothing."""
    put: Any = correction.operation
    while isinstance(put, Corrected):
        put = put.replacement
    return kind_of(put) if isinstance(put, Operation) else ""


def _index_row(unit: str, entry: Entry) -> tuple[Any, ...]:
    return (unit, *entry.life_key, entry.read_as, entry.operation.id)


def _leanings(entries: Iterable[Entry]) -> list[tuple[str, str, int]]:
    """Return (operation leaned on, log, position) of every entry that names earlier ones."""
    return sorted(
        (target, entry.log, entry.position)
        for entry in entries
        if isinstance(entry.operation, Operation)
        for target in named_operations(entry.operation)
    )


def _pages(rows: Iterator[tuple[int, bytes]], size: int) -> Iterator[list[tuple[int, bytes]]]:
    page: list[tuple[int, bytes]] = []
    for row in rows:
        page.append(row)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page


def _delete(writer: Writer, table: str, units: Sequence[str], view: str | None = None) -> None:
    for some in chunks(units):
        only = "" if view is None else " AND view = ?"
        writer.query(
            f"DELETE FROM {table} WHERE unit IN ({marks(len(some))}){only}",
            [*some, *([] if view is None else [view])],
        )


def _replace_rows(
    writer: Writer,
    table: str,
    columns: Sequence[str],
    units: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    view: str | None = None,
) -> None:
    _delete(writer, table, units, view)
    if rows:
        writer.insert(table, columns, rows)
