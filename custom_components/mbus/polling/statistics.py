"""What the recorder's long-term statistics hold of a binding's sensor."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from homeassistant.components.recorder import (
    DOMAIN as RECORDER_DOMAIN,
    get_instance,
    is_entity_recorded,
)
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsBase,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.history import state_changes_during_period
from homeassistant.components.recorder.models import StatisticMetaData
from homeassistant.components.recorder.statistics import (
    get_last_short_term_statistics,
    get_metadata_with_session,
)
from homeassistant.components.sensor.const import UNIT_CONVERTERS
from homeassistant.const import ATTR_DEVICE_CLASS, ATTR_UNIT_OF_MEASUREMENT, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import session_scope
from homeassistant.util import dt as dt_util
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ..const import DOMAIN
from ..presentation.display import Display


@callback
def sensor_of(hass: HomeAssistant, binding_id: str) -> str | None:
    """Return the entity id of a binding's sensor."""
    return er.async_get(hass).async_get_entity_id(Platform.SENSOR, DOMAIN, binding_id)


@callback
def is_recorded(hass: HomeAssistant, entity_id: str) -> bool:
    """Return whether there is a recorder, and whether it takes this sensor."""
    return has_recorder(hass) and is_entity_recorded(hass, entity_id)


@callback
def has_recorder(hass: HomeAssistant) -> bool:
    """Return whether Home Assistant keeps a history."""
    return RECORDER_DOMAIN in hass.config.components


def to_unit(display: Display, unit: str | None) -> Callable[[float], float] | None:
    """Return the way from the sensor's own unit to another one; None where there is none."""
    native = display.description.native_unit_of_measurement
    if unit == native:
        return float
    converter = UNIT_CONVERTERS.get(display.description.device_class)
    if converter is None or not {unit, native} <= converter.VALID_UNITS:
        return None
    return converter.converter_factory(native, unit)


@callback
def as_shown_now(hass: HomeAssistant, entity_id: str, value: float, unit: str) -> float:
    """Return what a sensor showed in a unit in the one that it is shown in now."""
    attributes = state.attributes if (state := hass.states.get(entity_id)) else {}
    shown_in = attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    converter = UNIT_CONVERTERS.get(attributes.get(ATTR_DEVICE_CLASS))
    if converter is None or not {unit, shown_in} <= converter.VALID_UNITS:
        return value
    return converter.convert(value, unit, shown_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsRow:
    """One row, in the unit of the statistics; `start` is when its five minutes or its hour began."""

    start: datetime
    state: float
    sum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The statistics of a sensor: what the recorder knows about them, and their oldest row with a sum of either table.

    `since`: the hour before which there is no row at all, not even of a sensor that was no total then.
    """

    metadata: StatisticMetaData
    oldest: StatisticsRow
    since: datetime


async def async_recorded(hass: HomeAssistant, entity_id: str) -> Recorded | None:
    """Return what is recorded of a sensor; None where nothing was counted yet."""
    return await get_instance(hass).async_add_executor_job(_recorded, hass, entity_id)


def _recorded(hass: HomeAssistant, entity_id: str) -> Recorded | None:
    with session_scope(hass=hass, read_only=True) as session:
        if (known := _known(hass, session, entity_id)) is None:
            return None
        metadata_id, metadata = known
        tables = (StatisticsShortTerm, Statistics)
        rows = [row for table in tables if (row := _first(session, metadata_id, table))]
        starts = [
            session.scalar(
                select(func.min(table.start_ts)).where(table.metadata_id == metadata_id)
            )
            for table in tables
        ]
    if not rows:
        return None
    since = dt_util.utc_from_timestamp(min(filter(None, starts)))
    return Recorded(
        metadata=metadata,
        oldest=min(rows, key=lambda row: row.start),
        since=hour_of(since),
    )


def hour_of(moment: datetime) -> datetime:
    """Return when the hour of the statistics began in which a moment is."""
    return moment.replace(minute=0, second=0, microsecond=0)


async def async_row_at(
    hass: HomeAssistant, entity_id: str, start: datetime
) -> StatisticsRow | None:
    """Return the row of the five minutes or, where there is none any more, of the hour that began then."""
    return await get_instance(hass).async_add_executor_job(
        _row_at, hass, entity_id, start
    )


def _row_at(
    hass: HomeAssistant, entity_id: str, start: datetime
) -> StatisticsRow | None:
    with session_scope(hass=hass, read_only=True) as session:
        if (known := _known(hass, session, entity_id)) is None:
            return None
        metadata_id, _ = known
        return _first(
            session,
            metadata_id,
            StatisticsShortTerm,
            StatisticsShortTerm.start_ts == start.timestamp(),
        ) or _first(
            session,
            metadata_id,
            Statistics,
            Statistics.start_ts == hour_of(start).timestamp(),
        )


def _known(
    hass: HomeAssistant, session: Session, entity_id: str
) -> tuple[int, StatisticMetaData] | None:
    return get_metadata_with_session(
        get_instance(hass), session, statistic_ids={entity_id}
    ).get(entity_id)


def _first(
    session: Session,
    metadata_id: int,
    table: type[StatisticsBase],
    *conditions: ColumnElement[bool],
) -> StatisticsRow | None:
    """Return the oldest row of a sensor in one of the two tables."""
    found = session.execute(
        select(table.start_ts, table.state, table.sum)
        .where(
            table.metadata_id == metadata_id,
            table.state.is_not(None),
            table.sum.is_not(None),
            *conditions,
        )
        .order_by(table.start_ts)
        .limit(1)
    ).first()
    if found is None:
        return None
    start, state, total = found
    return StatisticsRow(
        start=dt_util.utc_from_timestamp(start), state=state, sum=total
    )


def window_of(moment: datetime) -> datetime:
    """Return when the five minutes began that Home Assistant counts in one."""
    return moment.replace(minute=moment.minute // 5 * 5, second=0, microsecond=0)


async def async_last_state(hass: HomeAssistant, entity_id: str) -> float | None:
    """Return the number that the next row of a sensor follows on, in the unit that it is shown in; None if on none."""
    # The five minutes that are over may not be counted yet.
    since = window_of(dt_util.utcnow()) - timedelta(minutes=5)
    found = await get_instance(hass).async_add_executor_job(
        partial(
            state_changes_during_period,
            hass,
            since,
            entity_id=entity_id,
            no_attributes=True,
            descending=True,
        )
    )
    for state in found.get(entity_id, []):
        with suppress(ValueError):
            return float(state.state)
    rows = await async_last_rows(hass, entity_id, 1)
    return rows[0]["state"] if rows else None


async def async_last_rows(
    hass: HomeAssistant, entity_id: str, number: int
) -> list[dict[str, Any]]:
    """Return the last rows of five minutes of a sensor, the newest first, in the unit that it is shown in."""
    rows = await get_instance(hass).async_add_executor_job(
        partial(
            get_last_short_term_statistics,
            hass,
            number,
            entity_id,
            convert_units=True,
            types={"state", "sum"},
        )
    )
    return [dict(row) for row in rows.get(entity_id, [])]
