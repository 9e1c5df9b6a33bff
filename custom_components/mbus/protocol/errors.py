"""Everything that this package raises on purpose."""

from typing import Any, override


class MBusError(Exception):
    """Base of all errors of this package."""

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Let `pickle` and `copy` restore what the error carries, whatever it was made from."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


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


class PackageTooLongError(MBusError):
    """A frame to send or just received is longer than the setting max. package length."""


class RefusedError(MBusError):
    """A write was refused or had no effect."""
