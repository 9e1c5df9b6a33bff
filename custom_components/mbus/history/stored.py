"""What a meter remembers of a total: values kept at other times, and when that was by its own clock."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import replace
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from ..meters.transformation import is_number
from ..profiles.interpretation import Interpretation, Interpretations
from ..profiles.profile import Kept
from ..profiles.vocabulary import PAST
from ..protocol import SUMMER_TIME, Function, Record, Signature, Telegram

type Day = date | datetime
"""What a meter's clock or calendar shows."""

_DATES: Final = ("date", "date_time")
_LENGTHS: Final = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_MONTHS: Final = {"month": 1, "year": 12}
_DAY: Final = timedelta(days=1)
_LONGEST: Final = 1_000_000
"""Of a unit; no clock of a meter goes so far, and no time of Python's much further."""


class Undated(StrEnum):
    """Why it can't be said when a value was kept."""

    NO_DATE = "no_date"
    SEVERAL_DATES = "several_dates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record that was kept at another time: by its own date record, or by the interval of its block.

    `later` is how long after `day` it was kept, where values are kept more often than daily: no clock is asked then.
    """

    record: Record
    day: Day | Undated
    is_summer_time: bool = False
    later: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class _Place:
    """What a date or an interval is said for."""

    storage: int
    tariff: int
    subunit: int

    @property
    def spoken_for_by(self) -> tuple[_Place, ...]:
        """A date is that of a storage of the device; where each tariff has its own, the own one."""
        return (self, replace(self, tariff=0))


def stored_records(
    signature: Signature,
    telegrams: Sequence[Telegram],
    meant: Interpretations,
    kept_blocks: Iterable[Kept],
) -> list[Stored]:
    """Return what is kept of the quantity with this signature, in the order of the storage numbers.

    A record to which a profile gives another meaning than to the present one is none of it. Dates are those of EN 13757-3: a record of type F, G or I of the same storage number, tariff and subunit, or the
    storage interval of a block that has such a record. `kept_blocks` are blocks whose interval only a profile tells.
    """
    places = {
        (number, record.index): record
        for number, telegram in enumerate(telegrams)
        for record in telegram.records
    }
    present = {
        _meaning(record, meant.get(place))
        for place, record in places.items()
        if record.signature.without_error == signature
    }
    kept = sorted(
        (
            record
            for place, record in places.items()
            if record.storage_number
            and record.signature._replace(storage_number=0) == signature
            and _meaning(record, meant.get(place)) in present
        ),
        key=lambda record: record.storage_number,
    )
    records = [*places.values()]
    own = _own_dates(records)
    dated = [_with_own_date(record, own) for record in kept]
    by_interval = dict(_by_interval(dated, _of_blocks(records), kept_blocks))
    return [by_interval.get(id(stored.record), stored) for stored in dated]


def has_kept_on(day: date, telegrams: Sequence[Telegram]) -> bool:
    """Return whether a meter says that it keeps anything of a day."""
    records = [record for telegram in telegrams for record in telegram.records]
    return any(
        (kept.date() if isinstance(kept, datetime) else kept) == day
        for dates in _own_dates(records).values()
        for kept in dates
    )


def _meaning(record: Record, meant: Interpretation | None) -> Interpretation:
    """Return what a record means, apart from where and when it was kept."""
    if meant is None:
        meant = Interpretation(
            profile="", entry="", signature=record.signature, unit=record.unit
        )
    signature = meant.signature._replace(
        function=Function.INSTANTANEOUS,
        storage_number=0,
        tariff=0,
        subunit=0,
        modifiers=tuple(one for one in meant.signature.modifiers if one not in PAST),
    )
    rule = replace(meant.rule, device_class=None, state_class=None)
    return replace(meant, signature=signature, rule=rule)


def _place(record: Record) -> _Place:
    return _Place(record.storage_number, record.tariff, record.subunit)


def _own_dates(records: Sequence[Record]) -> Mapping[_Place, dict[Day, Record]]:
    """Return all dates that are told of each storage."""
    dates = defaultdict[_Place, dict[Day, Record]](dict)
    for record in records:
        if (
            isinstance(record.value, date)
            and record.problem is None
            and record.storage_number
            and record.function is Function.INSTANTANEOUS
            and record.quantity in _DATES
            and not record.signature.modifiers
        ):
            dates[_place(record)][record.value] = record
    return dates


def _with_own_date(record: Record, dates: Mapping[_Place, dict[Day, Record]]) -> Stored:
    for place in _place(record).spoken_for_by:
        if told := dates.get(place):
            # A day beside a time of that day says no more.
            times = {day for day in told if isinstance(day, datetime)}
            days = times or told.keys()
            if len(days) > 1:
                return Stored(record=record, day=Undated.SEVERAL_DATES)
            (day,) = days
            return Stored(
                record=record,
                day=day,
                is_summer_time=SUMMER_TIME in told[day].modifiers,
            )
    return Stored(record=record, day=Undated.NO_DATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Storage numbers from one on, kept one after another at an interval; `size` where it is told."""

    interval: timedelta | int
    size: int | None


