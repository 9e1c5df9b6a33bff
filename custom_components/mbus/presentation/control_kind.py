"""Which kind of control writes a record."""

from contextlib import suppress
from datetime import date, datetime, time
from typing import Final

from homeassistant.const import Platform

from ..meters.binding import Binding
from ..protocol import (
    PLAIN_TEXT,
    SECRET_QUANTITIES,
    EncodeError,
    Function,
    Value,
    encode_value,
)
from .display import Display
from .entered_number import number_range

_NATURES: Final[tuple[tuple[Platform, Value], ...]] = (
    (Platform.BUTTON, None),
    (Platform.DATETIME, datetime(2000, 1, 1)),
    (Platform.DATE, date(2000, 1, 1)),
    (Platform.TIME, time()),
    (Platform.TEXT, "0"),
)
"""What a record is can be told by the value that it takes; what takes none of these is a number or nothing."""

_WITHOUT_CONTROL: Final = SECRET_QUANTITIES | {"bus_address", "identification"}
"""Quantities that no state may show, or that the meter is found by and nobody should change in passing."""


def control_platform(binding: Binding, display: Display) -> Platform | None:
    """Return what kind of control a binding has that is shown so; None for one that is not, or can't be, written."""
    signature = binding.signature
    if (
        not binding.access.writes
        or signature is None
        or signature.quantity in _WITHOUT_CONTROL
    ):
        return None
    platform = _platform(binding, display)
    rule = binding.interpretation and binding.interpretation.rule
    if platform is not Platform.BUTTON and rule and not rule.can_be_undone:
        return None  # What would be written is not what was entered.
    return platform


def _platform(binding: Binding, display: Display) -> Platform | None:
    """Return what writes a record of this coding; None for one that is not known well enough."""
    for platform, value in _NATURES:
        with suppress(EncodeError):
            encode_value(binding.header, value)
            return platform
    try:
        numbers = number_range(binding, display)
    except EncodeError:
        return None
    if numbers is None:
        return None
    if is_cleared(binding):
        return Platform.BUTTON
    return Platform.SWITCH if numbers.is_bit else Platform.NUMBER


def is_cleared(binding: Binding) -> bool:
    """Return whether a record is not set to a value but cleared, as the highest and lowest ones are."""
    signature = binding.signature
    return (
        signature is not None
        and signature.function in (Function.MAXIMUM, Function.MINIMUM)
        and signature.quantity != PLAIN_TEXT
    )
