"""Telegrams: from a long frame to header and records (EN 13757-3, CI field)."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
import json
from typing import Final

from ..errors import ApplicationError, FrameError, UnsupportedError
from ..line.frame import Frame, parse_frame
from ..problems import Problem
from ..tables.vif import UNKNOWN
from .fixed import FIXED_LENGTH, read_fixed
from .header import (
    LONG_HEADER,
    SHORT_HEADER,
    Header,
    Identity,
    long_header,
    short_header,
)
from .meaning import meaning_of
from .record import Record
from .records import RecordBlock, read_records
from .signature import Signature

# CI fields of replies. 73 and 77 have another meaning since 2018, told apart by their length.
_ALARM: Final = 0x71
_VARIABLE: Final = 0x72
_VARIABLE_HIGH_FIRST: Final = 0x76
_FIXED: Final = 0x73
_FIXED_HIGH_FIRST: Final = 0x77
_NO_HEADER: Final = 0x78
_SHORT_HEADER: Final = 0x7A

# Application errors, after as much of a header.
_APPLICATION_ERROR_HEADERS: Final = {0x6E: SHORT_HEADER, 0x6F: LONG_HEADER, 0x70: 0}

_APPLICATION_ERRORS: Final = {
    0x00: "unspecified_error",
    0x01: "ci_not_implemented",
    0x02: "buffer_too_long",
    0x03: "too_many_records",
    0x04: "premature_end",
    0x05: "more_than_10_difes",
    0x06: "more_than_10_vifes",
    0x08: "too_busy",
    0x09: "too_many_readouts",
    0x10: "access_denied",
    0x11: "unknown_command",
    0x12: "wrong_parameter",
    0x13: "unknown_receiver",
    0x14: "decryption_failed",
    0x15: "encryption_not_supported",
    0x16: "signature_not_supported",
    0xF0: "dynamic_error",
}

_NO_RECORDS: Final = RecordBlock()
_FILLERS: Final = b"\x2f\x2f"
_BLOCK: Final = 16
_BLOCKS_MODE: Final = 5
_UNLIKELY_MODES: Final = frozenset({1, 2, 3, 6, *range(11, 32)})


_FABRICATION_NUMBER: Final = meaning_of(b"\x0c\x78").signature


# Not frozen, as Record is not. Without slots, so that what follows from it can be kept.
@dataclass(kw_only=True)
class Telegram:
    """One reply of a meter.

    `address` is what the meter calls itself. `manufacturer_data` are the bytes that are the
    manufacturer's (after DIF 0F or 1F), `trailing_data` those that can't be read, both in wire order;
    `problem` says why there are some. `encryption_mode` is set where the payload is encrypted: the
    header is readable, the payload is in `trailing_data`. `alarm` are the bits of an alarm (CI 71).
    """

    frame: bytes
    address: int
    control_information: int
    header: Header | None = None
    records: tuple[Record, ...] = ()
    more_records_follow: bool = False
    manufacturer_data: bytes = b""
    trailing_data: bytes = b""
    problem: Problem | None = None
    encryption_mode: int | None = None
    alarm: int | None = None

    @cached_property
    def signatures(self) -> tuple[Signature, ...]:
        """What the records mean, in their order."""
        return tuple(record.signature for record in self.records)

    @cached_property
    def layout(self) -> str:
        """Sixteen hex digits that stand for the signatures: equal, and the same for ever, where those are."""
        return _layout(self.signatures)

    @cached_property
    def sound_signatures(self) -> tuple[Signature, ...]:
        """The signatures there are when no value is one during an error, which comes in the place of the present one."""
        return tuple(signature.without_error for signature in self.signatures)

    @cached_property
    def sound_layout(self) -> str:
        """The layout there is when no value is one during an error."""
        return _layout(self.sound_signatures)

    @property
    def identity(self) -> Identity | None:
        """Which meter this is; None where the telegram doesn't say."""
        if self.header is None or self.header.identification is None:
            return None
        return Identity(
            identification=self.header.identification,
            manufacturer=self.header.manufacturer,
            fabrication_number=self._fabrication_number,
            version=self.header.version,
            medium=self.header.medium,
        )

    @property
    def _fabrication_number(self) -> str | None:
        for record in self.records:
            if record.signature == _FABRICATION_NUMBER and record.value is not None:
                return str(record.value)
        return None


