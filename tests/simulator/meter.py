"""A meter's application layer: what it sends, and what it does when told (EN 13757-3)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, override

from . import records
from .frames import ACK, Command
from .records import Meaning, RawRecord
from .slave import BAUD_RATES, Slave

MORE_RECORDS_FOLLOW = b"\x1f"

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


class SimulatedMeter(Slave):
    """A meter whose memory can be written; models say what its telegrams hold.

    `memory` holds what a master wrote, by the record's header, and is served from then on.
    `writable` are the headers of the records that may be written; a `protected` meter refuses all.
    """

    has_records = True
    writable: frozenset[bytes] = frozenset()

    def __init__(self, address: int = 0, **options: Any) -> None:
        """Set up a meter; see `Slave` for its options."""
        super().__init__(address, **options)
        self.clock_offset = timedelta()
        self.summer_time = False
        self.application = 0
        self.protected = False
        self.memory: dict[bytes, bytes] = {}
        self._readout_selection: list[bytes] | None = None

    def telegrams(self) -> list[bytes]:
        """Return the records of each telegram of a readout, without header and 1F."""
        return [b""]

    def instantaneous(self) -> bytes | None:
        """Return the records of application 5 and of the vendors' CI B1, if known."""
        return None

    def now(self) -> datetime:
        """Return the date and time that the meter's own clock shows."""
        return self.clock() + self.clock_offset

    def peek(self) -> list[bytes]:
        """Return the frames of a readout without being asked: nothing of the meter changes."""
        telegrams = self._remembered(self.telegrams())
        return [
            self.telegram_frame(telegram, more=number < len(telegrams))
            for number, telegram in enumerate(telegrams, 1)
        ]

    @override
    def telegram_frame(self, telegram: bytes, *, more: bool) -> bytes:
        header = self.secondary_address + bytes((self.access_number, self.status, 0, 0))
        return self.reply(
            0x72, header + telegram + (MORE_RECORDS_FOLLOW if more else b"")
        )

    # The application layer: what a master sends

    @override
    def take(self, command: Command) -> bytes | None:
        data = command.data
        match command.control_information:
            case 0x50:
                self.application = data[0] if data else 0
                self._readout_selection = None
                self.restart_link()
            case 0x51:
                return self._take_records(data)
            case 0x54 | 0x5C:
                self.freeze()
            case 0xB1 if (values := self.instantaneous()) is not None:
                return self.telegram_frame(values, more=False)
            case int(code) if 0xB8 <= code <= 0xBF:
                self.set_baud_rate(BAUD_RATES[code - 0xB8])
            case _:
                return self.reply(0x70, bytes((UNIMPLEMENTED_CI,)))
        return ACK

    def _take_records(self, data: bytes) -> bytes | None:
        try:
            sent, tail = records.split_records(data)
        except ValueError:
            return self.reply(0x70, bytes((PREMATURE_END_OF_RECORD,)))
        if tail[:1] == bytes((records.GLOBAL_READOUT,)):
            self._readout_selection = None
            self.restart_link()
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
                self.set_secondary_address(record.data)
            case b"\x04\x6d" | b"\x06\x6d":
                value, self.summer_time = records.parse_date_time(record.data)
                self.clock_offset = value - self.clock()
            case _ if action == _FREEZE:
                self.freeze(Meaning.of(header))
            case _:
                self._change(header, action, record.data)

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
        if not self.has_records:
            return
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

    @override
    def readout(self) -> list[bytes]:
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

    def _select_readout(self, sent: Iterable[bytes]) -> None:
        if not (self.has_records and self.quirks.selects_readout):
            return
        actions = [records.split_action(header) for header in sent]
        selection = [header for header, action in actions if not action]
        if not selection:
            selection = list(self._readout_selection or ())
        for header, action in actions:
            if action == _ADD_TO_READOUT:
                selection.append(header)
            elif action == _DELETE_FROM_READOUT:
                selection = [other for other in selection if other != header]
        self._readout_selection = selection
        self.restart_link()


def _is_date_time(data: bytes) -> bool:
    try:
        records.parse_date_time(data)
    except ValueError:
        return False
    return True
