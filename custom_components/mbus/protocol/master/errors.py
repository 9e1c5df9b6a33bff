"""What goes wrong with one meter."""

from dataclasses import dataclass
from datetime import datetime
from typing import override

from ..address import Address
from ..application.header import Identity
from ..coding.values import Value
from ..errors import MBusError
from ..problems import Problem


@dataclass(eq=False, kw_only=True)
class MeterError(MBusError):
    """A transaction with the meter at `address`, as it was asked, failed."""

    address: Address
    _text = "{address} can't be read"


@dataclass(eq=False, kw_only=True)
class NoReplyError(MeterError):
    """Nothing came within all attempts."""

    attempts: int
    _text = "no reply from {address} in {attempts} attempts"


class NoDataError(NoReplyError):
    """The meter acknowledges the request, but sends no data."""

    _text = "{address} acknowledges requests but sends no data"


class LateReplyError(NoReplyError):
    """The meter answers, but later than the timeout."""

    _text = (
        "answers from {address} come later than the timeout; raise Timeout in the options of the"
        " connection, or that of the meter"
    )


class DamagedReplyError(MeterError):
    """Something answered in every attempt, never cleanly."""

    _text = "no sound reply from {address}"


class InterruptedReplyError(DamagedReplyError):
    """Each reply of the meter stopped in the middle."""

    _text = (
        "replies from {address} stop in the middle; where a gateway or radio link pauses within"
        " replies, raise Line delay ratio in the options of the connection"
    )


class DamagedTelegramsError(DamagedReplyError):
    """The meter acknowledges soundly, but each of its telegrams comes in damaged."""

    _text = (
        "{address} acknowledges, but its telegrams come in damaged; check its wiring, and that no"
        " other meter has this address"
    )


class UncountableError(DamagedReplyError):
    """It isn't sure which of its telegrams the meter sent."""

    _text = "the telegrams of {address} can't be counted"


class CollisionError(DamagedReplyError):
    """Several meters answer at this address."""

    _text = (
        "several meters answer at {address}: use their secondary addresses, or give each an address"
        " of its own while it is alone on the bus"
    )


class TwinsError(CollisionError):
    """Several meters answer at this address, and nothing tells them apart."""

    _text = (
        "several meters answer at {address} and can't be told apart: while one of them is alone on"
        " the bus, give it a primary address of its own (action mbus.set_primary_address)"
    )


class ForeignReplyError(MeterError):
    """Only answers from another address came."""

    _text = "only other addresses reply to requests to {address}"


class AnonymousReplyError(ForeignReplyError):
    """Only answers came that don't say who sent them."""

    _text = "the reply from {address} doesn't say which meter it is"


@dataclass(eq=False, kw_only=True)
class OtherMeterError(MeterError):
    """Another meter than the one expected answers at this address."""

    expected: Identity | None
    found: Identity

    @override
    def __str__(self) -> str:
        """Name the other meter, with what alone tells it from the one expected."""
        found = str(self.found)
        if self.expected is None or self.expected.matches(self.found):
            found += f", version {self.found.version}, {self.found.medium_name}"
        return f"another meter answered at {self.address} ({found})"


@dataclass(eq=False, kw_only=True)
class EndlessError(MeterError):
    """The meter says after each of `telegrams` that more follow, and they do not recur."""

    telegrams: int
    _text = (
        "{address} never marks its end: more records follow even after {telegrams} telegrams;"
        " let it be read with “more records follow” ignored"
    )


@dataclass(eq=False, kw_only=True)
class RefusedError(MBusError):
    """A write was refused or had no effect: nothing is changed in the meter at `address`."""

    address: Address
    _text = "{address} refuses"


@dataclass(eq=False, kw_only=True)
class ErrorReplyError(RefusedError):
    """The meter answered what was sent with an error."""

    reason: Problem
    _text = "{address} refuses: {reason}"


@dataclass(eq=False, kw_only=True)
class UnchangedError(RefusedError):
    """The record is read back as it was before `written` was written."""

    value: Value
    written: Value
    _text = "{address} still has {value!r} after {written!r} was written"


class FlowControlError(RefusedError):
    """The meter says that it accepts no data now (DFC)."""

    _text = "{address} takes nothing at present (DFC)"


class AddressTakenError(RefusedError):
    """A meter is at the primary address `address` that another one was to get."""

    _text = "a meter answers at {address} already"


class AddressKeptError(RefusedError):
    """The meter does not answer at the primary address that it was given."""

    _text = "{address} keeps its address"


class IdentificationKeptError(RefusedError):
    """The meter does not answer with the identification that it was given."""

    _text = "{address} keeps its identification"


@dataclass(eq=False, kw_only=True)
class ClockError(RefusedError):
    """The meter's clock shows another time than it was set to."""

    shown: datetime
    _text = "the clock of {address} shows {shown}"


@dataclass(eq=False, kw_only=True)
class BaudRateKeptError(RefusedError):
    """The meter answers at its old rate."""

    baud_rate: int
    _text = "{address} stays at {baud_rate} baud"


@dataclass(eq=False, kw_only=True)
class BaudRateLostError(RefusedError):
    """The meter answers neither at the new rate nor at the old one."""

    baud_rate: int
    old_baud_rate: int
    _text = (
        "{address} answers neither at {baud_rate} nor at {old_baud_rate} baud; most meters return to"
        " the old rate after 2 to 10 minutes"
    )
