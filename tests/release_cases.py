"""What comes out of a row of a decision: the one table for the gates and for the checker.

`tests/projections/test_gate_rows.py` holds the product to it, `tests/test_certificate.py` the
checker that travels with a certificate.
"""

from typing import Any

HOUR_US = 3_600_000_000
DEPARTS_US = 1_768_888_800_000_000


def _read(value: str, uncertainty: str = "", hours: float = -20) -> dict[str, Any]:
    return {"operation": "o", "unit": "w", "what": "flange_thickness", "value": value,
            "uncertainty": uncertainty, "unit_of_measure": "mm",
            "at_us": DEPARTS_US + round(hours * HOUR_US)}  # fmt: skip


def _limit(
    *looked: dict[str, Any], low: str | None = "26", high: str | None = "33"
) -> dict[str, Any]:
    return {"gate": "unfit", "rule": "limit", "looked": list(looked), "min": low, "max": high}


def _own(value: str, uncertainty: str = "") -> dict[str, Any]:
    return {"gate": "g", "rule": "own_limits", "looked": [_read(value, uncertainty)], "min": "48"}


def _fresh(hours: float | None, most: str | None = "24") -> dict[str, Any]:
    looked = [] if hours is None else [_read("50", hours=hours)]
    return {"gate": "g", "rule": "fresh", "looked": looked, "max_age_h": most,
            "departs_us": DEPARTS_US}  # fmt: skip


def _paper(hours: float | None, required: bool = True, endless: bool = False) -> dict[str, Any]:
    until = None if endless or hours is None else DEPARTS_US + round(hours * HOUR_US)
    looked = [] if hours is None else [{"operation": "o", "at_us": 0, "until_us": until}]
    return {"gate": "g", "rule": "paper", "looked": looked, "required": required,
            "departs_us": DEPARTS_US}  # fmt: skip


def _amount(value: str | None, hours: float = -10, required: bool = True) -> dict[str, Any]:
    looked = [] if value is None else [_read(value, hours=hours)]
    return {"gate": "g", "rule": "amount", "looked": looked, "required": required, "min": "0.6",
            "max_age_h": "24", "departs_us": DEPARTS_US}  # fmt: skip


def _pair(rule: str, first: str, second: str, **bounds: str) -> dict[str, Any]:
    return {"gate": "g", "rule": rule, "looked": [_read(first), _read(second)], **bounds}


def _due(used: str, allowed: str) -> dict[str, Any]:
    return {"gate": "overdue", "rule": "due", "looked": [_read(used)], "max": allowed}


def _heard(unheard_h: float) -> dict[str, Any]:
    looked = _read("") | {"until_us": DEPARTS_US - round(unheard_h * HOUR_US)}
    return {"gate": "data_elsewhere", "rule": "heard", "looked": [looked], "max_age_h": "24",
            "departs_us": DEPARTS_US}  # fmt: skip


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "inside": (_limit(_read("30", "0.1")), "fit"),
    "on the limit without an error": (_limit(_read("26")), "fit"),
    "on the limit with an error": (_limit(_read("26", "0.1")), "doubtful"),
    "under for sure": (_limit(_read("25.8", "0.1")), "unfit"),
    "its interval ends on the limit": (_limit(_read("25.9", "0.1")), "doubtful"),
    "over the greatest": (_limit(_read("33.2", "0.1")), "unfit"),
    "no least": (_limit(_read("2", "0.1"), low=None), "fit"),
    "no greatest": (_limit(_read("99", "0.1"), high=None), "fit"),
    "as many figures as it takes": (_limit(_read("25.899999999999999", "0.1")), "unfit"),
    "a doubt repeated inside": (
        _limit(_read("26.05", "0.1", -4), _read("26.02", "0.1", -5)), "fit"),
    "a doubt repeated outside": (
        _limit(_read("25.95", "0.1", -4), _read("26.05", "0.1", -5)), "unfit"),
    "a repeat of what was inside is none": (
        _limit(_read("26.05", "0.1", -4), _read("28", "0.1", -5)), "doubtful"),
    "a repeat after more than a day is none": (
        _limit(_read("26.05", "0.1", -4), _read("26.02", "0.1", -28.5)), "doubtful"),
    "a repeat after exactly a day is one": (
        _limit(_read("26.05", "0.1", -4), _read("26.02", "0.1", -28)), "fit"),
    "two at one moment are no repeat": (
        _limit(_read("26.05", "0.1", -4), _read("26.02", "0.1", -4)), "doubtful"),
    "a clear reading needs no repeat": (
        _limit(_read("25", "0.1", -4), _read("26.05", "0.1", -5)), "unfit"),
    "own limit kept": (_own("50", "0.2"), "fit"),
    "own limit in doubt counts as kept": (_own("47.9", "0.2"), "fit"),
    "own limit not kept": (_own("47.7", "0.2"), "unfit"),
    "measured lately": (_fresh(-24), "fit"),
    "measured too long ago": (_fresh(-24.01), "old"),
    "never measured": (_fresh(None), "missing"),
    "of any age": (_fresh(-900, None), "fit"),
    "paper of tomorrow": (_paper(24), "fit"),
    "paper that ends with the departure": (_paper(0), "fit"),
    "paper of yesterday": (_paper(-1), "old"),
    "paper without an end": (_paper(0, endless=True), "fit"),
    "no paper": (_paper(None), "missing"),
    "no paper, none wanted": (_paper(None, required=False), "fit"),
    "coal enough": (_amount("0.6"), "fit"),
    "coal short": (_amount("0.59"), "unfit"),
    "coal of another day": (_amount("0.6", -25), "missing"),
    "coal of another day, not asked": (_amount("0.1", -25, required=False), "fit"),
    "nobody said": (_amount(None), "missing"),
    "nobody said, nobody asks": (_amount(None, required=False), "fit"),
    "couplers alike": (_pair("height", "1040", "1090", max="50"), "fit"),
    "couplers apart": (_pair("height", "1091", "1040", max="50"), "unfit"),
    "brakes enough": (_pair("brake_force", "132", "240", min="55"), "fit"),
    "brakes short": (_pair("brake_force", "131.9", "240", min="55"), "unfit"),
    "interval not used up": (_due("99.5", "100.0"), "fit"),
    "interval used up to the last": (_due("100.0", "100.0"), "fit"),
    "heard within what is borne": (_heard(24), "fit"),
    "heard after it had left there": (_heard(-3), "fit"),
    "not heard of for too long": (_heard(24.01), "old"),
    "interval overrun": (_due("100.1", "100.0"), "unfit"),
}  # fmt: skip
