"""Promised against observed: every model beside its rivals, and whether it may be shown."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.forecast_scores import Ratio
from railtrace.analysis.forward_test import Scoreboard
from railtrace.errors import NotFound
from railtrace.web import words
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.plot import Axis, Plot, linear
from railtrace.web.reliability.choice import CLASSES, group_name
from railtrace.web.reliability.computed import Scores, owners, scores_of
from railtrace.web.roles import allowed
from railtrace.web.upkeep.sheets import saved

MODELS = {
    "stack": _("what is shown: model and fleet rate by their weight"),
    "model": _("model: pooled hazards by age, vehicle and driving"),
    "fleet": _("fleet rate"),
    "series_component": _("rate of series and component"),
    "kaplan_meier": _("Kaplan–Meier by component"),
    "cox": _("Cox: age, series, depot"),
    "vehicle_bayes": _("empirical Bayes by vehicle"),
}
PPM = 1e6
NOTHING = _("no run was promised and made: there is nothing to score")


@dataclass(frozen=True)
class Row:
    """A model's scores in words; losses in millionths."""

    name: str
    loss: float
    gain: float
    low: float
    high: float
    brier: float
    miscalibration: float
    resolution: float
    expected: float


@dataclass(frozen=True)
class Group:
    """Observed over expected of a group, its interval as shares of a common line."""

    name: str
    ratio: Ratio
    left: float
    width: float
    middle: float


@allowed("read")
def scoreboard_page(request: HttpRequest) -> HttpResponse:
    """Show how promises of a class were kept."""
    asked = request.GET.get("class", "")
    vehicle_class = asked if asked in CLASSES else CLASSES[0]
    owned, names = owners(vehicle_class), the_names()
    owner = request.GET.get("owner", owned[0])
    context = {
        "section": "reliability", "tab": "scoreboard", "names": names,
        "classes": {key: words.CLASSES[key] for key in CLASSES}, "owners": owned, "owner": owner,
        "asked": {"vehicle_class": vehicle_class, "corrected": ""},
        "vehicle_class": vehicle_class, "query_string": request.GET.urlencode(),
    }  # fmt: skip
    try:
        scores = scores_of(vehicle_class, owner)
    except NotFound as error:
        return render(request, "reliability/scoreboard.html",
                      context | {"nothing": in_words(error)})  # fmt: skip
    context |= {"scores": scores, "why": gettext(NOTHING) if scores.why else ""}
    if scores.forward is not None:
        context |= _told(scores.forward, names)
    if scores.sealed is not None:
        context["sealed_rows"] = _rows(scores.sealed)
    return render(request, "reliability/scoreboard.html", context)


def _told(board: Scoreboard, names: Names) -> dict[str, object]:
    return {
        "board": board, "rows": _rows(board), "pit": _pit(board, names),
        "deciles": _groups(board.by_decile, "", names),
        "series": _groups(board.by_series, "type", names),
        "depots": _groups(board.by_depot, "home_site", names),
    }  # fmt: skip


def _rows(board: Scoreboard) -> list[Row]:
    by_key = {score.model: score for score in board.scores}
    return [
        Row(gettext(word), s.log_loss * PPM, s.gain * PPM, s.gain_low * PPM, s.gain_high * PPM,
            s.brier.score * PPM, s.brier.miscalibration * PPM, s.brier.resolution * PPM, s.expected)
        for key, word in MODELS.items() if (s := by_key.get(key)) is not None
    ]  # fmt: skip


def _groups(ratios: tuple[Ratio, ...], by: str, names: Names) -> list[Group]:
    widest = max([2.0, *(min(r.high, 4.0) for r in ratios)])
    found = []
    for ratio in ratios:
        left, right = (100 * min(end, widest) / widest for end in (ratio.low, ratio.high))
        name = group_name(by, ratio.group, names) if by else ratio.group
        middle = 100 * min(ratio.ratio, widest) / widest
        found.append(Group(name, ratio, left, right - left, middle))
    return found


def _pit(board: Scoreboard, names: Names) -> str:
    total = sum(board.pit)
    if not total:
        return ""
    ticks = tuple((n / 10, f"{n * 10}") for n in range(0, 11, 2))
    y = linear(gettext("stretches"), [*board.pit, total / 10], names.language)
    plot = Plot(Axis("%", 0, 1, ticks), y, gettext("Randomized PIT"))
    for n, count in enumerate(board.pit):
        plot.bar(n / 10 + 0.005, n / 10 + 0.095, count, f"{n * 10}–{n * 10 + 10} %: {count}")
    plot.level(total / 10)
    return plot.svg()


@allowed("read")
def scoreboard_csv(request: HttpRequest) -> HttpResponse:
    """Return the scores of every model as CSV."""
    asked = request.GET.get("class", "")
    vehicle_class = asked if asked in CLASSES else CLASSES[0]
    scores: Scores = scores_of(vehicle_class, request.GET.get("owner", owners(vehicle_class)[0]))
    return saved(request, "scoreboard", COLUMNS, (
        [kind, s.model, board.runs, board.failures, s.log_loss, s.gain, s.gain_low, s.gain_high,
         s.brier.score, s.brier.miscalibration, s.brier.resolution, s.expected]
        for kind, board in (("forward", scores.forward), ("sealed", scores.sealed))
        if board is not None for s in board.scores
    ))  # fmt: skip


COLUMNS = ("kind", "model", "runs", "failures", "log_loss", "gain", "gain_low", "gain_high",
           "brier", "miscalibration", "resolution", "expected")  # fmt: skip
