"""Hides whose meter it is in bytes and texts that leave the house: what is not known to be harmless is hidden."""

from collections.abc import Generator, Iterable, Iterator
import re
from typing import Final

from ..protocol import (
    MODIFIER_PREFIXES,
    PLAIN_TEXT,
    ApplicationError,
    Frame,
    FrameError,
    FrameReader,
    Garbage,
    IncompleteTelegramError,
    Record,
    Single,
    Telegram,
    decode_telegram,
)

_HARMLESS: Final = frozenset(
    {
        # What is measured.
        "apparent_energy",
        "apparent_power",
        "coefficient_of_performance",
        "cumulative_maximum_power",
        "current",
        "energy",
        "external_temperature",
        "flow_temperature",
        "frequency",
        "hca_units",
        "mass",
        "mass_flow",
        "moisture_level",
        "phase_angle",
        "phase_angle_voltage",
        "power",
        "pressure",
        "reactive_energy",
        "reactive_power",
        "relative_humidity",
        "return_temperature",
        "temperature",
        "temperature_difference",
        "temperature_limit",
        "voltage",
        "volume",
        "volume_flow",
        # When, and for how long.
        "actuality_duration",
        "averaging_duration",
        "battery_change",
        "battery_life",
        "battery_operating_time",
        "date",
        "date_time",
        "day_change",
        "day_of_week",
        "duration_since_cumulation",
        "duration_since_readout",
        "on_time",
        "operating_time",
        "storage_interval",
        "tariff_duration",
        "tariff_period",
        "tariff_start",
        "time",
        "time_point_second",
        "transmission_period",
        "week_number",
        # How the device is and what it is set to.
        "access_number",
        "baud_rate",
        "control_signal",
        "cumulation_counter",
        "device_type",
        "digital_input",
        "digital_output",
        "error_flags",
        "error_mask",
        "firmware_version",
        "first_cyclic_storage_number",
        "hardware_version",
        "hca_coupling_factor",
        "hca_display_factor",
        "hca_heater_coupling_factor",
        "hca_low_temperature_factor",
        "hca_rating_factor",
        "hca_room_coupling_factor",
        "hca_thermal_output_factor",
        "last_cyclic_storage_number",
        "model_version",
        "parameter_activation_state",
        "parameter_set",
        "remote_control",
        "reset_counter",
        "response_delay",
        "retry",
        "rf_level",
        "selected_application",
        "software_version",
        "stop_counter",
        "storage_block_size",
        "tariff_and_subunit_descriptor",
    }
)
"""Quantities that tell nothing of whose meter it is."""

_COUNTER: Final = "counter_"
_OF_UNKNOWN_MEANING: Final = tuple(
    prefix for prefix in MODIFIER_PREFIXES if prefix != _COUNTER
)
_DATA_FIELD: Final = 0x0F
_VARIABLE: Final = 0x0D

_FIRST_DATA_BYTE: Final = 7
_IDENTIFICATION: Final = 4
_SHORT_HEADER: Final = 4
_LONG_HEADER: Final = 12
_FIXED_HEADER: Final = 8
_APPLICATION_ERROR: Final = 0x70
_FILLERS: Final = (b"\x2f", b"\x7f")
_HIDDEN: Final = "**"

_NUMBER: Final = re.compile(
    r"(?<=fabrication number )\w+|(?<![:\w])(?:\d{5,}|(?=[A-Z]*\d)[\dA-Z]{8,})\b",
    re.IGNORECASE,
)


def masked_hex(data: bytes) -> str:
    """Return bytes of the line as hex digits, `**` where they are not known to be harmless."""
    reader = FrameReader()
    received = [*reader.feed(data), *reader.flush()]
    # Among the pieces of something broken, what looks like a single character or a short frame is one of them.
    is_sound = not any(isinstance(item, Garbage) for item in received)
    shown: list[str] = []
    for item in received:
        match item:
            case Single():
                shown += _masked(bytes((item,)), range(is_sound))
            case Garbage(data=raw):
                shown += _masked(raw, range(0 if shown else _start_length(raw)))
            case Frame(raw=raw, control_information=None):
                shown += _masked(raw, range(len(raw) if is_sound else 0))
            case Frame(raw=raw):
                shown += _masked(raw, _known_in_frame(item))
    return " ".join(shown)


