"""A telegram byte by byte, for a person (EN 13757-2 long frame, EN 13757-3 headers and records)."""

from collections.abc import Iterator
from typing import Final

from ..line.frame import Frame
from ..tables.medium import medium_name
from .header import LONG_HEADER, SHORT_HEADER, Header
from .record import Record
from .telegram import Telegram

_LAYOUTS: Final = {
    0x71: "an alarm",
    0x72: "a header of 12 bytes, then records",
    0x73: "a fixed data structure",
    0x76: "a header of 12 bytes, then records, high byte first",
    0x77: "a fixed data structure, high byte first",
    0x78: "records without a header",
    0x7A: "a header of 4 bytes, then records",
}
_HEADERS: Final = {0x72: LONG_HEADER, 0x76: LONG_HEADER, 0x7A: SHORT_HEADER}

_MORE: Final = 0x80
_DATA_FIELDS: Final = (
    "no data",
    "8 bits",
    "16 bits",
    "24 bits",
    "32 bits",
    "32-bit real",
    "48 bits",
    "64 bits",
    "no data, a selection for readout",
    "2 digits",
    "4 digits",
    "6 digits",
    "8 digits",
    "variable length",
    "12 digits",
)

_SPECIAL: Final = {
    0x00: "a DIF without a VIF, at the end",
    0x0F: "DIF: the manufacturer's data follow",
    0x1F: "DIF: more records follow in the next telegram; the manufacturer's data, if any",
    0x2F: "DIF: filler",
    0x7F: "DIF: request for a readout",
}

_STATUS: Final = (
    ("application_busy", "busy"),
    ("application_error", "application error"),
    ("alarm", "alarm"),
    ("power_low", "power low"),
    ("permanent_error", "permanent error"),
    ("temporary_error", "temporary error"),
)
_COUNTER_IS_BINARY: Final = 0x01
_COUNTER_IS_HISTORIC: Final = 0x02

type _Part = tuple[bytes, str]


def explain(telegram: Telegram) -> Iterator[tuple[bytes, str]]:
    """Say what each byte of a telegram's frame is: parts in their order, which make the frame together."""
    frame, data = telegram.frame, Frame(telegram.frame).data
    yield frame[:4], f"long frame, {frame[1]} bytes between here and the checksum"
    yield frame[4:5], _control(Frame(frame))
    yield frame[5:6], f"A: address {telegram.address}"
    ci = telegram.control_information
    yield frame[6:7], f"CI: {_LAYOUTS[ci]}"
    header = telegram.header
    if header is not None and header.is_fixed:
        yield from _fixed(data, header, telegram.records)
    elif telegram.alarm is not None:
        yield data[:1], f"alarm bits {telegram.alarm:08b}"
        if data[1:]:
            yield data[1:], "not read"
    else:
        length = _HEADERS.get(ci, 0)
        if header is not None:
            yield from _header(data[:length], header)
        yield from _payload(data[length:], telegram)
    yield frame[-2:-1], "checksum"
    yield frame[-1:], "end"


def _control(frame: Frame) -> str:
    flags = [
        text
        for is_set, text in (
            (frame.access_demand, "ACD: an alarm is waiting"),
            (frame.busy, "DFC: takes no data at present"),
        )
        if is_set
    ]
    return ", ".join(("C: answer with data (RSP_UD)", *flags))


def _header(data: bytes, header: Header) -> Iterator[_Part]:
    position = 0
    if len(data) == LONG_HEADER:
        yield data[:4], f"identification {header.identification}"
        yield data[4:6], f"manufacturer {header.manufacturer}"
        yield data[6:7], f"version {header.version}"
        yield data[7:8], f"device type: {header.medium_name}"
        position = 8
    yield data[position : position + 1], f"access number {header.access_number}"
    yield data[position + 1 : position + 2], _status(header)
    mode = header.encryption_mode
    text = f"encryption mode {mode}" if mode else "no encryption"
    yield data[position + 2 :], f"configuration {header.configuration:04X}: {text}"


