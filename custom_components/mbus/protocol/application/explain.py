"""A telegram or another frame byte by byte, for a person (EN 13757-2 frames, EN 13757-3 headers and records)."""

from collections.abc import Iterator, Mapping
from typing import Final

from ..address import BROADCAST, LAST_ANSWERING, SELECTED, manufacturer_text
from ..errors import ApplicationError, FrameError
from ..line.frame import FRAME_COUNT_BIT, SELECT, Control, Frame
from ..tables.medium import medium_name
from .header import LONG_HEADER, SHORT_HEADER, Header
from .record import Record
from .records import read_records
from .telegram import Telegram, decode_telegram

_LAYOUTS: Final = {
    0x71: "an alarm",
    0x72: "a header of 12 bytes, then records",
    0x73: "a fixed data structure",
    0x76: "a header of 12 bytes, then records, high byte first",
    0x77: "a fixed data structure, high byte first",
    0x78: "records without a header",
    0x7A: "a header of 4 bytes, then records",
}
_REQUESTS: Final = {
    0x50: "reset of the application",
    0x51: "records for the meter",
    SELECT: "selection by secondary address",
    0x54: "synchronisation, before 2018",
    0x5A: "a header of 4 bytes, then records for the meter",
    0x5B: "a header of 12 bytes, then records for the meter",
    0x5C: "synchronisation",
    **{0xB8 + n: f"baud rate {300 << n}" for n in range(8)},
}
_ANSWERS: Final = {
    0x6E: "an application error, after a header of 4 bytes",
    0x6F: "an application error, after a header of 12 bytes",
    0x70: "an application error",
}
_RECORDS: Final = 0x51
_SELECTION: Final = 8
_CONTROLS: Final[Mapping[int, str]] = {
    Control.SND_NKE: "reset of the link (SND_NKE)",
    Control.SND_UD: "data for the meter (SND_UD)",
    Control.REQ_UD1: "request for an alarm (REQ_UD1)",
    Control.REQ_UD2: "request for data (REQ_UD2)",
}
_ADDRESSES: Final = {
    SELECTED: "whatever is selected",
    LAST_ANSWERING: "all meters, which answer",
    BROADCAST: "all meters, none of which answers",
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
    frame = Frame(telegram.frame)
    yield from _fields(frame, _LAYOUTS)
    ci, data = telegram.control_information, frame.data
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
    yield from _end(frame)


def explain_frame(frame: Frame) -> Iterator[tuple[bytes, str]]:
    """Say the same of a frame that is no telegram: a request, or an answer that is none of those decoded."""
    ci, data = frame.control_information, frame.data
    if ci is None:
        yield frame.raw[:1], "short frame"
        yield frame.raw[1:2], _control(frame)
        yield frame.raw[2:3], _address(frame)
        yield frame.raw[3:4], "checksum"
        yield frame.raw[4:], "end"
        return
    yield from _fields(frame, _REQUESTS if frame.from_master else _LAYOUTS | _ANSWERS)
    if frame.is_selection and len(data) >= _SELECTION:
        yield from _selection(data[:_SELECTION])
        data = data[_SELECTION:]
    if frame.from_master and ci in (_RECORDS, SELECT):
        yield from _payload(data, _records_for_the_meter(frame, data))
    elif data:
        yield data, _error(frame) or "not read"
    yield from _end(frame)


def _error(frame: Frame) -> str | None:
    try:
        decode_telegram(frame)
    except ApplicationError as err:
        return str(err)
    except FrameError:
        pass
    return None


def _records_for_the_meter(frame: Frame, data: bytes) -> Telegram:
    records, manufacturer_data, _, trailing_data, problem, _ = read_records(data)
    return Telegram(
        frame=frame.raw,
        address=frame.address,
        control_information=_RECORDS,
        records=records,
        manufacturer_data=manufacturer_data,
        trailing_data=trailing_data,
        problem=problem,
    )


def _fields(frame: Frame, kinds: Mapping[int, str]) -> Iterator[_Part]:
    raw, ci = frame.raw, frame.control_information
    yield raw[:4], f"long frame, {raw[1]} bytes between here and the checksum"
    yield raw[4:5], _control(frame)
    yield raw[5:6], _address(frame)
    kind = None if ci is None else kinds.get(ci)
    yield raw[6:7], f"CI: {kind or 'not known'}"


def _end(frame: Frame) -> Iterator[_Part]:
    yield frame.raw[-2:-1], "checksum"
    yield frame.raw[-1:], "end"


def _address(frame: Frame) -> str:
    address = frame.address
    if frame.from_master and address in _ADDRESSES:
        return f"A: address {address}, {_ADDRESSES[address]}"
    return f"A: address {address}"


def _control(frame: Frame) -> str:
    if frame.from_master:
        kind = _CONTROLS.get(frame.control & ~FRAME_COUNT_BIT, "not known")
        return f"C: {kind}" + (", FCB" if frame.control & FRAME_COUNT_BIT else "")
    flags = [
        text
        for is_set, text in (
            (frame.access_demand, "ACD: an alarm is waiting"),
            (frame.busy, "DFC: takes no data at present"),
        )
        if is_set
    ]
    return ", ".join(("C: answer with data (RSP_UD)", *flags))


def _selection(data: bytes) -> Iterator[_Part]:
    manufacturer = int.from_bytes(data[4:6], "little")
    version, medium = data[6], data[7]
    yield data[:4], f"identification {data[3::-1].hex().upper()}, F for any digit"
    yield (
        data[4:6],
        (
            "any manufacturer"
            if manufacturer == 0xFFFF
            else f"manufacturer {manufacturer_text(manufacturer)}"
        ),
    )
    yield data[6:7], "any version" if version == 0xFF else f"version {version}"
    yield (
        data[7:8],
        (
            "any device type"
            if medium == 0xFF
            else f"device type: {medium_name(medium)}"
        ),
    )


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
