from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from railtrace.store.observed_work import again_shares, orders_seen
from railtrace.store.workload import machine_outages, turned

HOUR = 3_600_000_000
DONE_AT = datetime(1970, 1, 1, 1, tzinfo=UTC)


class _Orders:
    """Two orders of one process: a step done at once, and one done at the third try."""

    tries = {"order:a": (1, 1), "order:b": (1, 3)}

    def orders(self, **_: Any) -> list[dict[str, Any]]:
        return [{"unit": unit, "subject": "u", "process": "p", "opened_us": 0, "closed_us": end,
                 "result": "done"} for unit, end in (("order:a", 2 * HOUR), ("order:b", None))]

    def load(self, units: list[str]) -> None:
        assert "order:a" in units

    def order(self, unit: str) -> Any:
        return SimpleNamespace(process="p", unit=unit, defect="")

    def types_of(self, units: list[str]) -> dict[str, str]:
        return dict.fromkeys(units, "wheelset")

    def steps(self, order: Any) -> list[Any]:
        return [_done(key, n) for key, n in
                zip(("wash", "turn"), self.tries[order.unit], strict=True)]  # fmt: skip


def _done(key: str, tries: int) -> SimpleNamespace:
    entry = SimpleNamespace(operation=SimpleNamespace(id=key, happened_at=DONE_AT))
    return SimpleNamespace(
        step=SimpleNamespace(key=key, optional=False, after=()), status="done", waits_for=(),
        attempts=(SimpleNamespace(entry=entry),) * tries, done_us=HOUR,
    )  # fmt: skip


def test_a_step_comes_back_by_the_share_of_its_attempts_that_were_not_the_last() -> None:
    orders = cast(Any, _Orders())
    found = again_shares(orders_seen(orders, orders, 0, HOUR))
    assert found["p", "wash"] == (2, 0.0)
    assert found["p", "turn"] == (2, pytest.approx(0.5))


def test_an_order_that_is_not_closed_has_no_turnaround() -> None:
    found = turned(cast(Any, _Orders()), 0, HOUR)["p"]
    assert (found.opened, found.closed, found.hours) == (2, 1, (2.0,))


class _Machines:
    """Two washers; one failed twice in a hundred hours, and one repair is not ended."""

    def equipment(self) -> list[Any]:
        return [SimpleNamespace(unit=unit, type="washer") for unit in ("w1", "w2")]

    def failures_of(self, units: list[str]) -> Any:
        failed = {"w1": [(10 * HOUR, "", None, "f1"), (60 * HOUR, "", None, "f2"),
                         (500 * HOUR, "", None, "f3")]}
        return failed, {}

    def timeline(self, units: list[str], kinds: Any, limit: int) -> list[tuple[Any, ...]]:
        return [("w1", 14 * HOUR, 14 * HOUR, "main", 1, "Repaired", "r1")]


def test_a_repair_that_is_not_ended_tells_nothing_of_its_length() -> None:
    found = machine_outages(cast(Any, _Machines()), 0, 100 * HOUR)["washer"]
    assert found.n == 2
    assert found.mttr_h == pytest.approx(4)
    assert found.mtbf_h == pytest.approx((200 - 4) / 2)