def _status(header: Header) -> str:
    flags = [text for name, text in _STATUS if getattr(header, name)]
    if header.manufacturer_status:
        flags.append(f"the manufacturer's bits {header.manufacturer_status:03b}")
    if header.is_fixed:
        coding = "binary" if header.status & _COUNTER_IS_BINARY else "BCD"
        kept = (
            "kept at a due date" if header.status & _COUNTER_IS_HISTORIC else "actual"
        )
        flags.append(f"counters are {coding} and {kept}")
    return f"status: {', '.join(flags) or 'no error'}"


def _fixed(data: bytes, header: Header, records: tuple[Record, ...]) -> Iterator[_Part]:
    yield data[:4], f"identification {header.identification}"
    yield data[4:5], f"access number {header.access_number}"
    yield data[5:6], _status(header)
    assert header.medium is not None
    medium = f"medium: {medium_name(header.medium)}"
    for number, record in enumerate(records, 1):
        unit = data[5 + number : 6 + number]
        yield unit, f"unit of counter {number}: {_meaning(record)}; 2 bits of {medium}"
    for number, record in enumerate(records, 1):
        start = 4 + 4 * number
        yield data[start : start + 4], f"counter {number}: {_value(record)}"


def _payload(data: bytes, telegram: Telegram) -> Iterator[_Part]:
    position = 0
    for record in telegram.records:
        while data[position] & 0x0F == 0x0F:
            yield _special(data, position)
            position += 1
        header = record.header
        yield from _record_header(record)
        position += len(header)
        end = position + len(record.raw)
        if record.meaning.data_length is None:
            yield data[position : position + 1], f"LVAR: {end - position - 1} bytes"
            position += 1
        if position < end:
            yield data[position:end], _value(record)
        position = end
    rest = telegram.manufacturer_data or telegram.trailing_data
    while position < len(data) - len(rest):
        yield _special(data, position)
        position += 1
    if telegram.manufacturer_data:
        yield rest, "the manufacturer's data"
    elif rest:
        yield rest, f"not read: {telegram.problem}"


def _special(data: bytes, position: int) -> _Part:
    return data[position : position + 1], _SPECIAL[data[position]]


def _record_header(record: Record) -> Iterator[_Part]:
    header = record.header
    end = 0
    while header[end] & _MORE:
        end += 1
    dif, difes, vif = header[0], header[1 : end + 1], header[end + 1 :]
    parts = [str(record.function), _DATA_FIELDS[dif & 0x0F]]
    if dif & 0x40:
        parts.append("storage number +1")
    yield header[:1], f"record {record.index}: DIF: {', '.join(parts)}"
    for number, dife in enumerate(difes):
        parts = [
            f"{name} +{bits << places}"
            for name, bits, places in (
                ("storage number", dife & 0x0F, 1 + 4 * number),
                ("tariff", dife >> 4 & 0x03, 2 * number),
                ("subunit", dife >> 6 & 0x01, number),
            )
            if bits
        ]
        yield bytes((dife,)), f"DIFE: {', '.join(parts) or 'nothing more'}"
    yield vif, f"VIF: {_meaning(record)}"


def _meaning(record: Record) -> str:
    signature = record.signature
    parts = [_in_words(name) for name in (signature.quantity, *signature.modifiers)]
    if record.unit:
        parts.append(f"in {record.unit}")
    return ", ".join(parts)


def _value(record: Record) -> str:
    value = record.value
    if value is None:
        return f"no value: {record.problem}"
    text = value.hex(" ").upper() if isinstance(value, bytes) else str(value)
    if record.unit:
        text += f" {record.unit}"
    flags = record.modifiers[len(record.signature.modifiers) :]
    parts = [text, *map(_in_words, flags)]
    if record.problem:
        parts.append(str(record.problem))
    return ", ".join(parts)


def _in_words(name: str) -> str:
    return name.replace("_", " ")
