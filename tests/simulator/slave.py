"""A slave's link layer: addresses, selection, frame count bit, rate (EN 13757-2, EN 13757-7)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from . import frames
from .frames import ACK, Command

BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)  # CI B8 to BF
FALL_BACK = timedelta(minutes=2)


class FrameCount(StrEnum):
    """What a meter makes of the FCB."""

    KEPT = "kept"
    REPEATS = "repeats"  # the same telegram until the link is reset
    ADVANCES = "advances"  # the next telegram with every request


class AfterReset(StrEnum):
    """What a meter sends first after a reset or selection."""

    BEGINS = "begins"  # its first telegram
    KEEPS_FRAME_COUNT = "keeps frame count"  # that, or its last one if FCB is the same
    GOES_ON = "goes on"  # the next telegram, or its last one if FCB is the same


@dataclass(slots=True, kw_only=True)
class Quirks:
    """Ways in which meters depart from the standard."""

    answers_reset: bool = True
    needs_reset: bool = False
    """Until a SND_NKE to the primary address, the answer is CI B7."""
    endless: bool = False
    """Every telegram ends with 1F; after the last comes the first."""
    frame_count: FrameCount = FrameCount.KEPT
    after_reset: AfterReset = AfterReset.BEGINS
    access_number_stands: bool = False
    """Every telegram has the same access number."""
    flow_control: bool = False
    """DFC is set, and nothing sent is taken."""
    secondary_addressing: bool = True
    enhanced_selection: Literal["supported", "ignored", "silent"] = "supported"
    selects_readout: bool = True
    send_user_data: tuple[int, ...] = (0x53, 0x73)
    """The C fields that are taken for SND_UD."""
    answers_from: int | None = None
    """The A field of answers, in place of the meter's own address."""
    refusal: Literal["error", "silent", "acknowledged"] = "error"
    """How a write that isn't allowed is answered."""
    pause: timedelta = timedelta()
    """A readout begun sooner than this after the last one gets no answer."""
    sleeps_after: timedelta | None = None
    """What is heard first after so long a silence only wakes it."""
    selected_as: bytes | None = None
    """The eight bytes it compares a selection with, in place of those in its header."""
    response_delay: float | None = None
    """Seconds until the first byte, in place of the bus's."""


