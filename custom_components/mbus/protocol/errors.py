"""Everything that this package raises on purpose."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, override

from .problems import Problem


class MBusError(Exception):
    """Base of all errors of this package: what one tells are its class and its attributes.

    `str()` says the same in English.
    """

    _text: ClassVar[str] = ""
    """The English for it, with the names of attributes in braces."""

    @override
    def __str__(self) -> str:
        """Say in English what is wrong."""
        return self._text.format_map(vars(self)) if self._text else super().__str__()

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Let `pickle` and `copy` restore what the error carries, whatever it was made from."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


class ProblemError(MBusError):
    """Bytes or a value are not what they have to be; `problem` says why."""

    _text = "{problem}"

    def __init__(self, key: str, **facts: str) -> None:
        """Take a key of PROBLEMS and its facts."""
        super().__init__(key)
        self.problem = Problem(key, facts)


class FrameError(ProblemError):
    """Bytes that are no usable reply: damaged frame or malformed application data."""


class UnsupportedError(FrameError):
    """A sound frame whose control information (CI) has no decoder; `data` is what follows CI."""

    def __init__(self, control_information: int, data: bytes) -> None:
        """Keep the raw application data."""
        super().__init__("not_decoded", code=f"{control_information:02X}")
        self.control_information = control_information
        self.data = data


class ApplicationError(FrameError):
    """The meter answered with an error (CI 70, 6E, 6F; EN 13757-3).

    `code` is the error code, None when the meter sent none.
    """

    def __init__(self, key: str, code: int | None = None) -> None:
        """Keep the code beside what it means."""
        super().__init__(key, **({} if code is None else {"code": f"{code:02X}"}))
        self.code = code


@dataclass(eq=False, kw_only=True)
class LinkError(MBusError):
    """The link can't be opened or was lost; `link` names it, as its settings do."""

    link: str
    _text = "{link} can't be used"


@dataclass(eq=False, kw_only=True)
class LinkBusyError(LinkError):
    """The serial port or gateway is in use by another program."""

    _text = "{link} is in use by another program"


@dataclass(eq=False, kw_only=True)
class LinkNotFoundError(LinkError):
    """There is no such serial port or host."""

    kind: Literal["port", "host"]
    _text = "there is no {kind} {link}"


class LinkRefusedError(LinkError):
    """Nothing listens at the host's port."""

    _text = "{link} refuses the connection"


class LinkPermissionError(LinkError):
    """The system lets this program not use the port."""

    _text = "no permission to open {link}"


@dataclass(eq=False, kw_only=True)
class LinkTimeoutError(LinkError):
    """The way was not open within `timeout` seconds."""

    timeout: float
    _text = "{link} does not answer within {timeout:g} s"


@dataclass(eq=False, kw_only=True)
class LinkOpenError(LinkError):
    """The link can't be opened for another reason, which is the system's or a library's own text."""

    reason: str
    _text = "{link} can't be opened: {reason}"


@dataclass(eq=False, kw_only=True)
class LinkLostError(LinkError):
    """The open link broke."""

    reason: str
    _text = "{link} was lost: {reason}"


class LinkEndedError(LinkError):
    """The other side closed the open link."""

    _text = "{link} was closed by the other side"


class LinkClosedError(LinkError):
    """The link was closed from here."""

    _text = "{link} is closed"


@dataclass(eq=False, kw_only=True)
class LinkFloodedError(LinkError):
    """More bytes came without a request than any meter sends; the link was closed."""

    limit: int
    _text = (
        "{link} sends without being asked, more than {limit} bytes; check that an M-Bus is"
        " behind it, and its rate and wiring"
    )


class LinkSilentError(LinkError):
    """No meter answers over this way, though over another."""

    _text = "no meter answers over {link}"


class LinkRateFixedError(LinkError):
    """The rate of the bus is not set from here, but by the gateway."""

    _text = "the rate behind {link} can't be changed from here"


@dataclass(eq=False, kw_only=True)
class LinkRateError(LinkError):
    """The port can't be set to a rate."""

    baud_rate: int
    reason: str
    _text = "{link} can't be set to {baud_rate} baud: {reason}"


@dataclass(eq=False, kw_only=True)
class NoWayError(LinkError):
    """Neither the master link, which is `link`, nor the backup can be opened."""

    errors: tuple[LinkError, ...]

    @override
    def __str__(self) -> str:
        """Say what is wrong with each."""
        return "; ".join(map(str, self.errors))


@dataclass(eq=False, kw_only=True)
class PackageTooLongError(MBusError):
    """A frame to send or just received is longer than the setting max. package length.

    Both are in bytes from CI on.
    """

    length: int
    limit: int
    _text = (
        "{length} bytes in one frame are more than max. package length, which is"
        " {limit}"
    )


@dataclass(eq=False, kw_only=True)
class NoisyLineError(MBusError):
    """Something comes even where no meter can answer: always the `noise`, or such as it."""

    noise: bytes
    _text = (
        "the converter sends {shown} where no meter answers; check its wiring and whether too many"
        " meters hang on it"
    )

    @property
    def shown(self) -> str:
        """The noise in hex, cut where it is long."""
        text = self.noise[:_SHOWN].hex(" ").upper()
        return f"{text} …" if len(self.noise) > _SHOWN else text

    @override
    def __str__(self) -> str:
        """Show what comes, and what to check."""
        return self._text.format(shown=self.shown)


class ChangingNoiseError(NoisyLineError):
    """Where no meter can answer, now this comes and now that."""

    _text = (
        "noise comes where no meter answers, such as {shown}, so that several meters can't be told"
        " from none; check the wiring, the converter and its supply, and whether something that"
        " isn't an M-Bus meter sends by itself"
    )


class DistortedEchoError(MBusError):
    """The converter returns each request distorted."""

    _text = (
        "the converter returns each request distorted; check parity and baud rate, its wiring and"
        " whether too many meters hang on it"
    )


@dataclass(eq=False, kw_only=True)
class NobodyAnswersError(MBusError):
    """A sound answer comes from an `address` that no meter may have."""

    address: int
    _text = (
        "something answers at address {address}, which no meter may have; check that no other master"
        " is on the bus and that the gateway passes bytes on unchanged"
    )


class UnsoundRepliesError(MBusError):
    """Meters answer, but never with a sound telegram."""

    _text = (
        "meters answer, but never with a sound telegram; check parity and baud rate, the wiring and"
        " whether too many meters hang on the converter; where a gateway or radio link pauses within"
        " replies, raise Line delay ratio of the connection"
    )


@dataclass(eq=False, kw_only=True)
class LateRepliesError(MBusError):
    """Answers came up to `delay` seconds after the request, later than the standard allows."""

    delay: float
    _text = (
        "answers come up to {delay:.1f} s after the request, later than the standard allows; the"
        " search waited for them, and so took longer"
    )


@dataclass(eq=False, kw_only=True)
class OverdueRepliesError(MBusError):
    """Answers came `delay` seconds after the request, later than the timeout lets them."""

    delay: float
    _text = (
        "answers come {delay:.1f} s after the request, when they are no longer waited for; raise"
        " Timeout of the connection, and search again"
    )


_SHOWN = 8
"""Bytes of noise that a text shows."""
