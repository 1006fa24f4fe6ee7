"""Is a rolling bearing damaged? Three ways of looking, one outcome, every reason named.

Recording -> speed from the signal -> envelope spectra (whole band, prewhitened, most impulsive
band) -> level of the harmonics of each damage -> outcome. No single way raises an alarm: the
prewhitened spectrum has to be joined by another one, and a second recording has to confirm.
Damage is named by the prewhitened spectrum alone: what vanishes when tones lose their weight did
not come from impacts with slip, and is reported as contradicting the declared bearing.

Of 30,000 locomotive bearings a month about 30 are damaged: at 5 % false alarms a single look
would call 50 sound ones for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import log10
from multiprocessing import get_context
from os import cpu_count
from typing import Literal

import numpy as np

from railtrace.analysis import envelope
from railtrace.analysis.bearings import DAMAGES, Bearing, Damage, FaultOrders, fault_orders
from railtrace.analysis.envelope import Band, Lines
from railtrace.analysis.reasons import Reason, because
from railtrace.analysis.recording import Recording, duplicates
from railtrace.analysis.shaft_speed import ShaftSpeed, shaft_speed
from railtrace.errors import BadEvidence

Method = Literal["full_band", "prewhitened", "kurtogram"]
METHODS: tuple[Method, ...] = ("full_band", "prewhitened", "kurtogram")
Outcome = Literal["sound", "watch", "alarm", "contradiction"]

HARMONICS = 3
SLIP = 0.012
"""Rolling elements slip: −0.5 % (inner race) and +0.3 % (outer) were seen on test stands."""
BAND_FACTOR = 4.0
"""A band must be this many times as wide as the highest fault frequency, or holds no impact."""
LEAST_SHARE = 32
"""Fewer recordings a processor are done before it has started."""
LEAST_REVOLUTIONS = 40
"""Shorter, and a fault 1 % from a harmonic of the shaft is not told from it."""
SIDEBAND_WITHIN = 0.01
LOWEST_ORDER, HIGHEST_ORDER = 1.2, 8.0
"""Between these orders lines that no damage of the bearing explains are looked for."""


CLEAR_DB = 3.0
"""Twice the power: what stands over a threshold by this is more than a brush with it."""


@dataclass(frozen=True)
class Thresholds:
    """What sound bearings reach: noise, and per method what real machines add to it [dB].

    `noise_db` is what white noise reaches in 5 % of recordings when 100 bins are searched; each
    tenfold of bins adds 1 dB (simulated; the bench repeats it). `machine_db` is how far the 95th
    percentile of sound bearings lies above that. It is set on the sound bearing and channel pairs
    that `bench/bench_vibration.py` names, on no damaged one. `unexplained_db` is the highest such
    line and double on them, plus CLEAR_DB.
    """

    noise_db: float
    machine_db: Mapping[Method, float]
    unexplained_db: float

    def level_db(self, method: Method, searched_bins: float) -> float:
        """Return the level that 5 % of sound bearings exceed."""
        return self.noise_db + log10(max(searched_bins, 1) / 100) + self.machine_db[method]


THRESHOLDS = Thresholds(
    noise_db=6.9,
    machine_db={"full_band": 6.6, "prewhitened": 2.2, "kurtogram": 4.6},
    unexplained_db=15.0,
)


@dataclass(frozen=True)
class Evidence:
    """One damage as one method sees it: level [dB], order found, levels of its harmonics [dB]."""

    damage: Damage
    level_db: float
    order: float
    harmonics_db: tuple[float, ...]


@dataclass(frozen=True)
class MethodResult:
    """What one method says: its band, its threshold, the damages strongest first."""

    method: Method
    band: Band
    threshold_db: float
    evidence: tuple[Evidence, ...]

    @property
    def strongest(self) -> Evidence:
        """The damage with the highest level, over the threshold or not."""
        return self.evidence[0]

    @property
    def over_db(self) -> float:
        """How far the strongest lies over the threshold [dB]."""
        return self.strongest.level_db - self.threshold_db

    @property
    def found(self) -> Damage | None:
        """The damage this method alone would name."""
        return self.strongest.damage if self.over_db >= 0 else None


@dataclass(frozen=True)
class Unexplained:
    """A line and its double that neither the bearing nor a neighbour gives: order, level [dB]."""

    order: float
    level_db: float


def envelope_lines(
    recording: Recording, speed: ShaftSpeed, orders: FaultOrders
) -> dict[Method, tuple[Band, Lines]]:
    """Return the envelope spectrum of each method, up to the last harmonic looked for."""
    bins = envelope.spectrum(recording.samples)
    step = 1 / recording.seconds
    quiet = envelope.without_discrete(bins)
    width = BAND_FACTOR * orders.highest * speed.hz
    whole = envelope.full_band(bins, step)
    impulsive = envelope.most_impulsive_band(quiet, step, width)
    highest = int((HARMONICS * orders.highest * (1 + SLIP) + 1) * speed.hz / step)
    views: dict[Method, tuple[Band, envelope.ComplexArray]] = {
        "full_band": (whole, bins[whole.first :]),
        "prewhitened": (whole, envelope.prewhitened(bins[whole.first :])),
        "kurtogram": (impulsive, quiet[impulsive.first : impulsive.last]),
    }
    return {
        method: (band, _lines(part, highest, step, speed)) for method, (band, part) in views.items()
    }


def _lines(bins: envelope.ComplexArray, highest: int, step_hz: float, speed: ShaftSpeed) -> Lines:
    magnitude = envelope.squared_envelope_spectrum(bins, highest)
    found = envelope.lines(magnitude, step_hz, 2 * speed.hz)
    return silenced(found, speed, range(int(highest * step_hz / speed.hz) + 2))


def silenced(found: Lines, speed: ShaftSpeed, orders: Iterable[float]) -> Lines:
    """Return lines without those at some orders; wider the higher: no speed is quite constant."""
    level = found.level_db.copy()
    for order in orders:
        at = round(order * speed.hz / found.step_hz)
        half = 2 + at // 1000
        level[max(0, at - half) : max(0, at + half + 1)] = 0.0
    return Lines(level, found.step_hz)


def evidence_of(found: Lines, speed: ShaftSpeed, damage: Damage, order: float) -> Evidence:
    """Return the best level of the harmonics of one order, slip allowed, the same for all."""
    tries = 2 * searched_bins(found, speed, order) + 1
    slips = np.linspace(-SLIP, SLIP, int(tries) | 1)
    places = np.outer(np.arange(1, HARMONICS + 1), order * (1 + slips)) * speed.hz / found.step_hz
    index = np.rint(places).astype(np.int64)
    levels = found.level_db[np.minimum(index, len(found.level_db) - 1)]
    best = int(np.argmax(levels.mean(axis=0)))
    return Evidence(
        damage,
        float(levels[:, best].mean()),
        float(order * (1 + slips[best])),
        tuple(float(level) for level in levels[:, best]),
    )


def searched_bins(found: Lines, speed: ShaftSpeed, order: float) -> float:
    """Return how many bins the highest harmonic may lie in."""
    return 2 * SLIP * HARMONICS * order * speed.hz / found.step_hz


def ranked(found: Lines, speed: ShaftSpeed, orders: FaultOrders) -> tuple[Evidence, ...]:
    """Return the evidence for each damage, strongest first.

    Inner race damage is modulated by the shaft: a "ball" line one order beside the inner race's is
    its sideband and goes last.
    """
    seen = {d: evidence_of(found, speed, d, orders.of(d)) for d in DAMAGES}
    apart = abs(abs(seen["inner"].order - seen["ball"].order) - 1)
    sideband = apart < SIDEBAND_WITHIN
    order = sorted(seen.values(), key=lambda e: (sideband and e.damage == "ball", -e.level_db))
    return tuple(order)


def family(evidence: Evidence, cage: float) -> tuple[float, ...]:
    """Return the orders at which one damage shows: multiples and halves, with sidebands."""
    beside = [k * 1.0 for k in range(-4, 5)]
    if evidence.damage == "ball":
        beside += [k + c * cage for k in (-1, 0, 1) for c in (-2, -1, 1, 2)]
    return tuple(h * evidence.order / 2 + b for h in range(1, 9) for b in beside)


def without_louder_neighbours(
    found: Lines,
    speed: ShaftSpeed,
    own: FaultOrders,
    neighbours: Sequence[Bearing],
    threshold_db: float,
) -> Lines:
    """Return lines without those of neighbours that stand out more than the bearing's own.

    A neighbour of nearly the same orders cannot be told apart, so its lines stay.
    """
    own_level = ranked(found, speed, own)[0].level_db
    for neighbour in neighbours:
        orders = fault_orders(neighbour)
        best = ranked(found, speed, orders)[0]
        apart = min(abs(best.order / own.of(damage) - 1) for damage in DAMAGES)
        if best.level_db > max(own_level, threshold_db + CLEAR_DB) and apart > 2 * SLIP:
            found = silenced(found, speed, family(best, orders.cage))
    return found


def unexplained_lines(found: Lines, speed: ShaftSpeed) -> Unexplained:
    """Return the order whose line and its double stand out most, with the lower of both levels."""
    to_bin = speed.hz / found.step_hz
    first, last = int(LOWEST_ORDER * to_bin), int(HIGHEST_ORDER * to_bin)
    last = min(last, (len(found.level_db) - 3) // 2)
    once = found.level_db[first:last]
    twice = np.maximum.reduce(
        [found.level_db[2 * first + shift : 2 * last + shift : 2] for shift in (-1, 0, 1)]
    )
    both = np.minimum(once, twice)
    best = int(np.argmax(both))
    return Unexplained((first + best) / to_bin, float(both[best]))


@dataclass(frozen=True)
class Look:
    """Everything one recording shows by itself, before any second recording is heard."""

    sha256: str
    speed: ShaftSpeed
    full_band: MethodResult
    prewhitened: MethodResult
    kurtogram: MethodResult
    unexplained: Unexplained | None
    clipped_samples: int
    indistinct: tuple[Damage, ...] = ()
    """Other damages that show where the named one does, within the slip of both."""

    @property
    def results(self) -> tuple[MethodResult, ...]:
        """The three methods' results."""
        return (self.full_band, self.prewhitened, self.kurtogram)

    @property
    def damage(self) -> Damage | None:
        """The damage named: found after prewhitening, and borne out by another method.

        The most impulsive band bears it out if the same damage leads there with at least half the
        power its threshold asks for; the whole band only beside four times the power. So much is
        wanted of every name where the signal does not carry the speed: at a wrong one some line of
        some part lies near an order of the bearing.
        """
        white, band, full = self.prewhitened, self.kurtogram, self.full_band
        if not self.speed.confirmed and white.over_db <= 2 * CLEAR_DB:
            return None
        named = white.found
        in_band = band.strongest.damage == named and band.over_db > -CLEAR_DB
        in_full = full.found == named and white.over_db > 2 * CLEAR_DB
        return named if in_band or in_full else None

    @property
    def agreeing(self) -> tuple[Method, ...]:
        """The methods over their own thresholds for the damage named."""
        return tuple(r.method for r in self.results if self.damage and r.found == self.damage)


