"""Everything that this package raises on purpose."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .address import Address
    from .application.header import Identity


class MBusError(Exception):
    """Base of all errors of this package."""


class FrameError(MBusError):
    """Bytes that are no usable reply: damaged frame or malformed application data."""


class UnsupportedError(FrameError):
    """A sound frame whose control information (CI) has no decoder; `data` is what follows CI."""

    def __init__(self, control_information: int, data: bytes) -> None:
        """Keep the raw application data."""
        super().__init__(f"CI {control_information:02X} is not decoded")
        self.control_information = control_information
        self.data = data


class ApplicationError(FrameError):
    """The meter answered with an error (CI 70, 6E, 6F; EN 13757-3).

    `code` is the error code, None when the meter sent none.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        """Keep the code beside its text."""
        super().__init__(message)
        self.code = code


class LinkError(MBusError):
    """The link can't be opened or was lost."""


class LinkBusyError(LinkError):
    """The serial port or gateway is in use by another program."""


class LinkNotFoundError(LinkError):
    """There is no such serial port or host."""


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


class PackageTooLongError(MBusError):
    """A frame to send or just received is longer than the setting max. package length."""


class RefusedError(MBusError):
    """A write was refused or had no effect."""
