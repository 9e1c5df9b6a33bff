"""Taking what meters remember of their totals into the history."""

from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from ..history.told import past_data
from ..polling.coordinator import MeterCoordinator
from ..polling.plan import async_plans
from ..polling.statistics import sensor_of
from ..presentation.naming import binding_name
from ..presentation.texts import async_get_texts
from .fields import METERS
from .targets import answer_of, async_try_each, meters_of, read_in_part

IMPORT_HISTORY: Final = vol.Schema(METERS)


async def async_import_history(call: ServiceCall) -> ServiceResponse:
    """Read meters, and take their stored totals into the history; the answer says which, and why others aren't."""
    meters = meters_of(call)
    texts = await async_get_texts(call.hass)

    async def take(coordinator: MeterCoordinator) -> JsonObjectType:
        reading = await coordinator.async_read_now()
        if reading.error:
            # What is missing could never be put between what is taken.
            raise read_in_part(call.hass, coordinator, reading.error)
        runtime = coordinator.config_entry.runtime_data
        plans = await async_plans(call.hass, runtime.store.notes, coordinator, reading)
        wanted = [key for key, plan in plans.items() if plan.past.totals]
        await runtime.history.async_take(reading, wanted)
        bindings = coordinator.meter.bindings
        return {
            "sensors": [
                {
                    "name": binding_name(bindings[binding_id], texts),
                    "entity_id": sensor_of(call.hass, binding_id),
                    "waits": plan.waits,
                    **past_data(plan.past, texts),
                }
                for binding_id, plan in plans.items()
            ]
        }

    return answer_of(call, await async_try_each(meters, take))