def _layout(signatures: tuple[Signature, ...]) -> str:
    parts = [signature.as_dict() for signature in signatures]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class IncompleteTelegramError(FrameError):
    """The application data end or become unreadable in the middle of a record.

    `telegram` holds the whole records before that point.
    """

    def __init__(self, problem: Problem, telegram: Telegram) -> None:
        """Keep what could be read."""
        super().__init__(problem.key, **problem.facts)
        self.telegram = telegram


def parse_telegram(frame: bytes) -> Telegram:
    """Read the exact bytes of one long frame.

    Raises FrameError for bytes that are no sound reply: IncompleteTelegramError, with the whole
    records, where they end in the middle of one; UnsupportedError for a CI that has no decoder;
    ApplicationError where the meter answers with an error.
    """
    raw = bytes(frame)
    return _decode(parse_frame(raw), raw)


def decode_telegram(frame: Frame) -> Telegram:
    """Read a frame. Raises what `parse_telegram` does."""
    return _decode(frame, bytes(frame))


def _decode(frame: Frame, raw: bytes) -> Telegram:
    ci, data = frame.control_information, frame.data
    if ci is None:
        raise FrameError("short_frame")
    if frame.from_master:
        raise FrameError("request")
    header = alarm = mode = None
    block = _NO_RECORDS
    if ci in (_VARIABLE, _VARIABLE_HIGH_FIRST):
        high_first = ci == _VARIABLE_HIGH_FIRST
        header = long_header(data, high_first=high_first)
        block, mode = _read_payload(data[LONG_HEADER:], header, high_first=high_first)
    elif ci == _SHORT_HEADER:
        header = short_header(data)
        block, mode = _read_payload(data[SHORT_HEADER:], header)
    elif ci == _NO_HEADER:
        block = read_records(data)
    elif ci in (_FIXED, _FIXED_HIGH_FIRST) and len(data) == FIXED_LENGTH:
        header, counters = read_fixed(data, high_first=ci == _FIXED_HIGH_FIRST)
        block = RecordBlock(counters)
    elif ci == _ALARM and data:
        alarm = data[0]
    elif ci in _APPLICATION_ERROR_HEADERS:
        raise _application_error(data[_APPLICATION_ERROR_HEADERS[ci] :])
    else:
        raise UnsupportedError(ci, data)
    (
        records,
        manufacturer_data,
        more_records_follow,
        trailing_data,
        problem,
        is_cut,
    ) = block
    telegram = Telegram(
        frame=raw,
        address=frame.address,
        control_information=ci,
        header=header,
        records=records,
        more_records_follow=more_records_follow,
        manufacturer_data=manufacturer_data,
        trailing_data=trailing_data,
        problem=problem,
        encryption_mode=mode,
        alarm=alarm,
    )
    if is_cut and problem:
        raise IncompleteTelegramError(problem, telegram)
    return telegram


def _read_payload(
    data: bytes, header: Header, *, high_first: bool = False
) -> tuple[RecordBlock, int | None]:
    """Read what follows the header, unless it is encrypted; then give the mode.

    Many old meters send anything for a configuration word. Nothing is taken for encrypted that begins
    with fillers, nor what reads as known records to its end under a word that can't be true.
    """
    mode = header.encryption_mode
    if mode == 0 or data.startswith(_FILLERS):
        return read_records(data, high_first=high_first), None
    impossible = mode == _BLOCKS_MODE and not (
        _BLOCK <= _BLOCK * header.encrypted_blocks <= len(data)
    )
    if impossible or mode in _UNLIKELY_MODES:
        block = read_records(data, high_first=high_first)
        if block.problem is None and not any(
            record.quantity == UNKNOWN for record in block.records
        ):
            return block, None
    problem = Problem("encrypted", {"mode": str(mode), "length": str(len(data))})
    return RecordBlock(trailing_data=data, problem=problem), mode


def _application_error(data: bytes) -> ApplicationError:
    if not data:
        return ApplicationError(_APPLICATION_ERRORS[0])
    code = data[0]
    return ApplicationError(_APPLICATION_ERRORS.get(code, "reserved_error"), code)
