"""What a binding has to show, worked out from the documentation alone and not by the code under test.

Where that leaves more than one possibility (a kill loses up to a minute), each is followed until a shown value tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
import math
from typing import Any, Self

type Step = Mapping[str, Any]

SCRIPTS = {
    "{{ value * 3 + 1 }}": (Decimal(3), Decimal(1)),
    "{{ {'value': value - 7, 'state': (state or 0) + 1} }}": (Decimal(1), Decimal(-7)),
}
"""Templates, and the factor and shift that each comes to."""
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What is remembered of the readings before: the last total, one that fell from it, and each step's by its id."""

    total: Decimal | None = None
    fallen: Decimal | None = None
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of_another_meter(self) -> Self:
        """Keep the sums: of an exchanged meter nothing else is remembered."""
        steps = {
            key: {"sum": state["sum"]}
            for key, state in self.steps.items()
            if "sum" in state
        }
        return type(self)(steps=steps)


@dataclass(frozen=True, kw_only=True)
class Possibility:
    """A reading's time and value, what was remembered before and after it, and what has to be shown; None: nothing."""

    time: datetime | None = None
    value: Decimal | None = None
    before: Memory = field(default_factory=Memory)
    after: Memory = field(default_factory=Memory)
    shown: float | Decimal | None = None

    def read(self, rule: Rule, time: datetime, value: Decimal | None) -> Self:
        """Return what follows from the next reading."""
        shown, after = rule.apply(time, value, self.after)
        return type(self)(
            time=time, value=value, before=self.after, after=after, shown=shown
        )

    def read_again(self, rule: Rule) -> Self:
        """Return what follows from the same reading under another rule."""
        if self.time is None:
            return self
        changed = {
            key: state
            for key, state in self.after.steps.items()
            if not rule.is_same(key, state)
        }
        steps = {
            key: self.before.steps[key]
            for key, state in self.after.steps.items()
            if rule.is_same(key, state) and key in self.before.steps
        }
        before = replace(self.before, steps={**steps, **changed})
        shown, after = rule.apply(self.time, self.value, before)
        return replace(self, before=before, after=after, shown=shown)

    def of_another_meaning(self) -> Self:
        """Return what is left when the value means something else: no total that another is held against."""
        before, after = (
            replace(memory, total=None, fallen=None)
            for memory in (self.before, self.after)
        )
        return replace(self, before=before, after=after)

    def of_another_meter(self) -> Self:
        """Return what is left when the meter is another."""
        return type(self)(after=self.after.of_another_meter())


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a value is made of what is read: whether it is a total that only rises, its factor by a profile, the chain, and the period."""

    rises: bool
    period: timedelta | None
    factor: Decimal = Decimal(1)
    chain: Sequence[Step] = ()

    def is_same(self, key: str, state: Mapping[str, Any]) -> bool:
        """Tell whether a step of this rule gets what it got when it remembered a state."""
        return any(
            step["id"] == key and state.get("above") == _above(self.chain, place)
            for place, step in enumerate(self.chain)
        )

    def apply(
        self, time: datetime, value: Decimal | None, memory: Memory
    ) -> tuple[float | Decimal | None, Memory]:
        """Return what is shown, and what is remembered then."""
        breaks_off = False
        value = value if value is None else value * self.factor
        if self.rises and value is not None:
            last, fallen = memory.total, memory.fallen
            breaks_off = last is not None and value < last
            if breaks_off and (fallen is None or value < fallen):
                memory, value = replace(memory, fallen=value), None
            else:
                memory = replace(memory, total=value, fallen=None)
        shown: float | Decimal | None = value
        steps = dict[str, Mapping[str, Any]]()
        for place, step in enumerate(self.chain):
            state = memory.steps.get(step["id"], {})
            if shown is None:
                if state:
                    steps[step["id"]] = state
                continue
            above = _above(self.chain, place)
            since = None
            if "time" in state and state["above"] == above and not breaks_off:
                since = (time - state["time"]).total_seconds()
            shown, kept = self._step(step, shown, state, since)
            if kept:
                steps[step["id"]] = {**kept, "time": time, "above": above}
        return shown, replace(memory, steps=steps)

    def _step(
        self,
        step: Step,
        value: float | Decimal,
        state: Mapping[str, Any],
        since: float | None,
    ) -> tuple[float | Decimal | None, dict[str, Any]]:
        """Return a step's output and what it remembers; `since`: seconds since what it remembers now, None if never."""
        match step["type"]:
            case "scaling":
                factor, shift = (
                    Decimal(str(step["factor"])),
                    Decimal(str(step["shift"])),
                )
                return Decimal(str(value)) * factor + shift, {}
            case "script":
                factor, shift = SCRIPTS[step["template"]]
                return Decimal(str(value)) * factor + shift, {}
            case "integration":
                total = state.get("sum", 0.0)
                longest = (
                    None if self.period is None else 3.5 * self.period.total_seconds()
                )
                if since is not None and (longest is None or since < longest):
                    total += (state["value"] + float(value)) / 2 * since
                return total / SECONDS[step["time_unit"]], {
                    "sum": total,
                    "value": float(value),
                }
            case "derivative":
                rate = None
                if since:
                    moved = float(Decimal(str(value)) - Decimal(str(state["value"])))
                    rate = moved / since * SECONDS[step["time_unit"]]
                return rate, {"value": value}
            case "damper":
                damped = float(value)
                if since is not None:
                    share = 1 - math.exp(-since / step["lag"])
                    damped = state["value"] + (damped - state["value"]) * share
                return damped, {"value": damped}
        raise AssertionError(step)


def _above(chain: Sequence[Step], place: int) -> list[Step]:
    return [dict(step) for step in chain[:place]]
