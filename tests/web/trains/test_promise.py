"""The promise of a train: apart from the gates, with fit exchanges, frozen as it leaves."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import msgspec
import pytest
from django.test import Client

from railtrace.app import App
from railtrace.projections.consist import Consist
from railtrace.store.trains import Trains
from railtrace.trace.operation import DefectFound, Failed, Ran
from tests.web.trains.yard import departure, number, send, written, yard

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
TRAIN_KINDS = ("ConsistComposed", "JointsChecked", "ConsistSigned", "Released", "BrakeTested")


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return a train of three, and three coaches that stand free; the train's last one fails."""
    folder = tmp_path_factory.mktemp("promise")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        fit = departure(4, 3)
        fit.say("QualificationGranted", -900, person="p-wagons", qualification="otk",
                valid_from=fit.departs - timedelta(days=90))  # fmt: skip
        send(app, written(fit, "C-401", 4))
        spare = [one for one in written(departure(5, 3), "C-402", 5)
                 if type(one).__name__ not in TRAIN_KINDS]  # fmt: skip
        send(app, spare)
        worst, units = "C-401-v-3", [f"{c}-v-{n}" for c in ("C-401", "C-402") for n in (1, 2, 3)]
        runs = [Ran(id=f"k-{u}-{n}", happened_at=NOW - timedelta(days=60 - n), units=(u,),
                    distance_km="80") for u in units for n in range(40)]  # fmt: skip
        fails = [Failed(id=f"f-{n}", happened_at=NOW - timedelta(days=50 - 9 * n, hours=5),
                        units=(worst,), mode="нагрев", place="bogie.1", failure_class=2)
                 for n in range(4)]  # fmt: skip
        unfit = DefectFound(id="d-unfit", happened_at=NOW - timedelta(days=1), safety=True,
                            units=("C-402-v-2",), code="102")  # fmt: skip
        send(app, [*runs, *fails, unfit])
        yield app


def left(app: App) -> Consist:
    return Trains(app.knowledge(), app.lookup).consist("C-401")


def panel(browser: Client) -> str:
    answer = browser.get("/trains/C-401/promise")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(answer.content.decode()))


def test_the_panel_shows_both_chances_with_band_links_and_what_they_stand_on(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    text = panel(reader_as("release_officer"))
    assert "Arrives without a delay of 6 min or more by rolling stock" in text
    assert "Nothing uncoupled, no rescue locomotive" in text
    assert text.count('class="promise-band"') == 2
    links = re.search(r"Weakest links(.*?)</ol>", text)
    assert links is not None
    assert re.findall(r"№ (\d)", links.group(1))[0] == "3"
    assert "what crew, route and weather do to all units at once" in text
    assert "A chance never outweighs a gate." in text


def test_the_panel_tells_how_many_units_get_through(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    text = panel(reader_as("release_officer"))
    rows = re.findall(r"<td>(\d) of 3</td><td[^>]*>.*?<strong>([\d.]+)", text)
    assert [needed for needed, _ in rows] == ["3", "2", "1"]
    chances = [float(chance) for _, chance in rows]
    assert chances == sorted(chances)
    assert chances[0] < chances[1]


def test_exchanges_are_fit_and_free_and_never_the_unfit_one(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    text = panel(reader_as("release_officer"))
    offered = re.search(r"What would raise it(.*?)</ul>", text)
    assert offered is not None, text
    assert re.search(r"in the place of № 3, .*?<strong class=\"num\">\+\d", offered.group(1))
    painted = f"{number(5, 2)[:3]}\u00a0{number(5, 2)[3:]}"
    assert painted not in offered.group(1)
    assert "C-402-v-3" in offered.group(1)


def test_the_page_of_the_train_fetches_the_panel_after_itself(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("viewer").get("/trains/C-401").content.decode()
    assert 'data-fragment="/trains/C-401/promise"' in page
    assert "web/fragment.js" in page


def test_a_railway_may_keep_the_promise_to_fleet_and_reliability_roles(
    railway: App, reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = msgspec.structs.replace(railway.config, promise="fleet")
    monkeypatch.setattr(railway, "config", kept)
    assert "promise-band" not in panel(reader_as("release_officer"))
    assert "promise-band" in panel(reader_as("fleet_manager"))
    assert "promise-band" in panel(reader_as("reliability_engineer"))


def test_the_promise_is_frozen_as_the_train_leaves_and_what_comes_later_does_not_change_it(
    railway: App, reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.trains.freezing import frozen

    monkeypatch.setattr(railway, "config",
                        msgspec.structs.replace(railway.config, promise="certificate"))  # fmt: skip
    browser = reader_as("release_officer")
    page = unescape(browser.get("/trains/C-401?act=depart").content.decode())
    standing = re.search(r'name="composition" value="([^"]+)', page)
    assert standing is not None
    browser.post("/trains/C-401/decide", {
        "act": "depart", "decision": "release", "composition": standing.group(1), "paper": "В-9",
    })  # fmt: skip
    before = panel(browser)
    assert "Frozen at departure" not in before
    answer = browser.post("/trains/C-401/depart", follow=True).content.decode()
    assert "The train is on its way." in unescape(answer)
    kept = frozen(left(railway))
    assert kept is not None
    entry, promise = kept
    assert "Frozen at departure" in panel(browser)
    send(railway, [Failed(id="f-late", happened_at=NOW, units=("C-401-v-1",), mode="x",
                          place="bogie.1", failure_class=1)])  # fmt: skip
    again = frozen(left(railway))
    assert again is not None
    assert (again[0].operation.id, again[1]) == (entry.operation.id, promise)


def test_the_promise_stands_on_the_certificate_where_the_railway_says_so(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    from railtrace import check

    rows = railway.lookup.timeline(["C-401-v-1"], ("Released",), limit=1)
    answer = reader_as("viewer").get(f"/trains/certificate/{rows[0][6]}.json")
    certificate = check.check_certificate(answer.content.decode(), None)
    assert "promise" in {finding.name for finding in certificate.findings}
    assert not any(finding.is_fault for finding in certificate.findings)
    assert certificate.decision["promise"]["format"] == "railtrace-consist-promise/1"
