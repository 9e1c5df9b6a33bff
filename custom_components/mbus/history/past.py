"""Which stored totals of a meter are the past of a binding's sensor, which are not, and why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import replace
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import prod
from typing import Final

from homeassistant.components.sensor import SensorStateClass
from homeassistant.util import dt as dt_util

from ..meters.binding import Binding, BindingError
from ..meters.clock import to_timestamp
from ..meters.evaluation import value_of
from ..meters.meter import Meter
from ..meters.reading import Reading
from ..meters.transformation import is_number, run
from ..presentation.display import Display, native_value
from ..profiles.catalogue import Catalogue
from ..protocol import Function, Record, convert_unit
from .stored import Stored, Undated, stored_records

_TOTALS: Final = (SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
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


class LeftOut(StrEnum):
    """Why one stored total is left out."""

    NO_VALUE = "no_value"
    NO_DATE = "no_date"
    SEVERAL_DATES = "several_dates"
    SEVERAL_VALUES = "several_values"
    SAME_HOUR = "same_hour"
    IN_FUTURE = "in_future"
    TOO_EARLY = "too_early"
    CONTRADICTED = "contradicted"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTotal:
    """A stored total as the sensor would have shown it; without a moment or a value, and else, `left_out` says why."""

    storage_number: int
    moment: datetime | None = None
    value: float | None = None
    left_out: LeftOut | None = None

    @property
    def hour(self) -> datetime:
        """When the hour began at whose end the sensor would have shown it (UTC, as Home Assistant's statistics)."""
        assert self.moment
        end = self.moment.astimezone(UTC) - _SECOND
        return end.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Stored totals in the order of their times, and those left out; `reason` where there can be none.

    `present` is what the meter shows now. `way`: 1 for a total that never falls, -1 for one that a chain turned around, 0 for one that goes both ways.
    """

    totals: tuple[StoredTotal, ...] = ()
    left_out: tuple[StoredTotal, ...] = ()
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

    found = [_total(binding, display, one, reading, meter.clock) for one in stored]
    found = [*_one_value_a_moment(found)]
    now = _shown(binding, display, present, reading)
    if way := _way(binding, display):
        found = [*_in_order(found, now, way)]
    found = [*_one_value_an_hour(found)]
    return Past(
        totals=tuple(one for one in found if one.left_out is None),
        left_out=tuple(one for one in found if one.left_out is not None),
        present=StoredTotal(storage_number=0, moment=reading.time, value=now),
        way=way,
    )


def _way(binding: Binding, display: Display) -> int:
    if display.description.state_class is SensorStateClass.TOTAL_INCREASING:
        return 1
    if not display.is_rising:
        return 0
    return -1 if prod(step["factor"] for step in binding.transformations) < 0 else 1


def _total(
    binding: Binding,
    display: Display,
    stored: Stored,
    reading: Reading,
    meter_clock: str,
) -> StoredTotal:
    """Return a stored record as a total; left out for what can be seen of it alone."""
    value = _shown(binding, display, stored.record, reading)
    moment = None if isinstance(stored.day, Undated) else _moment(stored, meter_clock)
    left_out = None
    if value is None:
        left_out = LeftOut.NO_VALUE
    elif isinstance(stored.day, Undated):
        left_out = LeftOut(stored.day.value)
    elif moment is None or moment < _CLOCKS_BEGIN:
        left_out = LeftOut.TOO_EARLY
    elif moment > reading.time:
        left_out = LeftOut.IN_FUTURE
    elif not stored.record.value and moment < _began(reading):
        left_out = LeftOut.TOO_EARLY
    return StoredTotal(
        storage_number=stored.record.storage_number,
        moment=moment,
        value=value,
        left_out=left_out,
    )


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


def _moment(stored: Stored, meter_clock: str) -> datetime:
    """Return when a total was kept.

    Midnight ends the meter's day, which is that of the calendar, whether its clock follows summer time or not; so does
    the last minute before. A date alone is the end of that day, but that of the first of a month is its beginning.
    """
    day = stored.day
    assert not isinstance(day, Undated)
    if not isinstance(day, datetime):
        return dt_util.start_of_local_day(day if day.day == 1 else day + _DAY)
    if (day.hour, day.minute) == (0, 0):
        return dt_util.start_of_local_day(day.date())
    if (day.hour, day.minute) == (23, 59):
        return dt_util.start_of_local_day(day.date() + _DAY)
    return to_timestamp(day, meter_clock, stored.is_summer_time)


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


def _one_value_a_moment(found: Sequence[StoredTotal]) -> Iterator[StoredTotal]:
    """Leave out values that are told of one and the same moment, but differ."""
    values = {(one.moment, one.value) for one in found if one.left_out is None}
    told = Counter(moment for moment, _ in values)
    for one in found:
        differs = one.left_out is None and told[one.moment] > 1
        yield replace(one, left_out=LeftOut.SEVERAL_VALUES) if differs else one


def _in_order(
    found: Iterable[StoredTotal], now: float | None, way: int
) -> Iterator[StoredTotal]:
    """Leave out what is not in every longest series that goes one way only, up to what the meter shows now."""
    series = list[StoredTotal]()
    for one in found:
        if one.left_out is not None:
            yield one
        elif now is not None and way * (one.value or 0.0) > way * now:
            yield replace(one, left_out=LeftOut.CONTRADICTED)
        else:
            series.append(one)
    series.sort(key=lambda one: (one.moment, one.value))
    values = [way * (one.value or 0.0) for one in series]
    before = _lengths(values)
    after = [*reversed(_lengths([-value for value in reversed(values)]))]
    lengths = [sum(both) - 1 for both in zip(before, after, strict=True)]
    longest = max(lengths, default=0)
    rivals = Counter(
        place
        for place, length in zip(before, lengths, strict=True)
        if length == longest
    )
    for one, place, length in zip(series, before, lengths, strict=True):
        is_believed = length == longest and rivals[place] == 1
        yield one if is_believed else replace(one, left_out=LeftOut.CONTRADICTED)


def _lengths(values: Sequence[float]) -> list[int]:
    """Return how long the longest series is that doesn't fall and ends with each value."""
    lengths = list[int]()
    for number, value in enumerate(values):
        before = (
            length
            for length, earlier in zip(lengths, values[:number], strict=True)
            if earlier <= value
        )
        lengths.append(1 + max(before, default=0))
    return lengths


def _one_value_an_hour(found: Iterable[StoredTotal]) -> Iterator[StoredTotal]:
    """Keep the last total of each hour, and bring all into the order of their times."""
    by_hour = dict[datetime, StoredTotal]()
    for one in sorted(
        found, key=lambda one: (one.moment or _CLOCKS_BEGIN, -one.storage_number)
    ):
        if one.left_out is not None:
            yield one
            continue
        if earlier := by_hour.pop(one.hour, None):
            yield replace(earlier, left_out=LeftOut.SAME_HOUR)
        by_hour[one.hour] = one
    yield from by_hour.values()
