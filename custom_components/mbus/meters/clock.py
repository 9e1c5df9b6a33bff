"""A meter's clock, which has no time zone: when it shows a time."""

from datetime import datetime, timedelta, timezone

from homeassistant.util import dt as dt_util

from ..const import METER_CLOCK_SUMMER


def to_timestamp(value: datetime, meter_clock: str, summer_time: bool) -> datetime:
    """Return when a meter's clock shows this time, in the time zone of Home Assistant.

    A clock on standard time all year is that far from UTC as the zone is in winter. On one that follows summer time,
    the meter's summer-time bit only tells the two readings of the hour apart that comes twice (or never).
    """
    zone = dt_util.get_default_time_zone()
    if meter_clock == METER_CLOCK_SUMMER:
        readings = [value.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
        return (max if summer_time else min)(readings, key=_offset)
    offset = min(
        _offset(datetime(value.year, month, 1, tzinfo=zone)) for month in (1, 7)
    )
    return value.replace(tzinfo=timezone(offset))


def _offset(value: datetime) -> timedelta:
    return value.utcoffset() or timedelta()
