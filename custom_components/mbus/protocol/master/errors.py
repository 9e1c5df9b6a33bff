"""What goes wrong with one meter."""

from ..address import Address
from ..application.header import Identity
from ..errors import MBusError


class MeterError(MBusError):
    """A transaction with the meter at `address` failed."""

    def __init__(self, message: str, address: Address) -> None:
        """Keep the address as it was asked."""
        super().__init__(message)
        self.address = address


class NoReplyError(MeterError):
    """Nothing came within all attempts."""


class NoDataError(NoReplyError):
    """The meter acknowledges the request, but sends no data."""


class DamagedReplyError(MeterError):
    """Something answered in every attempt, never cleanly."""


class CollisionError(DamagedReplyError):
    """Several meters answer at this address."""


class ForeignReplyError(MeterError):
    """Only answers from another address came, or ones that don't say who sent them."""


class OtherMeterError(MeterError):
    """Another meter than the one expected answers at this address."""

    def __init__(
        self, message: str, address: Address, expected: Identity | None, found: Identity
    ) -> None:
        """Keep both identities."""
        super().__init__(message, address)
        self.expected = expected
        self.found = found
