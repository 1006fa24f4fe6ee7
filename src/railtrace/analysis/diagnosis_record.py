"""How far a device, a method or an operator may be trusted: diagnoses against what was found.

A diagnosis is confirmed or refuted later, by a teardown (damage classes of ISO 15243) or by a
failure in service. Most never are: what was not looked into counts as unknown, never as right.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta

from railtrace.analysis.evidence import evidence
from railtrace.errors import BadData

Said = Literal["sound", "watch", "alarm", "contradicts"]
Found = Literal["damage", "no_damage", "unknown"]


@dataclass(frozen=True)
class Share:
    """A share of cases with its exact (Clopper–Pearson) interval."""

    of: int
    count: int
    share: float
    low: float
    high: float
    evidence: str


@dataclass(frozen=True)
class DiagnosisRecord:
    """What became of one group's diagnoses.

    hit : damage that was alarmed, of all damage that was found
    miss : damage that was called sound, of all damage that was found
    false_alarm : alarms where nothing was found, of all alarms looked into
    looked_into : alarms whose truth is known, of all alarms
    """

    group: str
    diagnoses: int
    hit: Share
    miss: Share
    false_alarm: Share
    looked_into: Share


def share_of(count: int, of: int, confidence: float = 0.9) -> Share:
    """Return a share with its exact interval; of nothing, everything is possible."""
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, count, of - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, of - count)) if count < of else 1.0
    middle = count / of if of else float("nan")
    return Share(of, count, middle, low, high, str(evidence(of)))


def records(
    said: ArrayLike, found: ArrayLike, group: ArrayLike, confidence: float = 0.9
) -> list[DiagnosisRecord]:
    """Return the record of each group (device, method, operator), the greatest first.

    Parameters
    ----------
    said : shape (n,), `sound`, `watch`, `alarm` or `contradicts`
    found : shape (n,), `damage`, `no_damage` or `unknown`
    group : shape (n,)

    Raises
    ------
    BadData : a word that is none of these; columns of different length.
    """
    words, truths, groups = (np.asarray(column, str) for column in (said, found, group))
    if not words.shape == truths.shape == groups.shape:
        raise BadData("diagnoses, findings and groups go in rows of three")
    _require(words, {"sound", "watch", "alarm", "contradicts"})
    _require(truths, {"damage", "no_damage", "unknown"})
    told = [_record(str(name), words[groups == name], truths[groups == name], confidence)
            for name in np.unique(groups)]  # fmt: skip
    return sorted(told, key=lambda record: (-record.diagnoses, record.group))


def _require(column: np.ndarray, known: set[str]) -> None:
    for row, word in enumerate(column):
        if word not in known:
            raise BadData("row {row}: {word} is none of {known}", row=row + 1, word=str(word),
                          known=", ".join(sorted(known)))  # fmt: skip


def _record(
    group: str, said: np.ndarray, found: np.ndarray, confidence: float
) -> DiagnosisRecord:
    damage, alarm = found == "damage", said == "alarm"
    sure = found != "unknown"

    def share(part: np.ndarray, of: np.ndarray) -> Share:
        return share_of(int(np.sum(part & of)), int(np.sum(of)), confidence)

    return DiagnosisRecord(
        group, len(said), share(alarm, damage), share(said == "sound", damage),
        share(found == "no_damage", alarm & sure), share(sure, alarm),
    )  # fmt: skip
