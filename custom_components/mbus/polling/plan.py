"""What of a meter's past is to be written into the statistics of a sensor."""

from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass
from typing import Protocol

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..history.past import NoPast, Past, past_of
from ..history.totals import LeftOut
from ..meters.meter import Meter
from ..meters.reading import Reading
from ..presentation.described import Described
from ..profiles.catalogue import cached_catalogue
from .notes import Notes
from .statistics import (
    Recorded,
    StatisticsRow,
    async_recorded,
    hour_of,
    is_recorded,
    sensor_of,
    to_unit,
)


class Owner(Protocol):
    """Whose bindings they are: a meter's coordinator."""

    @property
    def meter(self) -> Meter:
        """The meter with its bindings."""

    @property
    def described(self) -> Mapping[str, Described]:
        """What follows from each binding, by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What of a binding's past is to be written: in the unit of the statistics, once there are any."""

    past: Past
    recorded: Recorded | None = None

    @property
    def waits(self) -> bool:
        """Whether Home Assistant has to count the sensor first, which it does every five minutes."""
        return self.past.reason is None and self.recorded is None


async def async_plan(
    hass: HomeAssistant,
    notes: Notes,
    owner: Owner,
    binding_id: str,
    reading: Reading,
) -> Plan:
    """Return what a reading gives for the statistics of a binding's sensor: nothing from its first row on."""
    meter, display = owner.meter, owner.described[binding_id].display
    past = past_of(
        meter.bindings[binding_id], display, reading, meter, cached_catalogue(hass)
    )
    if past.reason:
        return Plan(past=past)
    entity_id = sensor_of(hass, binding_id)
    entity = er.async_get(hass).async_get(entity_id) if entity_id else None
    if entity is None or entity.disabled:
        return _without(past, NoPast.NO_SENSOR)
    if not is_recorded(hass, entity.entity_id):
        return _without(past, NoPast.NOT_RECORDED)
    if (recorded := await async_recorded(hass, entity.entity_id)) is None:
        return Plan(past=past)
    exchanged = notes.exchanged(meter.id)
    if exchanged and recorded.since < exchanged:
        return _without(past, NoPast.EXCHANGED)
    unit = recorded.metadata["unit_of_measurement"]
    if (convert := to_unit(display, unit)) is None:
        return _without(past, NoPast.OTHER_UNIT)
    before = [one for one in past.totals if one.hour < recorded.since]
    if before and not _fits(recorded.oldest, past, convert):
        return _without(past, NoPast.OTHER_COUNT)
    after = past.totals[len(before) :]
    return Plan(
        past=replace(
            past,
            totals=tuple(replace(one, value=convert(one.value)) for one in before),
            left_out=(
                *past.left_out,
                *(one.left_out(LeftOut.RECORDED) for one in after),
            ),
        ),
        recorded=recorded,
    )


def _fits(
    recorded: StatisticsRow, past: Past, convert: Callable[[float], float]
) -> bool:
    """Return whether what was recorded first has its place among the totals, as it has if it is of the same count."""
    hour, tolerance = hour_of(recorded.start), abs(recorded.state) * 1e-9
    for total in filter(None, (*past.totals, past.present)):
        # The first row may be of any time of its hour.
        if total.hour == hour:
            continue
        rise = past.way * (recorded.state - convert(total.value))
        if (rise if total.hour < hour else -rise) < -tolerance:
            return False
    return True


async def async_plans(
    hass: HomeAssistant, notes: Notes, owner: Owner, reading: Reading
) -> dict[str, Plan]:
    """Return what a reading gives for each of a meter's sensors of whose quantity something is stored."""
    plans = {
        binding_id: await async_plan(hass, notes, owner, binding_id, reading)
        for binding_id in owner.described
    }
    return {
        binding_id: plan
        for binding_id, plan in plans.items()
        if plan.past.reason is not NoPast.NOTHING_STORED
    }


def _without(past: Past, reason: NoPast) -> Plan:
    return Plan(past=Past(left_out=past.left_out, reason=reason))