def masked_text(text: str) -> str:
    """Return an error's text without the numbers of meters, secondary addresses included."""
    return _NUMBER.sub(_HIDDEN, text)


def masked_header(record: Record) -> str:
    """Return the header of a record as hex digits, without a text that it spells out."""
    return " ".join(_masked(record.header, range(_known_of_header(record)))).upper()


def is_harmless(record: Record) -> bool:
    """Return whether the data of a record tell nothing of whose meter it is.

    A text or bytes of any length may, whatever they are said to be, and so may what a manufacturer means by its own codes.
    """
    return (
        record.quantity in _HARMLESS
        and record.header[0] & _DATA_FIELD != _VARIABLE
        and not isinstance(record.value, str | bytes)
        and not any(name.startswith(_OF_UNKNOWN_MEANING) for name in record.modifiers)
    )


def _masked(raw: bytes, known: Iterable[int]) -> list[str]:
    places = set(known)
    return [
        f"{byte:02x}" if place in places else _HIDDEN for place, byte in enumerate(raw)
    ]


def _start_length(raw: bytes) -> int:
    """Return how many bytes are the beginning of a long frame, up to its CI, in what came of it."""
    is_start = len(raw) > 3 and raw[0] == raw[3] == 0x68 and raw[1] == raw[2]
    return _FIRST_DATA_BYTE if is_start else 0


def _known_in_frame(frame: Frame) -> Iterator[int]:
    """Yield the places of a long frame's harmless bytes; a checksum over what is hidden tells of it."""
    known = {_FIRST_DATA_BYTE + place for place in _known_in_data(frame)}
    first, checksum, stop = _FIRST_DATA_BYTE, len(frame.raw) - 2, len(frame.raw) - 1
    yield from range(first)
    yield from known
    if len(known) == checksum - first:
        yield checksum
    yield stop


def _known_in_data(frame: Frame) -> Iterator[int]:
    """Yield the places of harmless bytes among those that follow the CI."""
    if frame.from_master:
        return
    try:
        telegram = decode_telegram(frame)
    except IncompleteTelegramError as err:
        telegram = err.telegram
    except ApplicationError:
        if frame.control_information == _APPLICATION_ERROR:
            yield from range(len(frame.data))
        return
    except FrameError:
        return
    header = telegram.header
    if header is None:
        yield from _known_in_records(telegram, frame.data, 0)
    elif header.is_fixed:
        yield from range(_IDENTIFICATION, _FIXED_HEADER)
        for record in telegram.records:
            if is_harmless(record):
                counter = _FIXED_HEADER + record.index * len(record.raw)
                yield from range(counter, counter + len(record.raw))
    elif header.identification is None:
        yield from range(_SHORT_HEADER)
        yield from _known_in_records(telegram, frame.data, _SHORT_HEADER)
    else:
        yield from range(_IDENTIFICATION, _LONG_HEADER)
        yield from _known_in_records(telegram, frame.data, _LONG_HEADER)


def _known_in_records(telegram: Telegram, data: bytes, place: int) -> Iterator[int]:
    """Yield the places of headers and harmless data: they follow each other, but for fillers."""
    for record in telegram.records:
        place = yield from _fillers(data, place)
        start = place + len(record.header)
        if data[place:start] != record.header:
            return
        yield from range(place, place + _known_of_header(record))
        place = start + len(record.raw)
        if is_harmless(record):
            yield from range(start, place)
    place = yield from _fillers(data, place)
    if data[place:] and data[place:][1:] == telegram.manufacturer_data:
        yield place


def _fillers(data: bytes, place: int) -> Generator[int, None, int]:
    """Yield the places of the fillers that begin at one, and return the place behind them."""
    while data[place : place + 1] in _FILLERS:
        yield place
        place += 1
    return place


def _known_of_header(record: Record) -> int:
    """Return how many bytes of a record's header are harmless: behind the first one it may spell out a text."""
    return 1 if record.quantity == PLAIN_TEXT else len(record.header)
