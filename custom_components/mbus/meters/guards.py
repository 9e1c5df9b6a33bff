"""What holds a record's value back: one of another kind than the binding's, or a total that fell."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..protocol import NO_DATA, Number, Problem, Value
from .binding import BindingError, BindingState
from .reading import Memory
from .reason import Reason, spelt
from .transformation import is_number

_TOTAL = "total"
_FALLEN = "fallen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What the values of a binding have to be.

    `sends_number`: its record held a number when it was bound. `rises`: its record is a total that doesn't go back,
    whatever the chain makes of it. `show` gives what its entity shows of what came out of the chain; None where that is
    nothing it can show.
    """

    sends_number: bool
    rises: bool
    show: Callable[[Any], Any]

    def check(self, value: Value, problem: Problem | None) -> None:
        """Raise BindingError where there is no valid value but a problem, and for one of another type than the binding's."""
        if value is None:
            raise BindingError(BindingState.INVALID_VALUE, problem or Problem(NO_DATA))
        if self.sends_number and not is_number(value):
            raise BindingError(
                BindingState.INVALID_VALUE,
                Reason("not_a_number", {"value": spelt(value)}),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """A total and the one before: `has_fallen` when it is lower, `is_believed` when a second reading agrees."""

    has_fallen: bool
    is_believed: bool
    memory: Memory


def hold_against(total: Number, memory: Memory) -> Fall:
    """Hold a total against the last valid one.

    One that fell is either a wrong reply or a meter that was set back: the second reading that is lower, too, and not
    lower than the first, tells. No second reading makes a total below zero true, but for a register that began there: it
    counts both ways.
    """
    present = Decimal(str(total))
    last = Decimal(memory.get(_TOTAL, present))
    first = memory.get(_FALLEN)
    kept = {_TOTAL: str(total)}
    if present >= last or last < 0:
        return Fall(has_fallen=False, is_believed=True, memory=kept)
    if present < 0:
        return Fall(has_fallen=True, is_believed=False, memory={_TOTAL: str(last)})
    if first is not None and present >= Decimal(first):
        return Fall(has_fallen=True, is_believed=True, memory=kept)
    return Fall(
        has_fallen=True,
        is_believed=False,
        memory={_TOTAL: str(last), _FALLEN: str(total)},
    )
