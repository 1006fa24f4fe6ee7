"""What crews, commissions and contractors say in the demo: invented, of the last weeks.

An autumn commission inspection half done and one of air reservoirs whose day has passed; remarks,
one of them three times in a week; a coach abroad, a motor claimed of the works that repaired it;
papers of wheelsets of which one has run out and one soon will.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from railtrace.simulation.depots import Yard
from railtrace.trace.operation import KINDS, Operation

DAY = timedelta(days=1)
_AUTUMN = "осенний комиссионный осмотр"
_PEOPLE = ("p-demo-driver", "p-demo-fitter", "p-demo-otk")
_REMARKS = (
    ("brake", "Медленно отпускает тормоз в хвосте секции"),
    ("cooling", "Греется вода на подъёме, жалюзи открыты полностью"),
    ("safety_devices", "Радиостанция шипит, слышимость плохая"),
    ("diesel", "Дымит на седьмой позиции"),
)


def upkeep(
    yards: Sequence[Yard], inspected: Sequence[str], freight: Sequence[str],
    wheelsets: Sequence[str], now: datetime,
) -> Iterator[Operation]:  # fmt: skip
    """Yield the operations; `inspected` are in the autumn campaign, `freight` in the other.

    `wheelsets`, on vehicles of the first yard, have papers.
    """
    yield from _campaigns(inspected, freight, now)
    for number, yard in enumerate(yards):
        yield from _remarks(yard, number, now)
    yield from _abroad(next((yard for yard in yards if yard.units.get("coach")), None), now)
    yield from _claimed(yards[0], now)
    yield from _examined(wheelsets, yards[0].site, now)


def _op(kind: str, id_: str, at: datetime, **fields: Any) -> Operation:
    return KINDS[kind](id=id_, happened_at=at.replace(microsecond=0), **fields)


def _campaigns(
    inspected: Sequence[str], freight: Sequence[str], now: datetime
) -> Iterator[Operation]:
    autumn, tanks = "demo-autumn", "demo-reservoirs"
    yield _op("CampaignOpened", "demo-camp:a", now - 40 * DAY, campaign=autumn,
              title="Осенний комиссионный осмотр", until=f"{now + 20 * DAY:%Y-%m-%d}",
              effect="stops", service=_AUTUMN, order="Приказ (демо) 112")  # fmt: skip
    yield _op("CampaignJoined", "demo-camp:aj", now - 40 * DAY, campaign=autumn,
              units=tuple(inspected))  # fmt: skip
    for index, unit in enumerate(inspected[: len(inspected) * 3 // 5]):
        yield _op("CampaignDone", f"demo-camp:ad:{index}", now - (30 - index % 25) * DAY,
                  campaign=autumn, units=(unit,), act=f"ОС-{index + 1}",
                  outcome="failed" if index % 11 == 5 else "passed",
                  findings="ослаблено крепление путеочистителя" if index % 11 == 5 else "",
                  performed_by=(_PEOPLE[2],))  # fmt: skip
    yield _op("CampaignOpened", "demo-camp:r", now - 90 * DAY, campaign=tanks,
              title="Осмотр запасных резервуаров", until=f"{now - 5 * DAY:%Y-%m-%d}",
              effect="limits", service="осмотр резервуара",
              order="Телеграмма (демо) 7")  # fmt: skip
    yield _op("CampaignJoined", "demo-camp:rj", now - 90 * DAY, campaign=tanks,
              units=tuple(freight))  # fmt: skip
    done = tuple(freight[: len(freight) * 9 // 10])
    if done:
        yield _op("CampaignDone", "demo-camp:rd", now - 20 * DAY, campaign=tanks, units=done)


def _remarks(yard: Yard, number: int, now: datetime) -> Iterator[Operation]:
    for index, unit in enumerate(yard.units.get("locomotive", ())):
        topic, text = _REMARKS[(index + number) % len(_REMARKS)]
        times = 3 if index == 0 else 1
        for n in range(times):
            id_ = f"demo-remark:{yard.site}:{index}:{n}"
            at = now - (6 - 2 * n + index) * DAY
            yield _op("RemarkMade", id_, at, units=(unit,), text=text, topic=topic,
                      site=yard.site, performed_by=(_PEOPLE[0],), train="2104")  # fmt: skip
            yield from _answered(id_, unit, index, at, yard.site)


def _answered(
    remark: str, unit: str, index: int, at: datetime, site: str
) -> Iterator[Operation]:
    said: dict[str, Any] = {"units": (unit,), "remark": remark, "site": site}
    later = at + timedelta(hours=5)
    if index == 0:
        yield _op("RemarkDone", f"{remark}:d", later, work="Отрегулировано",
                  performed_by=(_PEOPLE[1],), **said)  # fmt: skip
    elif index == 1:
        yield _op("RemarkCarriedOver", f"{remark}:c", later, reason="нет запасных частей",
                  until=f"{at + 4 * DAY:%Y-%m-%d}", performed_by=(_PEOPLE[1],), **said)  # fmt: skip


def _abroad(yard: Yard | None, now: datetime) -> Iterator[Operation]:
    if yard is not None:
        coach = yard.units["coach"][0]
        stay: dict[str, Any] = {"units": (coach,), "stay": "demo-stay", "site": yard.site}
        yield _op("SentForRepair", "demo-away:s", now - 70 * DAY, to="Вагоноремонтный завод (демо)",
                  where="abroad", repair_kind="КР-1", contract="демо 17/26",
                  expected=f"{now - 3 * DAY:%Y-%m-%d}", **stay)  # fmt: skip
        yield _op("RepairProgressed", "demo-away:p", now - 20 * DAY, stage="Кузов собран, окраска",
                  **stay)  # fmt: skip


def _claimed(yard: Yard, now: datetime) -> Iterator[Operation]:
    for unit in yard.units.get("locomotive", ())[-1:]:
        one: dict[str, Any] = {"units": (unit,), "site": yard.site}
        yield _op("WarrantyGiven", "demo-warranty", now - 120 * DAY, by="Тепловозоремонтный (демо)",
                  after="ТР-3", until=f"{now + 200 * DAY:%Y-%m-%d}", km="100000",
                  document="демо 3/26", **one)  # fmt: skip
        yield _op("DefectFound", "demo-claimed", now - 15 * DAY, code="течь водяного насоса", **one)
        claim = {"claim": "demo-1"} | one
        yield _op("ClaimOpened", "demo-claim:o", now - 14 * DAY, defect="demo-claimed",
                  against="Тепловозоремонтный (демо)", warranty="demo-warranty",
                  **claim)  # fmt: skip
        yield _op("ClaimAnswered", "demo-claim:a", now - 6 * DAY, answer="rejected",
                  reason="Нарушен режим прогрева", **claim)  # fmt: skip


def _examined(wheelsets: Sequence[str], site: str, now: datetime) -> Iterator[Operation]:
    """Papers of full examination: of the first ran out, of the second soon will."""
    days_left = (-6, 12, 45, 80, 200, 400)
    for number, (unit, left) in enumerate(zip(wheelsets, days_left, strict=False)):
        yield _op("PaperIssued", f"demo-examined:{number}", now - 60 * DAY, units=(unit,),
                  site=site, service="полное освидетельствование", number=f"демо {number + 1}/26",
                  valid_until=f"{now + left * DAY:%Y-%m-%d}")  # fmt: skip
