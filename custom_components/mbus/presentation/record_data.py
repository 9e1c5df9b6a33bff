"""Telegrams and records as JSON holds them, for actions and diagnostics."""

from datetime import date, time
from decimal import Decimal

from homeassistant.util.json import JsonObjectType, JsonValueType

from ..meters.reading import Reading
from ..protocol import SECRET_QUANTITIES, Record, Value
from .clean_text import clean_text
from .display import HIDDEN
from .naming import record_name
from .reasons import reason_text
from .texts import Texts


def reading_data(reading: Reading, texts: Texts) -> JsonObjectType:
    """Return all telegrams of a reading, but for passwords and keys; `problem` says why some are missing."""
    return {
        "time": reading.time.isoformat(),
        "telegrams": [
            {
                "records": [
                    _without_secret(record, texts) for record in telegram.records
                ],
                "manufacturer_data": hex_data(telegram.manufacturer_data),
                "problem": reason_text(telegram.problem, texts)
                if telegram.problem
                else None,
            }
            for telegram in reading.telegrams
        ],
        "problem": reason_text(reading.error, texts) if reading.error else None,
    }


def _without_secret(record: Record, texts: Texts) -> JsonObjectType:
    data = record_data(record, texts)
    if record.quantity in SECRET_QUANTITIES:
        data |= {"value": HIDDEN, "raw": HIDDEN, "problem": None}
    return data


def record_data(record: Record, texts: Texts) -> JsonObjectType:
    """Return a record with everything that it says."""
    return {
        "index": record.index,
        "name": record_name(record.signature, texts),
        "value": value_data(record.value),
        "unit": record.unit and clean_text(record.unit),
        "function": record.function,
        "storage_number": record.storage_number,
        "tariff": record.tariff,
        "subunit": record.subunit,
        "header": hex_data(record.header),
        "raw": hex_data(record.raw),
        "problem": reason_text(record.problem, texts) if record.problem else None,
    }


def value_data(value: Value) -> JsonValueType:
    """Return a record's value; bytes as hex digits, dates and times as in ISO 8601, long numbers as text."""
    match value:
        case bytes():
            return hex_data(value)
        case date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case str():
            return clean_text(value)
    return value


def hex_data(data: bytes) -> str:
    """Return bytes as hex digits."""
    return data.hex(" ").upper()
