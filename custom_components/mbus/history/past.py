"""Which stored totals of a meter are the past of a binding's sensor, which are not, and why."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import prod
from typing import Final

from homeassistant.components.sensor import SensorStateClass

from ..meters.binding import Binding, BindingError
from ..meters.evaluation import value_of
from ..meters.meter import Meter
from ..meters.reading import Reading
from ..meters.transformation import is_number, run
from ..presentation.display import Display, native_value
from ..profiles.catalogue import Catalogue
from ..protocol import Function, Record, convert_unit
from .moments import moments_of
from .sifting import sift
from .stored import Stored, Undated, stored_records
from .totals import LeftOut, LeftOutTotal, StoredTotal

_TOTALS: Final = (SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING)
_DAY: Final = timedelta(days=1)
_CLOCKS_BEGIN: Final = datetime(2000, 1, 2, tzinfo=UTC)
"""A clock that was never set shows the first day of 2000, or one before."""


class NoPast(StrEnum):
    """Why nothing that a meter remembers is the past of a sensor."""

    NO_TOTAL = "no_total"
    STEPS = "steps"
    NO_RECORD = "no_record"
    AMBIGUOUS = "ambiguous"
    NOTHING_STORED = "nothing_stored"
    NO_SENSOR = "no_sensor"
    NOT_RECORDED = "not_recorded"
    EXCHANGED = "exchanged"
    OTHER_COUNT = "other_count"
    OTHER_UNIT = "other_unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Stored totals in the order of their times, and those left out; `reason` where there can be none.

    `present` is what the meter shows now, None where that is no valid value. `way`: 1 for a total that never falls, -1
    for one that a chain turned around, 0 for one that goes both ways.
    """

    totals: tuple[StoredTotal, ...] = ()
    left_out: tuple[LeftOutTotal, ...] = ()
    present: StoredTotal | None = None
    way: int = 0
    reason: NoPast | None = None


def past_of(
    binding: Binding,
    display: Display,
    reading: Reading,
    meter: Meter,
    catalogue: Catalogue,
) -> Past:
    """Return what a meter's reading tells of the past of a binding's sensor, in the unit that is the sensor's own.

    Only a total has one, and only where its chain makes the same of a value at any time. A value that contradicts
    others of a total that doesn't fall is left out; where two contradict each other and nothing tells which is wrong,
    both are.
    """
    if binding.block:
        return Past(reason=NoPast.NOTHING_STORED)
    try:
        present = binding.record_in(reading.telegrams)
    except BindingError:
        return Past(reason=NoPast.NO_RECORD)
    signature = present.signature.without_error
    meant = catalogue.interpret(reading.telegrams, meter.profile)
    profile = catalogue.profile_for(reading.telegrams, meter.profile)
    kept = profile.kept if profile else ()
    if not (stored := stored_records(signature, reading.telegrams, meant, kept)):
        return Past(reason=NoPast.NOTHING_STORED)
    if any(step["type"] != "scaling" for step in binding.transformations):
        return Past(reason=NoPast.STEPS)
    state_class = display.description.state_class
    if state_class not in _TOTALS:
        return Past(reason=NoPast.NO_TOTAL)
    sent = [one for telegram in reading.telegrams for one in telegram.sound_signatures]
    if sent.count(signature) > 1:
        return Past(reason=NoPast.AMBIGUOUS)

    found, odd = list[StoredTotal](), list[LeftOutTotal]()
    for one, moment in zip(stored, moments_of(stored, meter.clock), strict=True):
        match _total(
            one, moment, _shown(binding, display, one.record, reading), reading
        ):
            case StoredTotal() as total:
                found.append(total)
            case total:
                odd.append(total)
    now = _shown(binding, display, present, reading)
    way = _way(binding, display)
    totals, not_believed = sift(found, now, way)
    odd += not_believed
    return Past(
        totals=tuple(totals),
        left_out=tuple(sorted(odd, key=lambda one: one.storage_number)),
        present=now
        if now is None
        else StoredTotal(storage_number=0, moment=reading.time, value=now),
        way=way,
    )


def _way(binding: Binding, display: Display) -> int:
    if display.description.state_class is SensorStateClass.TOTAL_INCREASING:
        return 1
    if not display.is_rising:
        return 0
    return -1 if prod(step["factor"] for step in binding.transformations) < 0 else 1


def _total(
    stored: Stored, moment: datetime | None, value: float | None, reading: Reading
) -> StoredTotal | LeftOutTotal:
    """Return a stored record as a total; left out for what can be seen of it alone."""
    storage_number = stored.record.storage_number
    if value is None or moment is None:
        reason = LeftOut.NO_VALUE
        if value is not None and isinstance(stored.day, Undated):
            reason = LeftOut(stored.day.value)
        return LeftOutTotal(
            storage_number=storage_number, reason=reason, moment=moment, value=value
        )
    total = StoredTotal(storage_number=storage_number, moment=moment, value=value)
    if moment > reading.time:
        return total.left_out(LeftOut.IN_FUTURE)
    began = _CLOCKS_BEGIN if stored.record.value else _began(reading)
    return total if moment >= began else total.left_out(LeftOut.TOO_EARLY)


def _shown(
    binding: Binding, display: Display, record: Record, reading: Reading
) -> float | None:
    """Return what the sensor makes of a record's value; None where there is no valid one."""
    try:
        value, problem = value_of(record, binding, reading.telegrams)
    except BindingError:
        return None
    if not is_number(value) or problem is not None:
        return None
    outcome = run(binding.transformations, value, reading.time)
    shown = native_value(display, outcome.value)
    return float(shown) if is_number(shown) else None


def _began(reading: Reading) -> datetime:
    """Return since when a meter counts the hours that it is on, before which a zero is no reading."""
    for telegram in reading.telegrams:
        for record in telegram.records:
            if (
                record.quantity == "on_time"
                and record.function is Function.INSTANTANEOUS
                and not record.storage_number
                and is_number(record.value)
                and record.unit
            ):
                days = float(convert_unit(record.value, record.unit, "d")) + 1
                longest = (reading.time - _CLOCKS_BEGIN) / _DAY
                return reading.time - min(days, longest) * _DAY
    return _CLOCKS_BEGIN
