"""How results are told: as a text, or as JSON; and in an exit code."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import IntEnum
import json
import sys
from typing import Any

from .package import protocol


class ExitCode(IntEnum):
    """How a command went."""

    ALL = 0
    NOTHING = 1
    WRONG_ARGUMENTS = 2
    PART = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command brought: `content` for JSON, `lines` for a person."""

    complete: bool
    error: str | None = None
    is_empty: bool = False
    content: Mapping[str, Any]
    lines: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """How it went."""
        if self.is_empty:
            return ExitCode.NOTHING
        return ExitCode.ALL if self.complete and not self.error else ExitCode.PART


def show(result: Result, *, as_json: bool) -> ExitCode:
    """Print a result."""
    if as_json:
        outcome = {"complete": result.complete, "error": result.error}
        print(json.dumps({**outcome, **result.content}, indent=2))
    else:
        for line in result.lines:
            print(_printable(line))
    if result.error:
        complain(result.error)
    return result.exit_code


def complain(text: str) -> None:
    """Say what is wrong."""
    print(end="", flush=True)
    print(_printable(text), file=sys.stderr)


def _printable(text: str) -> str:
    """Let no text of a meter command the terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def as_hex(data: bytes) -> str:
    """Write bytes."""
    return data.hex(" ").upper()


def as_text(problem: object) -> str | None:
    """Say it, if there is something to say."""
    return None if problem is None else str(problem)


def describe_telegram(telegram: protocol.Telegram) -> dict[str, Any]:
    """Give all of a telegram as JSON can hold it."""
    return {
        "raw": as_hex(telegram.frame),
        "address": telegram.address,
        "control_information": telegram.control_information,
        "header": describe_header(telegram.header),
        "records": [
            {
                "index": record.index,
                "header": as_hex(record.header),
                "raw": as_hex(record.raw),
                "quantity": record.quantity,
                "modifiers": record.modifiers,
                "function": record.function,
                "storage_number": record.storage_number,
                "tariff": record.tariff,
                "subunit": record.subunit,
                "value": _as_json_value(record.value),
                "unit": record.unit,
                "problem": as_text(record.problem),
            }
            for record in telegram.records
        ],
        "more_records_follow": telegram.more_records_follow,
        "manufacturer_data": as_hex(telegram.manufacturer_data),
        "trailing_data": as_hex(telegram.trailing_data),
        "problem": as_text(telegram.problem),
        "encryption_mode": telegram.encryption_mode,
        "alarm": telegram.alarm,
    }


def describe_header(header: protocol.Header | None) -> dict[str, Any] | None:
    """Give who sends a telegram, and the state that it is in."""
    if header is None:
        return None
    names = {"manufacturer": header.manufacturer, "medium_name": header.medium_name}
    return asdict(header) | names


def name_meter(header: protocol.Header | None) -> str:
    """Say who a meter is."""
    if header is None:
        return "a meter without a header"
    name = (header.manufacturer, header.identification, header.medium_name)
    return " ".join(filter(None, name)) or "a meter without a name"


def record_rows(
    telegrams: Iterable[protocol.Telegram],
) -> list[dict[str, Any]]:
    """Give the columns of all records."""
    return [
        {
            "telegram": number,
            "index": record.index,
            "quantity": " ".join((record.quantity, *record.modifiers)),
            "function": record.function,
            "storage": record.storage_number,
            "tariff": record.tariff,
            "subunit": record.subunit,
            "value": _as_json_value(record.value),
            "unit": record.unit,
            "problem": as_text(record.problem),
        }
        for number, telegram in enumerate(telegrams)
        for record in telegram.records
    ]


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Give the lines of a table."""
    cells = [list(rows[0])] if rows else []
    cells += [
        ["" if cell is None else str(cell) for cell in row.values()] for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _as_json_value(value: protocol.Value) -> bool | float | str | None:
    """Give a value as JSON can hold it, to its last digit."""
    match value:
        case bytes():
            return as_hex(value)
        case date() | time() | Decimal():
            return str(value)
    return value
