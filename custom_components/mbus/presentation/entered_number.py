"""Numbers as they are entered: the range of a writable record, and the way between the record's number and the one shown."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ..meters.binding import Binding
from ..meters.transformation import run
from ..profiles.interpretation import scaled
from ..protocol import Limits, limits
from .display import Display, native_value

CONF_MAXIMUM: Final = "maximum"
CONF_MINIMUM: Final = "minimum"
CONF_TEMPLATE: Final = "template"

_ON_OR_OFF: Final = frozenset({"digital_output", "remote_control"})
"""Quantities of which one bit is in use, unless the binding's limits say otherwise."""

_LARGEST: Final = 10**15
"""A float tells so many steps to either side of zero apart."""
_ANY: Final = Limits(-_LARGEST, _LARGEST, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRange:
    """The numbers that can be entered, in `unit`; without `step` there is no fixed one."""

    minimum: float
    maximum: float
    step: float | None
    unit: str | None

    @property
    def is_bit(self) -> bool:
        """Whether there is nothing but on and off."""
        return (self.minimum, self.maximum, self.step) == (0, 1, 1)


def number_range(binding: Binding, display: Display) -> NumberRange | None:
    """Return which numbers can be entered for a binding that is shown so; None where its record carries none.

    Raises EncodeError for a header that says nothing of how the record is coded.
    """
    if (coding := limits(binding.header)) is None:
        return None
    given = dict(binding.writing)
    if binding.signature and binding.signature.quantity in _ON_OR_OFF:
        given = {CONF_MINIMUM: 0, CONF_MAXIMUM: 1} | given
    lowest, highest, step = _shown_limits(binding, display, coding)
    return NumberRange(
        minimum=float(max(lowest, given.get(CONF_MINIMUM, lowest))),
        maximum=float(min(highest, given.get(CONF_MAXIMUM, highest))),
        step=None if step is None else float(step),
        unit=display.description.native_unit_of_measurement,
    )


def shown_number(display: Display, value: Any) -> float | None:
    """Return a number that came out of the binding's chain in the unit in which its sensor is shown at first."""
    number = native_value(display, value)
    if not isinstance(number, int | float | Decimal):
        return None
    # As many digits as a float has, without the noise of the conversion behind them.
    return float(f"{float(number):.15g}")


def chain_number(display: Display, shown: float | Decimal) -> Decimal:
    """Return what has to come out of the binding's chain for a number to be shown."""
    # Every conversion of units is a straight line, so two points of it lead back.
    zero, one = (Decimal(str(shown_number(display, number))) for number in (0, 1))
    return (Decimal(str(shown)) - zero) / (one - zero)


def _shown_limits(binding: Binding, display: Display, coding: Limits) -> Limits:
    """Return the limits of a coding as they are shown; wide ones where only a write template knows the way."""
    if binding.writing.get(CONF_TEMPLATE) or any(
        step["type"] != "scaling" for step in binding.transformations
    ):
        return _ANY

    def show(number: float | Decimal) -> float | None:
        epoch = dt_util.utc_from_timestamp(0)
        if binding.interpretation:
            number = scaled(number, binding.interpretation.rule.factor)
        made = run(binding.transformations, number, epoch).value
        return shown_number(display, made)

    lowest, highest, step = coding
    if step is not None:
        lowest, highest = (
            max(lowest, -_LARGEST * step),
            min(highest, _LARGEST * step),
        )
    points = (0, step or 0, lowest, highest)
    shown = [number for point in points if (number := show(point)) is not None]
    if len(shown) < len(points):
        return _ANY
    zero, one, *ends = shown
    return Limits(min(ends), max(ends), float(f"{abs(one - zero):.12g}") or None)