def _of_blocks(records: Sequence[Record]) -> Mapping[_Place, _Block]:
    """Return the blocks by their first storage."""
    sizes = {
        _place(record): int(record.value)
        for record in records
        if record.quantity == "storage_block_size" and is_number(record.value)
    }
    return {
        _place(record): _Block(interval=interval, size=sizes.get(_place(record)))
        for record in records
        if record.quantity == "storage_interval"
        and record.storage_number
        and (interval := _interval(record))
    }


def _interval(record: Record) -> timedelta | int | None:
    """Return how far apart values are kept, as a time or as months; None where it isn't told."""
    value = record.value
    # A part of a month has no length, and nothing is kept a century apart.
    if not is_number(value) or not 0 < value <= _LONGEST or value != int(value):
        return None
    if months := _MONTHS.get(record.unit or ""):
        return int(value) * months
    if length := _LENGTHS.get(record.unit or ""):
        return int(value) * length
    return None


def _by_interval(
    dated: Sequence[Stored],
    blocks: Mapping[_Place, _Block],
    kept_blocks: Iterable[Kept],
) -> Iterator[tuple[int, Stored]]:
    """Yield what has a date by its place in a block, by the identity of the record.

    Meters count up to the newest value or from it; which, only the totals tell, which never fall.
    """
    by_storage = {stored.record.storage_number: stored for stored in dated}
    if len(by_storage) < len(dated):
        return  # One of them would get the date of another.
    by_profile = {
        kept.storage: _Block(interval=kept.months, size=kept.size)
        for kept in kept_blocks
    }
    for first, stored in by_storage.items():
        place = _place(stored.record)
        told = (*map(blocks.get, place.spoken_for_by), by_profile.get(first))
        block = next(filter(None, told), None)
        if block is None:
            continue
        run = [stored]
        while (following := by_storage.get(first + len(run))) and (
            block.size is None or len(run) < block.size
        ):
            run.append(following)
        anchor = next(
            (
                number
                for number, one in enumerate(run)
                if not isinstance(one.day, Undated)
            ),
            None,
        )
        if anchor is None or not (direction := _direction(run)):
            continue
        for number, one in enumerate(run):
            if one.day is Undated.NO_DATE:
                times = direction * (number - anchor)
                day, later = _moved(run[anchor].day, block.interval, times)
                yield (
                    id(one.record),
                    replace(run[anchor], record=one.record, day=day, later=later),
                )


def _direction(run: Sequence[Stored]) -> int:
    """Return 1 where totals rise with the storage number, -1 where they fall, 0 where that can't be told."""
    values = [
        one.record.value
        for one in run
        if is_number(one.record.value) and one.record.problem is None
    ]
    rises = any(before < after for before, after in pairwise(values))
    falls = any(before > after for before, after in pairwise(values))
    return rises - falls


def _moved(
    day: Day | Undated, interval: timedelta | int, times: int
) -> tuple[Day | Undated, timedelta]:
    """Return a day so many intervals later, and how long after it; the last day of a month stays the last one."""
    assert not isinstance(day, Undated)
    try:
        if not isinstance(interval, timedelta):
            return _months_later(day, interval * times), timedelta()
        later = interval * times
        moved = day + later
        if not interval % _DAY:
            return moved, timedelta()
        if isinstance(day, datetime):
            return day, later
    except OverflowError, ValueError:
        pass
    return Undated.NO_DATE, timedelta()


def _months_later(day: Day, number: int) -> Day:
    """Return a day so many months later. Raises ValueError for a year that no calendar has."""
    is_last = (day + _DAY).month != day.month
    months = day.year * 12 + day.month - 1 + number
    first = day.replace(year=months // 12, month=months % 12 + 1, day=1)
    last = (first + timedelta(days=31)).replace(day=1) - _DAY
    return first.replace(day=last.day if is_last else min(day.day, last.day))
