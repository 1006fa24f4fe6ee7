"""Why a check came out as it did: a template and its values, so that a page can translate it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One named reason; `code` never changes its meaning, the text may be translated."""

    code: str
    template: str
    values: tuple[tuple[str, object], ...] = ()

    @property
    def text(self) -> str:
        """The English sentence."""
        return self.template.format(**dict(self.values))


def because(code: str, template: str, /, **values: object) -> Reason:
    """Return a reason; the values fill the braces of the template."""
    return Reason(code, template, tuple(values.items()))


def codes(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Return the codes alone, for comparing."""
    return tuple(reason.code for reason in reasons)
