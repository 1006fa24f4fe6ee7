"""What is to be done on a day of the simulated railway."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Agenda:
    """Acts by the minute they are due; an act is told the minute at which it is done."""

    due: list[tuple[float, Callable[[float], None]]] = field(default_factory=list)

    def at(self, minute: float, act: Callable[[float], None]) -> None:
        """Note an act."""
        self.due.append((minute, act))
        self.due.sort(key=lambda item: item[0])

    def until(self, start_min: float, end_min: float) -> None:
        """Do what is due before a minute, nothing earlier than the start."""
        while self.due and self.due[0][0] < end_min:
            minute, act = self.due.pop(0)
            act(max(minute, start_min))
