"""Frames around records, built without the code under test."""

from custom_components.mbus.protocol import Record, Telegram, parse_telegram

HEADER = bytes.fromhex("78 56 34 12 24 23 2F 04 01 00 00 00")


def frame(
    control_information: int, data: bytes, *, control: int = 0x08, address: int = 1
) -> bytes:
    """Put data in a long frame."""
    body = bytes((control, address, control_information)) + data
    start = bytes((0x68, len(body), len(body), 0x68))
    return start + body + bytes((sum(body) % 256, 0x16))


def telegram(records: str | bytes) -> Telegram:
    """Read records behind an ordinary header (CI 72)."""
    data = bytes.fromhex(records) if isinstance(records, str) else records
    return parse_telegram(frame(0x72, HEADER + data))


def record(data: str | bytes) -> Record:
    """Read the one record of a telegram."""
    (only,) = telegram(data).records
    return only
