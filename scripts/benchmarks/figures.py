"""A figure beside the most that it may be, as a row of a benchmark's table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .report import machine, print_report

_COLUMNS = ("", "mbus", "bare", "ratio", "goal", "met")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure of ours, that of the bare integration where there is one, and the most that it may be.

    With `is_ratio` the goal is for their ratio, otherwise for ours alone, which may then be as much as the bare one's, too.
    """

    name: str
    ours: float
    bare: float | None = None
    goal: float | None = None
    is_ratio: bool = False
    unit: str = ""

    @property
    def value(self) -> float:
        """What is held against the goal."""
        return self.ours / self.bare if self.is_ratio and self.bare else self.ours

    @property
    def is_met(self) -> bool:
        """Whether it is no more than it may be."""
        if self.goal is None:
            return True
        allowed = self.goal if self.is_ratio else max(self.goal, self.bare or 0)
        return self.value <= allowed

    def cells(self) -> tuple[str, ...]:
        """Return it as a row of the table."""
        goal = "" if self.goal is None else f"≤ {self.goal:g}"
        return (
            self.name,
            f"{_short(self.ours)} {self.unit}",
            "" if self.bare is None else f"{_short(self.bare)} {self.unit}",
            f"{self.value:.2f} ×" if self.is_ratio else "",
            f"{goal} ×" if self.is_ratio and goal else goal,
            "" if self.goal is None else "yes" if self.is_met else "NO",
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "mbus": self.ours,
            "bare": self.bare,
            "value": self.value,
            "goal": self.goal,
            "unit": self.unit,
            "met": self.is_met,
        }


def _short(number: float) -> str:
    return f"{number:.3g}" if abs(number) < 1000 else f"{number:.0f}"


def print_rows(
    title: str, rows: Iterable[Row], more: Mapping[str, Any], *, as_json: bool
) -> int:
    """Print the rows with the machine's size; return 1 where a goal is missed, as the program is to end with."""
    rows = [*rows]
    print_report(
        f"{title}; {machine()}",
        _COLUMNS,
        [row.cells() for row in rows],
        {
            **more,
            "machine": machine(),
            "figures": {row.name: row.as_dict() for row in rows},
        },
        as_json=as_json,
    )
    return int(not all(row.is_met for row in rows))
