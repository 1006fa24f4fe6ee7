"""The commands that analyse failure data in files: `railtrace life`, `mcf`, `trend`."""

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Law(StrEnum):
    """The life distributions that `life` fits."""

    EXPONENTIAL = "exponential"
    WEIBULL = "weibull"
    LOGNORMAL = "lognormal"
    LOGLOGISTIC = "loglogistic"
    GOMPERTZ = "gompertz"


File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Confidence = Annotated[float, typer.Option(min=0.5, max=0.999, help="Of two-sided intervals")]
Mode = Annotated[str, typer.Option(help="Only this failure mode")]
Share = Annotated[float, typer.Option(min=0.01, max=0.999, help="That outlives the gamma life")]
Prior = Annotated[str, typer.Option(help="Pool the groups, starting from this component's prior")]


def life(
    file: File,
    law: Annotated[Law, typer.Option(help="Life distribution")] = Law.WEIBULL,
    mode: Mode = "",
    share: Share = 0.95,
    confidence: Confidence = 0.9,
    prior: Prior = "",
    threshold: Annotated[bool, typer.Option("--threshold", help="Weibull law from an age on")] = (
        False
    ),
    curve: Annotated[bool, typer.Option("--curve", help="Also survival without a law")] = False,
    as_json: AsJson = False,
) -> None:
    """Fit a life distribution to each group and failure mode of a CSV file.

    Columns: time, or lower and upper; event or mode; entry, count, group. With --threshold the
    Weibull law has a third parameter, the age before which nothing fails; with --curve survival
    is also told by Kaplan-Meier, by Turnbull where failures lie in intervals.
    """
    from railtrace.commands.failure_reports import life_lines, life_report

    report = life_report(file, str(law), mode, share, confidence, prior, threshold, curve)
    _print(report, life_lines, as_json)


def mcf(file: File, mode: Mode = "", confidence: Confidence = 0.9, as_json: AsJson = False) -> None:
    """Print the mean cumulative number of failures per unit of a CSV file, by group.

    Columns: unit, time, event or mode (a row without a failure ends the unit's watch), entry,
    count, group. Two groups are also compared.
    """
    from railtrace.commands.failure_reports import mcf_lines, mcf_report

    _print(mcf_report(file, mode, confidence), mcf_lines, as_json)


def trend(
    file: File, mode: Mode = "", confidence: Confidence = 0.9, as_json: AsJson = False
) -> None:
    """Test the repeated failures of a CSV file for a trend, and fit the laws of repaired units.

    Columns: as for mcf.
    """
    from railtrace.commands.failure_reports import trend_lines, trend_report

    _print(trend_report(file, mode, confidence), trend_lines, as_json)


def _print(
    report: dict[str, Any], lines: Callable[[dict[str, Any]], Iterable[str]], as_json: bool
) -> None:
    if as_json:
        from railtrace.commands.failure_reports import plain

        typer.echo(json.dumps(plain(report), ensure_ascii=False, indent=1, allow_nan=False))
        return
    for line in lines(report):
        typer.echo(line)


COMMANDS = (life, mcf, trend)
