"""A meter's clock: what it shows at a time, and how it is set."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, METER_CLOCK_STANDARD, METER_CLOCK_SUMMER, SIGNAL_CLOCK_SET
from ..meters.clock import to_timestamp
from ..meters.reason import why
from ..presentation.reasons import reason_text
from ..presentation.texts import cached_texts
from ..protocol import CLOCK, Bus, EncodeError, MBusError, Readout, set_clock
from .coordinator import MeterCoordinator

_SOME_DAY: Final = datetime(2000, 1, 1)


def meter_time(value: datetime, meter_clock: str) -> tuple[datetime, bool]:
    """Return what a meter's clock shows at a time, and whether that is summer time."""
    standard = to_timestamp(_SOME_DAY, METER_CLOCK_STANDARD, False)
    follows = meter_clock == METER_CLOCK_SUMMER
    zone = dt_util.get_default_time_zone() if follows else standard.tzinfo
    local = value.astimezone(zone)
    is_summer_time = local.utcoffset() != standard.utcoffset()
    return local.replace(tzinfo=None, fold=0), is_summer_time


async def async_set_clock(
    coordinator: MeterCoordinator, moment: datetime | None = None
) -> None:
    """Set the meter's clock, by its setting *Meter clock*, to a time or to now, and publish what is read then.

    With seconds where the meter sends them. What passes until the meter is told is added to the time. Raises
    ServiceValidationError for a time that no clock shows, and HomeAssistantError where this one shows another afterwards.
    """
    meter = coordinator.meter
    ahead = moment - dt_util.utcnow() if moment else timedelta()
    reading = coordinator.data.reading
    _, with_seconds = CLOCK
    sends_seconds = any(
        record.header == with_seconds
        for telegram in (reading.telegrams if reading else ())
        for record in telegram.records
    )

    async def set_it(bus: Bus) -> Readout:
        master = await bus.master()
        shown, is_summer_time = meter_time(dt_util.utcnow() + ahead, meter.clock)
        return await set_clock(
            master,
            meter.address,
            shown,
            summer_time=is_summer_time,
            with_seconds=sends_seconds,
            identity=meter.identity,
            quirks=meter.quirks,
        )

    try:
        await coordinator.async_tell(set_it)
        async_dispatcher_send(
            coordinator.hass,
            SIGNAL_CLOCK_SET.format(meter.id),
            dt_util.utcnow() + ahead,
        )
    except (EncodeError, OverflowError) as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_codable",
            translation_placeholders={
                "error": reason_text(why(err), cached_texts(coordinator.hass))
            },
        ) from err
    except MBusError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="set_clock_failed",
            translation_placeholders={
                "meter": meter.title,
                "error": reason_text(err, cached_texts(coordinator.hass)),
            },
        ) from err
