"""A gateway that does its worst to whoever connects, and serves a bus as it should again when told to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import override

from tests.simulator import SimulatedBus, TcpGateway
from tests.simulator.frames import REQ_UD2, RequestReader, long_frame, parse_command
from tests.simulator.gateway import Client

TICK = 0.01  # s
FAST = 4_000_000  # bytes a second
LINE = 3_500
"""Bytes a second that a bus at 38400 baud brings."""
FRAMES = 100_000  # a second
_LONGEST, _HEADER = 252, 12
"""Bytes after the CI field of a frame at most, and of a telegram before its records."""

type Piece = Callable[[Random, int], bytes]


@dataclass(frozen=True, kw_only=True)
class Mode:
    """What it does: send so many bytes a second of something by itself, answer in a way of its own, or hang up."""

    sends: Piece | None = None
    rate: int = 0
    answers: Callable[[bytes, int], tuple[bytes, ...]] | None = None
    """Makes of a meter's telegram what is sent instead, piece by piece; the number is that of the request."""
    hangs_up: bool = False


def _repeated(pattern: bytes) -> Piece:
    return lambda random, count: (pattern * (count // len(pattern) + 1))[:count]


def _random(random: Random, count: int) -> bytes:
    return random.randbytes(count)


def _always_more(frame: bytes, number: int) -> tuple[bytes, ...]:
    """Return a whole telegram after which another one follows."""
    records = (b"\x04\x03" + number.to_bytes(4, "little")) * 36
    return (_telegram(frame, number, records + b"\x1f"),)


def _never_ending(frame: bytes, number: int) -> tuple[bytes, ...]:
    """Return the beginning of the longest telegram, and zeros, one by one."""
    whole = _telegram(frame, number, bytes(_LONGEST - _HEADER))
    return tuple(bytes((byte,)) for byte in whole[:-2] + bytes(10_000))


def _half(frame: bytes, number: int) -> tuple[bytes, ...]:
    return (frame[: 1 + number % (len(frame) - 1)],)


def _telegram(frame: bytes, number: int, records: bytes) -> bytes:
    """Return what a meter that sent a frame sends with another access number and other records."""
    control, address, information, *header = frame[4 : 7 + _HEADER]
    header[8] = number % 256
    return long_frame(control, address, information, bytes(header) + records)


_FRAME = long_frame(0x08, 99, 0x72)
_STARTS = b"\x68\x10\x68\xf7\xf7\x68\x10"
MODES = {
    "random bytes": Mode(sends=_random, rate=FAST),
    "random bytes at 38400 baud": Mode(sends=_random, rate=LINE),
    "zeros": Mode(sends=_repeated(b"\0"), rate=FAST),
    "zeros at 38400 baud": Mode(sends=_repeated(b"\0"), rate=LINE),
    "start bytes": Mode(sends=_repeated(_STARTS), rate=FAST),
    "start bytes at 38400 baud": Mode(sends=_repeated(_STARTS), rate=LINE),
    "E5": Mode(sends=_repeated(b"\xe5"), rate=400_000),
    "E5 at 38400 baud": Mode(sends=_repeated(b"\xe5"), rate=LINE),
    "100,000 frames a second": Mode(sends=_repeated(_FRAME), rate=FRAMES * len(_FRAME)),
    "frames at 38400 baud": Mode(sends=_repeated(_FRAME), rate=LINE),
    "replies without end": Mode(answers=_always_more),
    "a reply without end": Mode(answers=_never_ending),
    "flapping": Mode(hangs_up=True),
    "flapping in the middle of replies": Mode(answers=_half, hangs_up=True),
}


class JunkGateway(TcpGateway):
    """A gateway to a bus; in one of the modes the bus is never asked."""

    def __init__(self, bus: SimulatedBus) -> None:
        """Begin as a good one."""
        super().__init__(bus)
        self._mode: Mode | None = None
        self._random = Random(0)
        self._requests = 0

    @property
    def mode(self) -> Mode | None:
        """What it does; None: what it should."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode | None) -> None:
        self._mode = mode
        if mode is None:
            self.disconnect()
        for client in self._clients:
            self._begin(client)

    @override
    def joined(self, client: Client) -> None:
        super().joined(client)  # type: ignore[arg-type]
        self._begin(client)

    def _begin(self, client: Client) -> None:
        mode = self._mode
        if mode and mode.sends:
            self._start(self._flood(mode, mode.sends, client))
        elif mode and mode.hangs_up and not mode.answers:
            client.abort()

    async def _flood(self, mode: Mode, sends: Piece, client: Client) -> None:
        while self._mode is mode and client in self._clients:
            client.write(sends(self._random, max(1, int(mode.rate * TICK))))
            await asyncio.sleep(TICK)

    @override
    def received(self, data: bytes, reader: RequestReader, client: Client) -> None:
        if self._mode is None:
            super().received(data, reader, client)
            return
        if self._mode.answers:
            for frame in reader.feed(data):
                self._start(self._answer(self._mode, frame, client))

    async def _answer(self, mode: Mode, frame: bytes, client: Client) -> None:
        assert mode.answers
        command = parse_command(frame)
        if command.function != REQ_UD2:
            client.write(b"\xe5")
            return
        self._requests += 1
        meter = next(one for one in self.bus.meters if one.address == command.address)
        for piece in mode.answers(meter.peek()[0], self._requests):
            if self._mode is not mode or client not in self._clients:
                return
            client.write(piece)
            await asyncio.sleep(TICK)
        if mode.hangs_up:
            client.abort()
