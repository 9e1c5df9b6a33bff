"""What a person may ask of a meter beside its polling; failures are told in plain words."""

from datetime import datetime

from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .polling.coordinator import MeterCoordinator
from .polling.writing import meter_time
from .protocol import MBusError, set_clock


async def async_read_now(coordinator: MeterCoordinator) -> None:
    """Read all telegrams of a meter at once. Raises HomeAssistantError when it doesn't answer."""
    await coordinator.async_read_now()
    if not coordinator.last_update_success:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="read_failed",
            translation_placeholders={
                "meter": coordinator.meter.title,
                "error": coordinator.failure,
            },
        )


async def async_set_clock(
    coordinator: MeterCoordinator, moment: datetime | None = None
) -> None:
    """Set the meter's clock, by its setting *Meter clock*, to a time or to now; then read the meter.

    With seconds where the meter sends them. Raises HomeAssistantError where the clock shows another time afterwards.
    """
    meter = coordinator.meter
    telegrams = coordinator.data.reading.telegrams if coordinator.data else ()
    with_seconds = any(
        record.header == b"\x06\x6d"
        for telegram in telegrams
        for record in telegram.records
    )
    try:
        async with coordinator.connection.turn(urgent=True) as bus:
            master = await bus.master()
            shown, is_summer_time = meter_time(moment or dt_util.utcnow(), meter.clock)
            await set_clock(
                master,
                meter.address,
                shown,
                summer_time=is_summer_time,
                with_seconds=with_seconds,
                identity=meter.identity,
            )
    except MBusError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="set_clock_failed",
            translation_placeholders={"meter": meter.title, "error": str(err)},
        ) from err
    await async_read_now(coordinator)
