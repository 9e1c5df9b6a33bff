"""The state that an error leaves a meter in."""

from typing import Final

from ..meters.binding import BindingState
from ..protocol import (
    ForeignReplyError,
    LinkError,
    MBusError,
    NoReplyError,
    OtherMeterError,
)

_STATES: Final[tuple[tuple[type[MBusError], BindingState], ...]] = (
    (LinkError, BindingState.NO_CONNECTION),
    (OtherMeterError, BindingState.ANOTHER_METER),
    (NoReplyError, BindingState.UNAVAILABLE_ADDRESS),
    (ForeignReplyError, BindingState.UNAVAILABLE_ADDRESS),
    (MBusError, BindingState.NO_SOUND_REPLY),
)


def fault_of(error: MBusError) -> BindingState:
    """Return what is wrong with a meter that couldn't be read; the first row that matches counts."""
    return next(state for kind, state in _STATES if isinstance(error, kind))
