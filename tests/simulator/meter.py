"""A slave on the bus: its link layer, its memory and what it does when told (EN 13757-2, -3, -7)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Literal

from . import frames, records
from .frames import ACK, Command
from .records import Meaning, RawRecord

MORE_RECORDS_FOLLOW = b"\x1f"
BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)  # CI B8 to BF
FALL_BACK = timedelta(minutes=2)

# Codes of CI 70 and of object actions.
UNIMPLEMENTED_CI = 0x01
PREMATURE_END_OF_RECORD = 0x04
ACCESS_DENIED = 0x10

_WITHOUT_DATA = {0x07, 0x0B, 0x0C, 0x0D}
_FREEZE, _ADD_TO_READOUT, _DELETE_FROM_READOUT = 0x0B, 0x0C, 0x0D
_ARITHMETIC: dict[int, Callable[[int, int], int]] = {
    0x00: lambda _, new: new,
    0x01: lambda old, new: old + new,
    0x02: lambda old, new: old - new,
    0x03: lambda old, new: old | new,
    0x04: lambda old, new: old & new,
    0x05: lambda old, new: old ^ new,
    0x06: lambda old, new: old & ~new,
    0x07: lambda _, __: 0,
}


class FrameCount(StrEnum):
    """What a meter makes of the FCB."""

    KEPT = "kept"
    REPEATS = "repeats"  # the same telegram until the link is reset
    ADVANCES = "advances"  # the next telegram with every request


@dataclass(slots=True, kw_only=True)
class Quirks:
    """Ways in which meters depart from the standard."""

    answers_reset: bool = True
    needs_reset: bool = False
    """Until a SND_NKE to the primary address, the answer is CI B7."""
    endless: bool = False
    """Every telegram ends with 1F; after the last comes the first."""
    frame_count: FrameCount = FrameCount.KEPT
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
    response_delay: float | None = None
    """Seconds until the first byte, in place of the bus's."""


