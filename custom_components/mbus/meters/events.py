"""What happened to a meter between two times that something was heard of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ..protocol import Header, Identity
from .binding import BindingState
from .evaluation import fallen_from
from .meter import Meter
from .reading import MeterData


class EventType(StrEnum):
    """What can happen."""

    SILENT = "silent"
    BACK = "back"
    STATUS_CHANGED = "status_changed"
    EXCHANGED = "exchanged"
    TOTAL_FELL = "total_fell"
    CLOCK_SET = "clock_set"


STATUS_BITS: Final = (
    "permanent_error",
    "temporary_error",
    "application_error",
    "alarm",
    "power_low",
    "application_busy",
)
"""What the status byte says by the standard, the gravest first (EN 13757-7, status byte)."""

_SILENT: Final = (BindingState.UNAVAILABLE_ADDRESS, BindingState.NO_SOUND_REPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One of them, and what is to be said of it."""

    type: EventType
    attributes: Mapping[str, Any] = field(default_factory=dict)


def is_silent(before: MeterData, after: MeterData, was_silent: bool) -> bool:
    """Return whether a meter doesn't answer: since it was asked in vain, until it is read again."""
    if after.fault in _SILENT:
        return True
    is_read = after.reading is not None and after.reading is not before.reading
    return was_silent and not is_read


def exchange(old: Identity | None, new: Identity | None) -> Event | None:
    """Return that another meter took a meter's place, if it did."""
    if old is None or new is None or old.matches(new):
        return None
    return Event(
        type=EventType.EXCHANGED,
        attributes={
            "old_serial_number": old.identification,
            "new_serial_number": new.identification,
        },
    )


def events_of_reading(
    before: MeterData, after: MeterData, meter: Meter
) -> Iterator[Event]:
    """Return what a new reading tells beside its values."""
    if after.reading is None or after.reading is before.reading:
        return
    old = before.reading.header if before.reading else None
    new = after.reading.header
    if old and new and old.status != new.status:
        yield Event(
            type=EventType.STATUS_CHANGED,
            attributes={
                "old_status": f"{old.status:02X}",
                "new_status": f"{new.status:02X}",
                "old_bits": _bits(old),
                "new_bits": _bits(new),
            },
        )
    for binding_id, result in after.results.items():
        last = fallen_from(result, before.memory.get(binding_id, {}))
        if last is not None:
            binding = meter.bindings[binding_id]
            yield Event(
                type=EventType.TOTAL_FELL,
                attributes={
                    "binding": binding.name,
                    "old_total": float(last),
                    "new_total": float(result.raw),
                    "unit": binding.value_unit,
                },
            )


def _bits(header: Header) -> list[str]:
    """Return the names of the bits that are set, and those of the manufacturer by their numbers."""
    names = [name for name in STATUS_BITS if getattr(header, name)]
    return names + [f"bit_{bit}" for bit in (5, 6, 7) if header.status >> bit & 1]
