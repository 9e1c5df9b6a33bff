"""When stored values were kept: from what a meter's clock or calendar showed then."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final

from homeassistant.util import dt as dt_util

from ..meters.clock import to_timestamp
from .stored import Stored, Undated

_DAY: Final = timedelta(days=1)
_MIDNIGHTS: Final = {time(0, 0): 0 * _DAY, time(23, 59): _DAY}
"""What a clock shows at the end of a day, and how long after its beginning that is."""
_SERIES: Final = 2
"""Other hours of one day that show that values are kept by the hour; one alone may be that of an error."""


def moments_of(kept: Sequence[Stored], meter_clock: str) -> list[datetime | None]:
    """Return when each was kept; None where that isn't known.

    Midnight ends the meter's day, which is that of the calendar, whether its clock follows summer time or not; so does
    the last minute before. But where values are kept by the hour, midnight is an hour among others, as the clock shows
    it. A date alone is the end of that day, but that of the first of a month is its beginning.
    """
    hours = [
        one.day + one.later
        for one in kept
        if isinstance(one.day, datetime)
        and (one.later or _minute(one.day) not in _MIDNIGHTS)
    ]
    return [_moment(one, meter_clock, hours) for one in kept]


def _moment(
    stored: Stored, meter_clock: str, hours: Sequence[datetime]
) -> datetime | None:
    day = stored.day
    if isinstance(day, Undated):
        return None
    if not isinstance(day, datetime):
        return dt_util.start_of_local_day(day if day.day == 1 else day + _DAY)
    midnight = _MIDNIGHTS.get(_minute(day))
    if midnight is None or stored.later or _is_among(hours, day):
        shown = to_timestamp(day, meter_clock, stored.is_summer_time)
        return dt_util.as_utc(shown) + stored.later
    return dt_util.start_of_local_day(day.date() + midnight)


def _is_among(hours: Sequence[datetime], midnight: datetime) -> bool:
    near = [hour for hour in hours if abs(hour - midnight) < _DAY]
    return len(near) >= _SERIES


def _minute(moment: datetime) -> time:
    return moment.time().replace(second=0)
