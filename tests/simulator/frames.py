"""Frames as the wire carries them (EN 13757-2), built and read without the code under test."""

from dataclasses import dataclass
from typing import override

ACK = b"\xe5"
NACK = b"\xa2"

# Function codes of the C field, without its flag bits.
SND_NKE = 0x40
SND_UD = 0x43
REQ_UD1 = 0x4A
REQ_UD2 = 0x4B

FRAME_COUNT_BIT = 0x20
FRAME_COUNT_VALID = 0x10

SELECTED = 0xFD
EVERY_WITH_REPLY = 0xFE
EVERY_SILENT = 0xFF


def short_frame(control: int, address: int) -> bytes:
    """Return `10 C A CS 16`."""
    return bytes((0x10, control, address, (control + address) % 256, 0x16))


def long_frame(
    control: int, address: int, control_information: int, data: bytes = b""
) -> bytes:
    """Return `68 L L 68 C A CI data CS 16`."""
    body = bytes((control, address, control_information)) + data
    return enclose(body)


def enclose(body: bytes) -> bytes:
    """Return the long frame around C, A, CI and data."""
    if not 3 <= len(body) <= 255:
        raise ValueError(f"{len(body)} bytes do not fit a long frame")
    return (
        bytes((0x68, len(body), len(body), 0x68))
        + body
        + bytes((sum(body) % 256, 0x16))
    )


def is_long(reply: bytes) -> bool:
    """Tell a data frame from an acknowledgement."""
    return reply[:1] == b"\x68"


def is_whole(frame: bytes | bytearray) -> bool:
    """Tell whether these bytes are one undamaged long frame."""
    return (
        len(frame) >= 9
        and frame[0] == frame[3] == 0x68
        and frame[1] == frame[2] == len(frame) - 6
        and _is_closed(frame[4:])
    )


def body_of(frame: bytes) -> bytes:
    """Return C, A, CI and data of a long frame."""
    return frame[4:-2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a master's frame says."""

    control: int
    address: int
    control_information: int | None = None
    data: bytes = b""

    @property
    def function(self) -> int:
        """The C field without FCB and FCV."""
        return self.control & ~(FRAME_COUNT_BIT | FRAME_COUNT_VALID)

    @property
    def frame_count(self) -> bool | None:
        """The FCB, or None when the master marks it as not valid."""
        if not self.control & FRAME_COUNT_VALID:
            return None
        return bool(self.control & FRAME_COUNT_BIT)


def parse_command(frame: bytes) -> Command:
    """Read a whole frame of a master as `RequestReader` cuts it out."""
    if frame[0] == 0x10:
        return Command(control=frame[1], address=frame[2])
    control, address, control_information, *data = body_of(frame)
    return Command(
        control=control,
        address=address,
        control_information=control_information,
        data=bytes(data),
    )


class RequestReader:
    """Cuts the stream of a master into frames by their length fields."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self._buffer = b""
        self.discarded = b""

    @override
    def __repr__(self) -> str:
        return f"RequestReader({self._buffer.hex()})"

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that `data` completes; what is none goes to `discarded`."""
        self._buffer += data
        frames = []
        while self._buffer:
            length = self._length()
            if length is None:
                self.discarded += self._buffer[:1]
                self._buffer = self._buffer[1:]
            elif length > len(self._buffer):
                break
            else:
                frames.append(self._buffer[:length])
                self._buffer = self._buffer[length:]
        return frames

    def forget(self) -> None:
        """Give up a frame that was begun: the line was idle for too long."""
        self.discarded += self._buffer
        self._buffer = b""

    def _length(self) -> int | None:
        """Return the length of the frame at the start, or None where none can be.

        A frame of which too little is known is given the length known to be needed next.
        """
        buffer = self._buffer
        if buffer[0] == 0x10:
            if len(buffer) < 5:
                return 5
            return 5 if _is_closed(buffer[1:5]) else None
        if buffer[0] != 0x68:
            return None
        if len(buffer) < 4:
            return 4
        if buffer[1] != buffer[2] or buffer[3] != 0x68 or buffer[1] < 3:
            return None
        length = buffer[1] + 6
        if len(buffer) < length:
            return length
        return length if _is_closed(buffer[4:length]) else None


def _is_closed(body_and_end: bytes | bytearray) -> bool:
    """Check the checksum and the stop byte."""
    *body, checksum, stop = body_and_end
    return stop == 0x16 and sum(body) % 256 == checksum
