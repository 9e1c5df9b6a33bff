"""Frames of the link layer (EN 13757-2, format FT1.2): building, checking, finding in a stream."""

from dataclasses import dataclass
from enum import IntEnum

from ..errors import FrameError

ACK = b"\xe5"

_SHORT = 0x10
_LONG = 0x68
_STOP = 0x16
_FROM_MASTER = 0x40


class Control(IntEnum):
    """C fields that a master sends (EN 13757-2, 1.3), without the frame count bit."""

    SND_NKE = 0x40
    SND_UD = 0x53
    REQ_UD1 = 0x5A
    REQ_UD2 = 0x5B


FRAME_COUNT_BIT = 0x20


class Single(IntEnum):
    """The frame of one character."""

    ACK = 0xE5


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A short frame (control_information is None), control frame or long frame.

    `data` is what follows the CI field.
    """

    control: int
    address: int
    control_information: int | None = None
    data: bytes = b""

    @property
    def from_master(self) -> bool:
        """A request: what a slave never sends, so on the line it is an echo."""
        return bool(self.control & _FROM_MASTER)

    @property
    def access_demand(self) -> bool:
        """ACD: the slave has an alarm (class 1 data) waiting."""
        return not self.from_master and bool(self.control & 0x20)

    @property
    def busy(self) -> bool:
        """DFC: the slave accepts no further data now; reading stays allowed."""
        return not self.from_master and bool(self.control & 0x10)

    def __bytes__(self) -> bytes:
        """Give the frame as it goes over the line."""
        if self.control_information is None:
            return short_frame(self.control, self.address)
        return long_frame(
            self.control, self.address, self.control_information, self.data
        )


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes on the line that belong to no sound frame."""

    data: bytes


type Received = Frame | Single | Garbage


def short_frame(control: int, address: int) -> bytes:
    """Build a frame of five characters: `10 C A CS 16`."""
    return bytes((_SHORT, control, address, (control + address) & 0xFF, _STOP))


def long_frame(
    control: int, address: int, control_information: int, data: bytes = b""
) -> bytes:
    """Build `68 L L 68 C A CI data CS 16`; without data it is a control frame.

    Raises FrameError for more than 252 bytes of data.
    """
    if len(data) > 252:
        raise FrameError(
            f"{len(data)} bytes of data do not fit in a frame of at most 252"
        )
    body = bytes((control, address, control_information)) + data
    length = len(body)
    return (
        bytes((_LONG, length, length, _LONG)) + body + bytes((sum(body) & 0xFF, _STOP))
    )


def parse_frame(data: bytes) -> Frame:
    """Check the exact bytes of one short, control or long frame.

    Raises FrameError that says what is wrong with them.
    """
    if not data:
        raise FrameError("no bytes")
    if data[0] not in (_SHORT, _LONG):
        raise FrameError(f"a frame starts with 10 or 68, not {data[0]:02X}")
    expected = _expected_length(data)
    if expected is None:
        raise FrameError(
            f"the start {data[:4].hex(' ').upper()} is not that of a frame"
        )
    if len(data) != expected:
        raise FrameError(f"{len(data)} bytes instead of {expected}")
    if data[-1] != _STOP:
        raise FrameError(f"the last byte is {data[-1]:02X} instead of 16")
    body = data[1:-2] if data[0] == _SHORT else data[4:-2]
    if sum(body) & 0xFF != data[-2]:
        raise FrameError(f"checksum {data[-2]:02X} instead of {sum(body) & 0xFF:02X}")
    if data[0] == _SHORT:
        return Frame(control=body[0], address=body[1])
    return Frame(
        control=body[0], address=body[1], control_information=body[2], data=body[3:]
    )


def _expected_length(data: bytes | bytearray) -> int | None:
    """Say how long the frame is that starts like this; a start too short to tell counts in itself.

    None when no frame starts like this.
    """
    if data[0] == _SHORT:
        return 5
    if len(data) < 4:
        return None if len(data) == 3 and data[1] != data[2] else 4
    if data[1] != data[2] or data[3] != _LONG or data[1] < 3:
        return None
    return data[1] + 6


class FrameReader:
    """Finds frames in a stream by their length fields, however the stream is cut in pieces.

    What belongs to no frame comes out as Garbage. A single character is only taken for one where a
    frame could start: within the remains of a broken frame it is a data byte.
    """

    def __init__(self) -> None:
        """Start at the boundary of a frame."""
        self._buffer = bytearray()
        self._broken = False

    @property
    def pending(self) -> bool:
        """A frame has begun and is not complete."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Received]:
        """Take the next bytes of the stream and return what is complete with them."""
        self._buffer += data
        return self._take(final=False)

    def flush(self) -> list[Received]:
        """Return what is left, knowing that nothing follows: the line went idle."""
        received = self._take(final=True)
        self._broken = False
        return received

    def _take(self, *, final: bool) -> list[Received]:
        received: list[Received] = []
        garbage = bytearray()
        buffer = self._buffer

        def found(item: Received) -> None:
            if garbage:
                received.append(Garbage(bytes(garbage)))
                garbage.clear()
            received.append(item)

        while buffer:
            if buffer[0] == Single.ACK and not self._broken:
                found(Single.ACK)
                del buffer[0]
                continue
            if buffer[0] in (_SHORT, _LONG):
                length = _expected_length(buffer)
                if length is not None and len(buffer) < length and not final:
                    break
                if length is not None and len(buffer) >= length:
                    try:
                        frame = parse_frame(bytes(buffer[:length]))
                    except FrameError:
                        pass
                    else:
                        found(frame)
                        del buffer[:length]
                        self._broken = False
                        continue
                self._broken = True
            garbage.append(buffer.pop(0))
        if garbage:
            received.append(Garbage(bytes(garbage)))
        return received
