"""What to buy, verified: machine after machine until the runs' lower bound meets the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from railtrace.analysis.depot_flow import Shop
from railtrace.analysis.depot_study import (
    Judged,
    Outcome,
    Target,
    judged,
    runs_needed,
    shop_with,
)
from railtrace.errors import BadData
from railtrace.web.fleet import the_names
from railtrace.web.jobs import bar_of
from railtrace.web.names import Names
from railtrace.web.planning import study, verified
from railtrace.web.planning.answer import Bought, buying_order, in_names, priced, purchases
from railtrace.web.planning.pages import kept_plan, the_shop
from railtrace.web.planning.plan import Plan
from railtrace.web.roles import allowed


@dataclass(frozen=True)
class Search:
    """A search as asked: the shop, the order of purchases, what is to be reached, how many runs
    of each shop can show that, its mark."""

    shop: Shop
    order: tuple[str, ...]
    target: Target
    runs: int
    mark: str


def search_of(laid: Plan, names: Names) -> Search:
    """Return what a plan asks to be searched. Raises BadData where it asks nothing."""
    target = Target(laid.target_h, laid.target_met)
    if not target.asked:
        raise BadData("give the plan a target first: a mean turnaround, or a chance to work the "
                      "programme off")  # fmt: skip
    shop = the_shop(laid, names)
    order = tuple(buying_order(shop, laid, 0.0)) if priced(shop, laid) else ()
    runs = runs_needed(target, study.REPLICATIONS)
    mark = study.mark_of("buy", shop, order, target, runs, verified.YEAR_H)
    return Search(shop, order, target, runs, mark)


def _key(count: int) -> str:
    return f"bought{count}"


def steps(search: Search, known: Mapping[str, Sequence[Outcome]]) -> list[Judged]:
    """Return how the shop stands after each number of purchases that is run to the end."""
    found = []
    for count in range(len(search.order) + 1):
        runs = known.get(_key(count), ())
        if len(runs) < search.runs:
            break
        found.append(judged(runs, search.target))
    return found


def following(search: Search) -> study.Next:
    """Return which shop is run next: with one machine more, until the lower bound is met."""

    def asked(known: Mapping[str, list[Outcome]]) -> tuple[str, Shop] | None:
        done = steps(search, known)
        if len(done) > len(search.order) or (done and done[-1].met):
            return None
        return _key(len(done)), shop_with(search.shop, search.order[: len(done)])

    return asked


@dataclass(frozen=True)
class Step:
    """What was bought, nothing at first, and how the depot then stands to its target."""

    bought: Bought | None
    judged: Judged


def searched(laid: Plan, names: Names) -> list[Step]:
    """Return the steps of a plan's search as far as it is run; none where it was not begun."""
    search = search_of(laid, names)
    found = study.kept(search.mark)
    done = steps(search, found.runs) if found else []
    if not done:
        return []
    bought = purchases(search.shop, laid, names, search.order[: len(done) - 1])
    return [Step(each, came) for each, came in zip([None, *bought], done, strict=True)]


@dataclass(frozen=True)
class Chosen:
    """What a plan buys: as runs verified it, with their steps, else by the formulas alone."""

    bought: list[Bought]
    steps: list[Step]


def chosen(laid: Plan, names: Names) -> Chosen:
    """Return what a plan buys. A search counts once it met its target or went through its order.

    Raises BadData where the shop cannot be computed.
    """
    if Target(laid.target_h, laid.target_met).asked:
        steps = searched(laid, names)
        over = len(steps) > len(search_of(laid, names).order)
        if steps and (over or steps[-1].judged.met):
            return Chosen([step.bought for step in steps if step.bought], steps)
    shop = the_shop(laid, names)
    return Chosen(purchases(shop, laid, names) if priced(shop, laid) else [], [])


def buy(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the purchases of a plan as runs verify them, one after another."""
    row, laid = kept_plan(pk)
    names = the_names()
    context: dict[str, Any] = {
        "section": "planning", "plan": row, "tab": "buy", "laid": laid,
        "replications": study.REPLICATIONS, "programme": verified.programme_said(),
    }  # fmt: skip
    try:
        search = search_of(laid, names)
        context["job"], context["steps"] = study.kept(search.mark), searched(laid, names)
        context |= {"order": search.order, "replications": search.runs}
    except BadData as error:
        context["problem"] = in_names(error, names)
    status = 422 if "problem" in context else 200
    return render(request, "planning/buy.html", context, status=status)


@require_POST
@allowed("record")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin the search, go on with it, or stop it."""
    search = search_of(kept_plan(pk)[1], the_names())
    if "stop" in request.POST:
        study.stop(search.mark)
    else:
        of = search.runs * (len(search.order) + 1)
        study.start(search.mark, of, following(search))
    return redirect("plan-buy", pk)


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the progress bar of a search that is under way; 205 asks for the page anew."""
    return bar_of(request, study.kept(search_of(kept_plan(pk)[1], the_names()).mark))