class Slave(ABC):
    """What every meter does on the wire.

    `receive` is all there is between it and the wire: a whole frame in, the answer out.
    """

    medium = 0x0F

    def __init__(
        self,
        address: int = 0,
        *,
        identification: str | None = None,
        manufacturer: str = "SIM",
        version: int = 1,
        medium: int | None = None,
        fabrication_number: str | None = None,
        baud_rate: int | None = None,
        quirks: Quirks | None = None,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        """Set up a meter.

        Its identification is its address if none is given; without a `baud_rate` it follows the
        master's. `clock` gives the local time: of the meter's own clock, and of its values.
        """
        self.address = address
        self.identification = identification or f"{address:08d}"
        self.manufacturer = manufacturer
        self.version = version
        if medium is not None:
            self.medium = medium
        self.fabrication_number = fabrication_number
        self.baud_rate = baud_rate
        self.quirks = quirks or Quirks()
        self.clock = clock

        self.access_number = 0
        self.status = 0
        self.alarm: int | None = None
        self.application_errors: Iterator[int] = iter(())
        self.selected = False

        self._telegrams: list[bytes] = []
        self._position = 0
        self._frame_counts: dict[bool, bool] = {}
        self._last_replies: dict[bool, bytes] = {}
        self._reset = False
        self._last_read: datetime | None = None
        self._last_heard: datetime | None = None
        self._old_baud_rate: tuple[int, datetime] | None = None

    @abstractmethod
    def take(self, command: Command) -> bytes | None:
        """Do what a SND_UD says, and return the answer."""

    @abstractmethod
    def readout(self) -> list[bytes]:
        """Return what `telegram_frame` makes the telegrams of a readout of."""

    @abstractmethod
    def telegram_frame(self, telegram: bytes, *, more: bool) -> bytes:
        """Return the frame of one telegram; `more` says that another follows."""

    def receive(self, request: bytes, baud_rate: int | None = None) -> bytes | None:
        """Take one whole frame, sent at `baud_rate`, and return the answer, if there is one."""
        if not self._understands(baud_rate) or self._sleeps():
            return None
        command = frames.parse_command(request)
        if command.control_information == 0x52 and command.address == frames.SELECTED:
            return self._select(command)
        if not self._is_addressed(command.address):
            return None
        self._old_baud_rate = None
        reply = self._answer(command, request)
        return None if command.address == frames.EVERY_SILENT else reply

    @property
    def secondary_address(self) -> bytes:
        """The eight bytes of header and selection: identification, manufacturer, version, medium."""
        return (
            bytes.fromhex(self.identification)[::-1]
            + manufacturer_code(self.manufacturer)
            + bytes((self.version, self.medium))
        )

    def repeats(self, request: bytes) -> bool:
        """Tell whether `request` has the FCB of the last, so that its answer is the last one."""
        command = frames.parse_command(request)
        by_selection = command.address == frames.SELECTED
        stored = self._frame_counts.get(by_selection)
        return stored is not None and command.frame_count is stored

    def power_failure(self) -> None:
        """Forget what the link layer keeps."""
        self.selected = False
        self._reset = False
        self._frame_counts.clear()
        self._last_replies.clear()
        self._position = 0

    def _understands(self, baud_rate: int | None) -> bool:
        if self._old_baud_rate and self.clock() >= self._old_baud_rate[1]:
            self.baud_rate = self._old_baud_rate[0]
            self._old_baud_rate = None
        return self.baud_rate is None or baud_rate in (None, self.baud_rate)

    def _sleeps(self) -> bool:
        now, last = self.clock(), self._last_heard
        self._last_heard = now
        longest = self.quirks.sleeps_after
        return longest is not None and (last is None or now - last > longest)

    def _is_addressed(self, address: int) -> bool:
        if address == frames.SELECTED:
            return self.selected
        return address in (self.address, frames.EVERY_WITH_REPLY, frames.EVERY_SILENT)

    def _answer(self, command: Command, request: bytes) -> bytes | None:
        if command.control_information is not None:
            if command.control == frames.SND_UD:
                return frames.NACK  # SND_UD2
            if (
                command.control not in self.quirks.send_user_data
                or self.quirks.flow_control
            ):
                return None
            return self.take(command)
        match command.function:
            case frames.SND_NKE:
                return self._reset_link(command.address)
            case frames.REQ_UD2:
                return self._class_2(command, request)
            case frames.REQ_UD1:
                return (
                    ACK
                    if self.alarm is None
                    else self.reply(0x71, bytes((self.alarm,)))
                )
        return None

    def restart_link(self) -> None:
        """Begin with the first telegram again, as the standard has it."""
        self._begin_again((False, True))

    def _begin_again(self, links: Iterable[bool]) -> None:
        """Forget the FCB of the link by primary address (False), of that by selection (True) or of both."""
        if self.quirks.after_reset is AfterReset.BEGINS:
            for by_selection in links:
                self._frame_counts.pop(by_selection, None)
                self._last_replies.pop(by_selection, None)
        if self.quirks.after_reset is not AfterReset.GOES_ON:
            self._position = 0

    def _reset_link(self, address: int) -> bytes | None:
        if address in (frames.SELECTED, frames.EVERY_SILENT):
            self.selected = False
        if address != frames.SELECTED:
            self._reset = True
        self.restart_link()
        return ACK if self.quirks.answers_reset else None

    def _class_2(self, command: Command, request: bytes) -> bytes | None:
        if self.quirks.needs_reset and not self._reset:
            return self.reply(0xB7, b"\0")
        error = next(self.application_errors, None)
        if error is not None:
            return self.reply(0x70, bytes((error,)))
        by_selection = command.address == frames.SELECTED
        last = self._last_replies.get(by_selection)
        if last is not None and self._sends_again(request):
            return last
        if self._rests():
            return None
        if command.frame_count is not None:
            self._frame_counts[by_selection] = command.frame_count
        reply = self._next_telegram()
        self._last_replies[by_selection] = reply
        return reply

    def _sends_again(self, request: bytes) -> bool:
        match self.quirks.frame_count:
            case FrameCount.REPEATS:
                return True
            case FrameCount.ADVANCES:
                return False
            case FrameCount.KEPT:
                return self.repeats(request)

    def _rests(self) -> bool:
        if self._position:
            return False
        now = self.clock()
        if self._last_read is not None and now - self._last_read < self.quirks.pause:
            return True
        self._last_read = now
        return False

    def _next_telegram(self) -> bytes:
        """Return the next telegram of a readout; all of it is fixed when its first is sent."""
        if self._position == 0:
            self._telegrams = self.readout()
        telegram = self._telegrams[self._position]
        self._position = (self._position + 1) % len(self._telegrams)
        if not self.quirks.access_number_stands:
            self.access_number = (self.access_number + 1) % 256
        return self.telegram_frame(
            telegram, more=self._position > 0 or self.quirks.endless
        )

    def reply(self, control_information: int, data: bytes = b"") -> bytes:
        """Return a RSP_UD of this meter, with ACD and DFC as they stand."""
        control = 0x08 | (self.alarm is not None) << 5 | self.quirks.flow_control << 4
        address = (
            self.address
            if self.quirks.answers_from is None
            else self.quirks.answers_from
        )
        return frames.long_frame(control, address, control_information, data)

    def _select(self, command: Command) -> bytes | None:
        self.selected = (
            self.quirks.secondary_addressing
            and command.control in self.quirks.send_user_data
            and self._matches(command.data)
        )
        if not self.selected:
            return None
        self._begin_again((True,))
        return ACK

    def _matches(self, selection: bytes) -> bool:
        wanted, more = selection[:8], selection[8:]
        own = self.quirks.selected_as or self.secondary_address
        return (
            len(wanted) == 8
            and _digits_match(wanted[:4], own[:4])
            and wanted[4:6] in (b"\xff\xff", own[4:6])
            and wanted[6:7] in (b"\xff", own[6:7])
            and wanted[7:8] in (b"\xff", own[7:8])
            and (not more or self._matches_enhanced(more))
        )

    def _matches_enhanced(self, data: bytes) -> bool:
        if self.quirks.enhanced_selection != "supported":
            return self.quirks.enhanced_selection == "ignored"
        if self.fabrication_number is None or len(data) != 6 or data[:2] != b"\x0c\x78":
            return False
        return _digits_match(data[2:], bytes.fromhex(self.fabrication_number)[::-1])

    def set_secondary_address(self, data: bytes) -> None:
        """Take the eight bytes of a secondary address."""
        self.identification = data[3::-1].hex().upper()
        self.manufacturer = manufacturer_name(data[4:6])
        self.version, self.medium = data[6], data[7]

    def set_baud_rate(self, baud_rate: int) -> None:
        """Use another rate, on trial until something is heard at it."""
        if self.baud_rate is not None and self.baud_rate != baud_rate:
            self._old_baud_rate = self.baud_rate, self.clock() + FALL_BACK
            self.baud_rate = baud_rate


def _digits_match(wanted: bytes, own: bytes) -> bool:
    """Compare BCD digits; a wanted F stands for any."""
    return all(w in ("f", o) for w, o in zip(wanted.hex(), own.hex(), strict=True))


def manufacturer_code(name: str) -> bytes:
    """Return the two bytes of a manufacturer's three letters, or of its four hex digits."""
    if len(name) == 4:
        return bytes.fromhex(name)[::-1]
    first, second, third = (ord(letter) - 64 for letter in name)
    return (first << 10 | second << 5 | third).to_bytes(2, "little")


def manufacturer_name(code: bytes) -> str:
    """Return the three letters of a manufacturer's two bytes; hex digits where they aren't letters."""
    number = int.from_bytes(code, "little")
    name = "".join(chr((number >> shift & 31) + 64) for shift in (10, 5, 0))
    return name if name.isalpha() and number < 0x8000 else f"{number:04X}"