@dataclass(frozen=True)
class Diagnosis:
    """The outcome with all its reasons; `looks` holds the recording first, then its repeats."""

    outcome: Outcome
    damage: Damage | None
    reasons: tuple[Reason, ...]
    looks: tuple[Look, ...]


def look(
    recording: Recording,
    bearing: Bearing,
    neighbours: Sequence[Bearing] = (),
    thresholds: Thresholds = THRESHOLDS,
) -> Look:
    """Return what one recording shows about one bearing.

    `neighbours` are the other bearings of the same shaft: what they shout over is not held
    against this one.

    Raises
    ------
    BadEvidence : the speed cannot be told, the sampling rate is too low or the recording too short
        for this bearing; reasons `stated_speed`, `speed_unknown`, `speed_ambiguous`,
        `sampling_rate`, `too_short`.
    """
    return looked(recording, bearing, neighbours, thresholds)[0]


def looked(
    recording: Recording,
    bearing: Bearing,
    neighbours: Sequence[Bearing] = (),
    thresholds: Thresholds = THRESHOLDS,
) -> tuple[Look, dict[Method, Lines]]:
    """Return what `look` does with the envelope spectrum of each method, computed once."""
    speed = shaft_speed(recording)
    orders = fault_orders(bearing)
    _check_reach(recording, speed, orders, bearing)
    views = envelope_lines(recording, speed, orders)
    results = {
        method: _result(method, band, found, speed, orders, neighbours, thresholds)
        for method, (band, found) in views.items()
    }
    found = Look(
        recording.sha256,
        speed,
        full_band=results["full_band"],
        prewhitened=results["prewhitened"],
        kurtogram=results["kurtogram"],
        unexplained=_unexplained(
            views["prewhitened"][1],
            speed,
            (bearing, *neighbours),
            results["prewhitened"].threshold_db,
            thresholds,
        ),
        clipped_samples=recording.clipped_samples,
    )
    found = replace(found, indistinct=indistinct(orders, found.damage))
    return found, {method: lines for method, (_, lines) in views.items()}


