"""The recorder's statistics in a test: counted when told to, and read back."""

from datetime import datetime
from typing import Any, Literal

from homeassistant.components.recorder import EVENT_RECORDER_5MIN_STATISTICS_GENERATED
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    statistics_during_period,
)


def window() -> datetime:
    """Return when the five minutes began that are now."""
    now = dt_util.utcnow()
    return now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)


async def count(hass: HomeAssistant, start: datetime) -> None:
    """Count five minutes, and tell nobody."""
    await async_wait_recording_done(hass)
    await hass.async_add_executor_job(lambda: do_adhoc_statistics(hass, start=start))
    await async_wait_recording_done(hass)


async def compile_statistics(hass: HomeAssistant, start: datetime) -> None:
    """Count five minutes, as the recorder does by its own clock."""
    await count(hass, start)
    # Told only of what is counted by the recorder's own clock.
    hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
    await hass.async_block_till_done()
    for _ in range(2):
        await async_wait_recording_done(hass)


async def rows(
    hass: HomeAssistant,
    entity_id: str,
    period: Literal["5minute", "hour", "day", "month"],
    *types: str,
    since: datetime = dt_util.utc_from_timestamp(0),
) -> list[dict[str, Any]]:
    """Return the rows of a sensor's statistics in the unit it is shown in, the oldest first."""
    found: dict[str, list[dict[str, Any]]] = await hass.async_add_executor_job(
        lambda: statistics_during_period(
            hass, since, period=period, statistic_ids={entity_id}, types={*types}
        )
    )
    return found.get(entity_id, [])
