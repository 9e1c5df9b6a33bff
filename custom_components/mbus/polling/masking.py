"""Hides meter numbers, customers and passwords in bytes that leave the house."""

from collections.abc import Iterable
import re

from ..protocol import (
    SECRET_QUANTITIES,
    Frame,
    FrameError,
    IncompleteTelegramError,
    Record,
    decode_telegram,
    parse_frame,
)

SENSITIVE_QUANTITIES = SECRET_QUANTITIES | {
    "customer",
    "customer_location",
    "fabrication_number",
    "identification",
}

_NUMBER = re.compile(r"\b(?=[A-Z]*\d)[\dA-Z]{8,}\b", re.IGNORECASE)
_IDENTIFICATION_LENGTH = 4
_FIRST_DATA_BYTE = 7
_FRAME_END = 2


def masked_hex(data: bytes) -> str:
    """Return the bytes as hex digits, those that tell whose meter it is as `**`.

    What is no single sound frame, or holds data that can't be read, is hidden from the data on.
    """
    shown = [f"{byte:02x}" for byte in data]
    for index in _hidden(data):
        shown[index] = "**"
    return " ".join(shown)


def masked_text(text: str) -> str:
    """Return an error's text without the numbers of meters, secondary addresses included."""
    return _NUMBER.sub("**", text)


def _hidden(data: bytes) -> Iterable[int]:
    everything = range(_FIRST_DATA_BYTE, len(data))
    if len(data) <= _FIRST_DATA_BYTE:
        return ()
    try:
        frame = parse_frame(data)
    except FrameError:
        return everything
    if frame.from_master:
        return range(_FIRST_DATA_BYTE, len(data) - _FRAME_END)
    try:
        records = decode_telegram(frame).records
    except IncompleteTelegramError as err:
        records = err.telegram.records
    except FrameError:
        return everything
    return _hidden_in_reply(frame, records)


def _hidden_in_reply(frame: Frame, records: Iterable[Record]) -> list[int]:
    hidden = list(range(_FIRST_DATA_BYTE, _FIRST_DATA_BYTE + _IDENTIFICATION_LENGTH))
    position = 0
    for record in records:
        start = frame.data.find(record.header + record.raw, position) + len(
            record.header
        )
        position = start + len(record.raw)
        if record.quantity in SENSITIVE_QUANTITIES:
            hidden.extend(range(_FIRST_DATA_BYTE + start, _FIRST_DATA_BYTE + position))
    return hidden