def indistinct(orders: FaultOrders, named: Damage | None) -> tuple[Damage, ...]:
    """Return the damages of a bearing that no slip tolerance tells from the named one.

    Of a roller bearing with few and great rollers the outer race's and the roller's orders may lie
    within a hundredth of each other.
    """
    if named is None:
        return ()
    others = (d for d in DAMAGES if d != named)
    return tuple(d for d in others if abs(orders.of(d) / orders.of(named) - 1) < 2 * SLIP)


def diagnose(
    recording: Recording,
    bearing: Bearing,
    *,
    neighbours: Sequence[Bearing] = (),
    repeats: Sequence[Recording] = (),
    known_damage: Damage | None = None,
    thresholds: Thresholds = THRESHOLDS,
) -> Diagnosis:
    """Return sound, watch, alarm or contradiction for one bearing, with every reason.

    Parameters
    ----------
    recording, repeats : recordings of the same bearing
        An alarm needs a repeat: another recording, not a copy of the first.
    neighbours : the other bearings of the shaft.
    known_damage : what a teardown or a label says of this bearing, if anything: evidence of other
        damage is then a contradiction, and is named as such.

    Raises
    ------
    BadEvidence : as `look`, and `duplicate` if a repeat is a copy.

    Source: Randall and Antoni 2011 for the chain; W. A. Smith and R. B. Randall, Mechanical
    Systems and Signal Processing 64-65 (2015) 100-131 for what the recordings used here can show.
    """
    for earlier, later in duplicates((recording, *repeats)):
        raise BadEvidence(
            "Recording {later} is a copy of recording {earlier}: a repeat is measured again",
            reason="duplicate",
            earlier=earlier + 1,
            later=later + 1,
        )
    looks = tuple(look(one, bearing, neighbours, thresholds) for one in (recording, *repeats))
    outcome, reasons = _judged(looks, known_damage)
    sure = outcome in ("watch", "alarm") and not looks[0].indistinct
    damage = looks[0].damage if sure else None
    return Diagnosis(outcome, damage, (*reasons, *_remarks(looks)), looks)