class SimulatedMeter:
    """A meter with the link layer of a slave; models say what its telegrams hold.

    `receive` is all there is between it and the wire: a whole frame in, the answer out.
    `memory` holds what a master wrote, by the record's header, and is served from then on.
    """

    medium = 0x0F
    writable: frozenset[bytes] = frozenset()

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

        self.clock_offset = timedelta()
        self.summer_time = False
        self.access_number = 0
        self.status = 0
        self.alarm: int | None = None
        self.application_errors: Iterator[int] = iter(())
        self.application = 0
        self.protected = False
        self.memory: dict[bytes, bytes] = {}
        self.selected = False

        self._readout_selection: list[bytes] | None = None
        self._telegrams: list[bytes] = []
        self._position = 0
        self._frame_counts: dict[bool, bool] = {}
        self._last_replies: dict[bool, bytes] = {}
        self._reset = False
        self._last_read: datetime | None = None
        self._old_baud_rate: tuple[int, datetime] | None = None

    # What a model says

    def telegrams(self) -> list[bytes]:
        """Return the records of each telegram of a readout, without header and 1F."""
        return [b""]

    def instantaneous(self) -> bytes | None:
        """Return the records of application 5 and of the vendors' CI B1, if known."""
        return None

    def now(self) -> datetime:
        """Return the date and time that the meter's own clock shows."""
        return self.clock() + self.clock_offset

    # The link layer

    def receive(self, request: bytes, baud_rate: int | None = None) -> bytes | None:
        """Take one whole frame, sent at `baud_rate`, and return the answer, if there is one."""
        if not self._understands(baud_rate):
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

    def peek(self) -> list[bytes]:
        """Return the frames of a readout without being asked: nothing of the meter changes."""
        telegrams = self._remembered(self.telegrams())
        return [
            self.telegram_frame(telegram, more=number < len(telegrams))
            for number, telegram in enumerate(telegrams, 1)
        ]

    def power_failure(self) -> None:
        """Forget what the link layer keeps."""
        self.selected = False
        self._reset = False
        self._restart_link()

    def _understands(self, baud_rate: int | None) -> bool:
        if self._old_baud_rate and self.clock() >= self._old_baud_rate[1]:
            self.baud_rate = self._old_baud_rate[0]
            self._old_baud_rate = None
        return self.baud_rate is None or baud_rate in (None, self.baud_rate)

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
            return self._take(command)
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

    def _restart_link(self) -> None:
        self._frame_counts.clear()
        self._last_replies.clear()
        self._position = 0

    def _reset_link(self, address: int) -> bytes | None:
        if address in (frames.SELECTED, frames.EVERY_SILENT):
            self.selected = False
        if address != frames.SELECTED:
            self._reset = True
        self._restart_link()
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
            self._telegrams = self._readout()
        telegram = self._telegrams[self._position]
        self._position = (self._position + 1) % len(self._telegrams)
        self.access_number = (self.access_number + 1) % 256
        return self.telegram_frame(
            telegram, more=self._position > 0 or self.quirks.endless
        )

    def telegram_frame(self, telegram: bytes, *, more: bool) -> bytes:
        """Return the frame of one telegram; `more` says that another follows."""
        header = self.secondary_address + bytes((self.access_number, self.status, 0, 0))
        return self.reply(
            0x72, header + telegram + (MORE_RECORDS_FOLLOW if more else b"")
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

    # Selection (EN 13757-7)

    def _select(self, command: Command) -> bytes | None:
        self.selected = (
            self.quirks.secondary_addressing
            and command.control in self.quirks.send_user_data
            and self._matches(command.data)
        )
        if not self.selected:
            return None
        self._frame_counts.pop(True, None)
        self._last_replies.pop(True, None)
        self._position = 0
        return ACK

    def _matches(self, selection: bytes) -> bool:
        wanted, more = selection[:8], selection[8:]
        own = self.secondary_address
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

    # The application layer: what a master sends

    def _take(self, command: Command) -> bytes | None:
        data = command.data
        match command.control_information:
            case 0x50:
                self.application = data[0] if data else 0
                self._readout_selection = None
                self._restart_link()
            case 0x51:
                return self._take_records(data)
            case 0x54 | 0x5C:
                self.freeze()
            case 0xB1 if (values := self.instantaneous()) is not None:
                return self.telegram_frame(values, more=False)
            case int(code) if 0xB8 <= code <= 0xBF:
                self._set_baud_rate(BAUD_RATES[code - 0xB8])
            case _:
                return self.reply(0x70, bytes((UNIMPLEMENTED_CI,)))
        return ACK

    def _set_baud_rate(self, baud_rate: int) -> None:
        if self.baud_rate is not None and self.baud_rate != baud_rate:
            self._old_baud_rate = self.baud_rate, self.clock() + FALL_BACK
            self.baud_rate = baud_rate

    def _take_records(self, data: bytes) -> bytes | None:
        try:
            sent, tail = records.split_records(data)
        except ValueError:
            return self.reply(0x70, bytes((PREMATURE_END_OF_RECORD,)))
        if tail[:1] == bytes((records.GLOBAL_READOUT,)):
            self._readout_selection = None
            self._restart_link()
            return ACK
        selecting = [
            record.header for record in sent if record.header[0] & 0x0F == 0x08
        ]
        if selecting:
            self._select_readout(selecting)
            return ACK
        # All or nothing: a telegram with one record refused changes nothing.
        if not all(self._may_write(record) for record in sent):
            return self._refuse()
        for record in sent:
            self._write(record)
        return ACK

    def _refuse(self) -> bytes | None:
        match self.quirks.refusal:
            case "error":
                return self.reply(0x70, bytes((ACCESS_DENIED,)))
            case "acknowledged":
                return ACK
            case "silent":
                return None

    def _may_write(self, record: RawRecord) -> bool:
        if self.protected:
            return False
        header, action = records.split_action(record.header)
        match header:
            case b"\x01\x7a":
                return action == 0 and record.data[0] <= 250
            case b"\x0c\x79" | b"\x07\x79":
                return action == 0
            case b"\x04\x6d" | b"\x06\x6d":
                return action == 0 and _is_date_time(record.data)
        if action == _FREEZE:
            return True
        return (
            action in _ARITHMETIC and self._writable_header(header, action) is not None
        )

    def _writable_header(self, header: bytes, action: int) -> bytes | None:
        """Return the header in `writable` that is meant: an action without data names no length."""
        if header in self.writable:
            return header
        if action in _WITHOUT_DATA and not header[0] & 0x0F:
            for own in self.writable:
                if (own[0] & 0xF0, own[1:]) == (header[0], header[1:]):
                    return own
        return None

    def _write(self, record: RawRecord) -> None:
        header, action = records.split_action(record.header)
        match header:
            case b"\x01\x7a":
                self.address = record.data[0]
            case b"\x0c\x79":
                self.identification = record.data[::-1].hex().upper()
            case b"\x07\x79":
                self._set_secondary_address(record.data)
            case b"\x04\x6d" | b"\x06\x6d":
                value, self.summer_time = records.parse_date_time(record.data)
                self.clock_offset = value - self.clock()
            case _ if action == _FREEZE:
                self.freeze(Meaning.of(header))
            case _:
                self._change(header, action, record.data)

    def _set_secondary_address(self, data: bytes) -> None:
        self.identification = data[3::-1].hex().upper()
        self.manufacturer = manufacturer_name(data[4:6])
        self.version, self.medium = data[6], data[7]

    def _change(self, header: bytes, action: int, data: bytes) -> None:
        own = self._writable_header(header, action)
        assert own is not None
        if action == 0:
            self.memory[own] = data
            return
        old = self._current(own)
        changed = _ARITHMETIC[action](
            int.from_bytes(old, "little"), int.from_bytes(data, "little")
        ) % (1 << 8 * len(old))
        self.memory[own] = changed.to_bytes(len(old), "little")

    def _current(self, header: bytes) -> bytes:
        return next(
            record.data
            for record in records.iterate_records(self._remembered(self.telegrams()))
            if record.header == header
        )

    def freeze(self, wanted: Meaning | None = None) -> None:
        """Copy present values into storage 1, where that holds the same record; all or one quantity."""
        held = list(records.iterate_records(self._remembered(self.telegrams())))
        targets = {record.header for record in held}
        for record in held:
            target = bytes((record.header[0] | 0x40,)) + record.header[1:]
            if record.header[0] & 0xC0 or target not in targets:
                continue
            if wanted is None or records.same_quantity(wanted.vif, record.header[1:]):
                self.memory[target] = record.data
        if b"\x42\x6c" in targets:
            self.memory[b"\x42\x6c"] = records.date_data(self.now())

    # The application layer: what is read

    def _readout(self) -> list[bytes]:
        telegrams = self._remembered(self._application_telegrams())
        if self._readout_selection is None:
            return telegrams
        wanted = [Meaning.of(header) for header in self._readout_selection]
        chosen = [
            b"".join(
                bytes(record)
                for record in records.split_records(telegram)[0]
                if any(meaning.selects(Meaning.of(record.header)) for meaning in wanted)
            )
            for telegram in telegrams
        ]
        return [telegram for telegram in chosen if telegram] or [b""]

    def _application_telegrams(self) -> list[bytes]:
        """Return the telegrams of the application (upper nibble), or its one block (lower)."""
        application, block = divmod(self.application, 16)
        telegrams = self.telegrams()
        if application == 5 and (values := self.instantaneous()) is not None:
            telegrams = [values]
        return telegrams[block - 1 : block] or telegrams if block else telegrams

    def _remembered(self, telegrams: Sequence[bytes]) -> list[bytes]:
        """Put what a master wrote in the place of what the model says."""
        if not self.memory:
            return list(telegrams)
        return [self._remember(telegram) for telegram in telegrams]

    def _remember(self, telegram: bytes) -> bytes:
        held, tail = records.split_records(telegram)
        return (
            b"".join(
                record.header + self.memory.get(record.header, record.data)
                for record in held
            )
            + tail
        )

    def _select_readout(self, headers: Iterable[bytes]) -> None:
        if not self.quirks.selects_readout:
            return
        for is_change, group in groupby(
            headers, key=lambda header: _changes_list(header) > 0
        ):
            if not is_change:
                self._readout_selection = list(group)
                continue
            for header in group:
                base, action = records.split_action(header)
                listed = self._readout_selection or []
                others = [other for other in listed if other != base]
                self._readout_selection = (
                    [*others, base] if action == _ADD_TO_READOUT else others
                )
        self._restart_link()


def _changes_list(header: bytes) -> int:
    action = records.split_action(header)[1]
    return action if action in (_ADD_TO_READOUT, _DELETE_FROM_READOUT) else 0


def _digits_match(wanted: bytes, own: bytes) -> bool:
    """Compare BCD digits; a wanted F stands for any."""
    return all(w in ("f", o) for w, o in zip(wanted.hex(), own.hex(), strict=True))


def _is_date_time(data: bytes) -> bool:
    try:
        records.parse_date_time(data)
    except ValueError:
        return False
    return True


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
