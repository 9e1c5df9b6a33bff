"""Frames of the link layer (EN 13757-2, format FT1.2): building, checking, finding in a stream."""

from dataclasses import dataclass
from enum import IntEnum
import re

from ..errors import FrameError

ACK = b"\xe5"

_SHORT = 0x10
_LONG = 0x68
_STOP = 0x16
_MOST_DATA = 252
_FROM_MASTER = 0x40
_STARTS = (re.compile(b"[\x10\x68\xe5]"), re.compile(b"[\x10\x68]"))
"""What something may begin with, at the boundary of a frame and within the remains of a broken one."""


class Control(IntEnum):
    """C fields that a master sends (EN 13757-2, 1.3), without the frame count bit."""

    SND_NKE = 0x40
    SND_UD = 0x53
    REQ_UD1 = 0x5A
    REQ_UD2 = 0x5B


FRAME_COUNT_BIT = 0x20
SELECT = 0x52
"""CI of a selection by secondary address (EN 13757-7)."""


class Single(IntEnum):
    """The frame of one character."""

    ACK = 0xE5


@dataclass(frozen=True, slots=True)
class Frame:
    """A sound short, control or long frame, as its bytes on the line."""

    raw: bytes

    @property
    def control(self) -> int:
        """The C field."""
        return self.raw[self._start]

    @property
    def address(self) -> int:
        """The A field."""
        return self.raw[self._start + 1]

    @property
    def control_information(self) -> int | None:
        """The CI field; None of a short frame."""
        return None if self.raw[0] == _SHORT else self.raw[6]

    @property
    def data(self) -> bytes:
        """What follows the CI field."""
        return self.raw[7:-2]

    @property
    def from_master(self) -> bool:
        """A request: what a slave never sends, so on the line it is an echo."""
        return bool(self.control & _FROM_MASTER)

    @property
    def is_reset(self) -> bool:
        """A reset of the link layer (SND_NKE)."""
        return self.control == Control.SND_NKE

    @property
    def is_selection(self) -> bool:
        """A selection by secondary address."""
        return self.from_master and self.control_information == SELECT

    @property
    def asks_for_data(self) -> bool:
        """A request for class 2 data (REQ_UD2)."""
        return self.control & ~FRAME_COUNT_BIT == Control.REQ_UD2

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
        return self.raw

    @property
    def _start(self) -> int:
        return 1 if self.raw[0] == _SHORT else 4


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes on the line that belong to no sound frame."""

    data: bytes


type Received = Frame | Single | Garbage


def check_byte(name: str, value: int) -> None:
    """Raise ValueError for more than a byte."""
    if not 0 <= value <= 0xFF:
        raise ValueError(f"{name} {value} is not within 0 to 255")


def short_frame(control: int, address: int) -> bytes:
    """Build a frame of five characters: `10 C A CS 16`. Raises ValueError for more than a byte."""
    check_byte("control", control)
    check_byte("address", address)
    return bytes((_SHORT, control, address, (control + address) & 0xFF, _STOP))


def long_frame(
    control: int, address: int, control_information: int, data: bytes = b""
) -> bytes:
    """Build `68 L L 68 C A CI data CS 16`; without data it is a control frame.

    Raises FrameError for more than 252 bytes of data, ValueError for more than a byte in another field.
    """
    check_byte("control", control)
    check_byte("address", address)
    check_byte("control_information", control_information)
    if len(data) > _MOST_DATA:
        raise FrameError("frame_too_long", length=str(len(data)), most=str(_MOST_DATA))
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
        raise FrameError("no_bytes")
    if data[0] not in (_SHORT, _LONG):
        raise FrameError("no_start", byte=f"{data[0]:02X}")
    expected = _expected_length(data)
    if not expected:
        raise FrameError("no_frame", start=data[:4].hex(" ").upper())
    if len(data) != expected:
        raise FrameError("wrong_length", length=str(len(data)), expected=str(expected))
    if data[-1] != _STOP:
        raise FrameError("no_stop", byte=f"{data[-1]:02X}")
    body = data[1:-2] if data[0] == _SHORT else data[4:-2]
    checksum = sum(body) & 0xFF
    if checksum != data[-2]:
        raise FrameError(
            "wrong_checksum", checksum=f"{data[-2]:02X}", expected=f"{checksum:02X}"
        )
    return Frame(bytes(data))


def _expected_length(data: bytes) -> int:
    """Say how long the frame is that starts like this; a start too short to tell counts in itself.

    0 when no frame starts like this.
    """
    if data[0] == _SHORT:
        return 5
    if len(data) < 4:
        return 0 if len(data) == 3 and data[1] != data[2] else 4
    if data[1] != data[2] or data[3] != _LONG or data[1] < 3:
        return 0
    return data[1] + 6


def _is_sound(raw: bytes) -> bool:
    """Check stop byte and checksum of a frame whose length is right."""
    if not raw or raw[-1] != _STOP:
        return False
    return sum(raw[1:-2] if raw[0] == _SHORT else raw[4:-2]) & 0xFF == raw[-2]


class FrameReader:
    """Finds frames in a stream by their length fields, however the stream is cut in pieces.

    What belongs to no frame comes out as Garbage. A single character is only taken for one where a
    frame could start: within the remains of a broken frame it is a data byte. The work is linear in
    the bytes: each is looked at as a start once, and each start is followed for one frame at most.
    """

    def __init__(self) -> None:
        """Start at the boundary of a frame."""
        self._buffer = b""
        self._broken = False

    @property
    def pending(self) -> bool:
        """A frame has begun and is not complete."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Received]:
        """Take the next bytes of the stream and return what is complete with them."""
        return self._take(self._buffer + data, final=False)

    def flush(self) -> list[Received]:
        """Return what is left, knowing that nothing follows: the line went idle."""
        received = self._take(self._buffer, final=True)
        self._broken = False
        return received

    def _take(self, buffer: bytes, *, final: bool) -> list[Received]:
        received: list[Received] = []
        taken = position = 0
        while match := _STARTS[self._broken].search(buffer, position):
            position = match.start()
            item: Received = Single.ACK
            end = position + 1
            if buffer[position] != Single.ACK:
                end = position + _expected_length(buffer[position : position + 4])
                if end > len(buffer) and not final:
                    break
                item = Frame(buffer[position:end])
                self._broken = end > len(buffer) or not _is_sound(item.raw)
                if self._broken:
                    position += 1
                    continue
            if taken < position:
                received.append(Garbage(buffer[taken:position]))
            received.append(item)
            taken = position = end
        else:
            position = len(buffer)
        if taken < position:
            received.append(Garbage(buffer[taken:position]))
        self._buffer = buffer[position:]
        return received