def diagnose_batch(
    jobs: Sequence[tuple[Recording, Bearing]], workers: int | None = None
) -> tuple[Diagnosis | BadEvidence, ...]:
    """Return a diagnosis, or the refusal, for each recording, in their order.

    A batch that is worth the start of other processes runs on all processors; its caller must be
    importable (`if __name__ == "__main__":`), as for any pool. Threads would wait for each other
    between the many short steps of one recording.
    """
    processes = min(workers or cpu_count() or 1, len(jobs) // LEAST_SHARE)
    if processes < 2:
        return tuple(_one_of_batch(job) for job in jobs)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return tuple(pool.map(_one_of_batch, jobs, chunksize=8))


def _one_of_batch(job: tuple[Recording, Bearing]) -> Diagnosis | BadEvidence:
    try:
        return diagnose(*job)
    except BadEvidence as refusal:
        return refusal


def _check_reach(
    recording: Recording, speed: ShaftSpeed, orders: FaultOrders, bearing: Bearing
) -> None:
    highest_hz = orders.highest * speed.hz
    if recording.sampling_rate_hz < 2 * BAND_FACTOR * highest_hz:
        raise BadEvidence(
            "{rate:.0f} Hz is too low a sampling rate for {bearing}: at {rpm:.0f} rpm it needs "
            "{least:.0f} Hz",
            reason="sampling_rate",
            rate=recording.sampling_rate_hz,
            bearing=bearing.key,
            rpm=speed.rpm,
            least=2 * BAND_FACTOR * highest_hz,
        )
    if recording.seconds * speed.hz < LEAST_REVOLUTIONS:
        raise BadEvidence(
            "The recording holds {turns:.0f} turns of the shaft; at least {least} are needed",
            reason="too_short",
            turns=recording.seconds * speed.hz,
            least=LEAST_REVOLUTIONS,
        )


def _result(
    method: Method,
    band: Band,
    found: Lines,
    speed: ShaftSpeed,
    orders: FaultOrders,
    neighbours: Sequence[Bearing],
    thresholds: Thresholds,
) -> MethodResult:
    searched = sum(searched_bins(found, speed, orders.of(damage)) for damage in DAMAGES)
    threshold = thresholds.level_db(method, searched)
    own = without_louder_neighbours(found, speed, orders, neighbours, threshold)
    return MethodResult(method, band, threshold, ranked(own, speed, orders))


def _unexplained(
    found: Lines,
    speed: ShaftSpeed,
    bearings: Sequence[Bearing],
    threshold_db: float,
    thresholds: Thresholds,
) -> Unexplained | None:
    """Return the strongest stray line, unless damage of some bearing outshouts it: by-products."""
    loudest = 0.0
    rest = silenced(found, speed, [k / 2 for k in range(int(4 * HIGHEST_ORDER))])
    for orders in (fault_orders(bearing) for bearing in bearings):
        best = ranked(found, speed, orders)[0]
        loudest = max(loudest, best.level_db)
        if best.level_db >= threshold_db:
            rest = silenced(rest, speed, family(best, orders.cage))
    stray = unexplained_lines(rest, speed)
    over = stray.level_db >= thresholds.unexplained_db and stray.level_db > loudest
    return stray if over else None


def _judged(looks: tuple[Look, ...], known: Damage | None) -> tuple[Outcome, tuple[Reason, ...]]:
    first = looks[0]
    if first.damage:
        if known and first.damage != known and known not in first.indistinct:
            return "contradiction", (_other_damage(first, first.damage, known),)
        return _named(looks, first.damage)
    if first.unexplained:
        return "contradiction", (_stray(first.unexplained),)
    only_full = first.full_band.over_db > 2 * CLEAR_DB and not first.prewhitened.found
    if only_full and not first.kurtogram.found:
        return "contradiction", (_only_tones(first),)
    single = tuple(_single(result) for result in first.results if result.found)
    return ("watch", single) if single else ("sound", (_silent(first),))


def _named(looks: tuple[Look, ...], damage: Damage) -> tuple[Outcome, tuple[Reason, ...]]:
    first = looks[0]
    found = because(
        "damage",
        "{damage} damage at order {order:.3f}, {over:.1f} dB over the threshold after "
        "prewhitening; agreeing: {methods}",
        damage=damage,
        order=first.prewhitened.strongest.order,
        over=first.prewhitened.over_db,
        methods=", ".join(first.agreeing),
    )
    missing = tuple(_missing(looks, damage))
    alike = tuple(_alike(first, damage)) if first.indistinct else ()
    return ("watch" if missing else "alarm"), (found, *alike, *missing)


def _alike(first: Look, damage: Damage) -> Iterable[Reason]:
    for other in first.indistinct:
        yield because(
            "alike",
            "{damage} and {known} damage of this bearing show at nearly the same order "
            "{order:.3f}: which of them it is cannot be told",
            damage=damage,
            known=other,
            order=first.prewhitened.strongest.order,
        )


def _missing(looks: tuple[Look, ...], damage: Damage) -> Iterable[Reason]:
    """Yield what an alarm still needs."""
    first = looks[0]
    if len(first.agreeing) < 2:
        yield because("one_method", "no alarm: only one method is over its threshold")
    if len(looks) == 1:
        yield because("no_repeat", "no alarm: no repeat measurement; record again")
    elif not any(repeat.damage == damage for repeat in looks[1:]):
        yield because("not_repeated", "no alarm: the repeat does not show it")
    if not first.speed.confirmed:
        yield because("speed_unconfirmed", "no alarm: the signal does not carry the stated speed")
    if first.clipped_samples:
        yield because("clipped", "no alarm: {n} samples are clipped", n=first.clipped_samples)


def _other_damage(first: Look, damage: Damage, known: Damage) -> Reason:
    return because(
        "other_damage",
        "the evidence is of {damage} damage (order {order:.3f}), declared is {known}",
        damage=damage,
        order=first.prewhitened.strongest.order,
        known=known,
    )


def _stray(stray: Unexplained) -> Reason:
    return because(
        "unexplained",
        "impacts repeat at order {order:.3f} ({level:.0f} dB), which the declared bearing cannot "
        "give: check its type, and the other parts of this shaft",
        order=stray.order,
        level=stray.level_db,
    )


def _only_tones(first: Look) -> Reason:
    strongest = first.full_band.strongest
    return because(
        "only_tones",
        "order {order:.3f} ({damage}) stands {over:.1f} dB over the threshold and vanishes when "
        "tones are removed: not impacts in the declared bearing",
        order=strongest.order,
        damage=strongest.damage,
        over=first.full_band.over_db,
    )


def _single(result: MethodResult) -> Reason:
    return because(
        "single_method",
        "{method} alone finds {damage}, {over:.1f} dB over its threshold: no damage is named",
        method=result.method,
        damage=result.found,
        over=result.over_db,
    )


def _silent(first: Look) -> Reason:
    nearest = max(result.over_db for result in first.results)
    return because("silent", "no method finds damage; nearest {over:.1f} dB", over=nearest)


def _remarks(looks: tuple[Look, ...]) -> Iterable[Reason]:
    for number, one in enumerate(looks, 1):
        if one.speed.statement_contradicted:
            yield because(
                "stated_speed_wrong",
                "recording {number}: stated {stated:.0f} rpm, the signal turns at {found:.1f} rpm; "
                "the signal's speed is used",
                number=number,
                stated=one.speed.stated_rpm,
                found=one.speed.rpm,
            )
        elif not one.speed.confirmed and one.damage is None:
            yield because(
                "speed_unheard",
                "recording {number}: the signal does not carry the stated {stated:.0f} rpm; what "
                "is said holds only if the shaft turned so: measure the speed",
                number=number,
                stated=one.speed.stated_rpm,
            )
