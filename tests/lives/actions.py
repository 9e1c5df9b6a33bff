"""What people and Home Assistant do: each draws what it needs, and does nothing where it can't be."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from homeassistant.const import CONF_PORT, Platform
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from custom_components.mbus.const import (
    CONF_BACKUP,
    CONF_BINDINGS,
    CONF_ON_DEMAND,
    CONF_PERIOD,
    CONF_TRANSFORMATIONS,
    DOMAIN,
)
from custom_components.mbus.meters.meter import meter_unique_id
from custom_components.mbus.protocol import parse_address

from .life import Life, way
from .places import Place, names_of
from .reference import SCRIPTS
from .table import action
from .troubles import wait_for_request

_PERIODS = (None, 120, 300, 900, 3600)
"""Seconds; None: the connection's."""
_HALF_A_MINUTE = timedelta(seconds=31)
"""So far is a clock off at most whose meter takes no seconds."""


@action(3)
async def reload(life: Life, random: Random) -> None:
    """Reload the connection."""
    await life.hass.config_entries.async_reload(life.entry.entry_id)


@action(2)
async def restart(life: Life, random: Random) -> None:
    """Unload the connection for some time."""
    await life.hass.config_entries.async_unload(life.entry.entry_id)
    await life.pass_time(timedelta(seconds=random.choice((0, 10, 200, 2000))))
    await life.set_up()


@action(4)
async def kill(life: Life, random: Random) -> None:
    """Kill Home Assistant and let it come back."""
    await life.kill()


@action(4)
async def kill_after_reading(life: Life, random: Random) -> None:
    """Kill Home Assistant about when what was read last is written."""
    await wait_for_request(life, random)
    await life.pass_time(timedelta(seconds=random.uniform(40, 100)))
    await life.kill()


@action(4)
async def kill_after_change(life: Life, random: Random) -> None:
    """Kill Home Assistant before anything is written of what a person just did."""
    changes = (adopt, edit_chain, change_period, rebind, remove_binding, add_binding)
    await random.choice(changes)(life, random)
    await life.kill()


@action(3)
async def exchange(life: Life, random: Random) -> None:
    """Install another meter."""
    if life.places:
        life.exchange(random.choice(life.places))


@action(3)
async def adopt(life: Life, random: Random) -> None:
    """Let the meter that is there now take the place of the one before."""
    strangers = [
        one for one in life.places if one.number != one.installed.identification
    ]
    if strangers:
        await take_in(life, random.choice(strangers), random)


async def take_in(life: Life, place: Place, random: Random) -> None:
    """Adopt the meter that is there, by its repair if there is one, or else by its number."""
    issue = f"other_meter_{place.id}"
    if life.is_fixable(issue) and random.random() < 0.5:
        await life.repair(issue, {"next_step_id": "adopt"}, {})
        return
    number = place.installed.identification
    stored = life.data(place)["identity"]
    life.store(
        place,
        meter_unique_id(parse_address(place.address)),
        address=life.data(place)["address"]
        if not place.by_secondary
        else place.address,
        identity={**stored, "identification": number},
    )


@action(2)
async def move_records(life: Life, random: Random) -> None:
    """Send the records in another order, as a new firmware does."""
    if life.places:
        meter = random.choice(life.places).installed
        random.shuffle(meter.places[random.randrange(len(meter.places))])


@action(3)
async def rebind(life: Life, random: Random) -> None:
    """Bind records again where they are now."""
    if life.places:
        await mend(life, random.choice(life.places))


async def mend(life: Life, place: Place) -> None:
    """Go through the repair of a meter's records."""
    await life.repair(f"records_changed_{place.id}", {})
    life.note_meanings(place)
    for told in place.bindings.values():
        told.bound_anew(life.clock.now(), place.readings)


@action(2)
async def remove_binding(life: Life, random: Random) -> None:
    """Remove a binding."""
    places = [one for one in life.places if len(one.bindings) > 1]
    if places:
        place = random.choice(places)
        gone = random.choice([*place.bindings])
        del place.bindings[gone]
        kept = [one for one in life.data(place)[CONF_BINDINGS] if one["id"] != gone]
        life.store(place, bindings=kept)


@action(3)
async def add_binding(life: Life, random: Random) -> None:
    """Bind a record."""
    places = [one for one in life.places if one.free_records()]
    if places and life.is_loaded:
        place = random.choice(places)
        telegram, index = random.choice(place.free_records())
        data = life.data(place)
        item = place.bind(telegram, index, life.period(place), names_of(data))
        life.store(place, bindings=[*data[CONF_BINDINGS], item])
        place.bindings[item["id"]].bound_first(life.witness.readings(place))


@action(1)
async def remove_meter(life: Life, random: Random) -> None:
    """Remove a meter."""
    if len(life.places) > 1:
        life.remove_meter(random.choice(life.places))


@action(1)
async def add_meter(life: Life, random: Random) -> None:
    """Add a meter."""
    if len(life.places) <= life.setting.meters:
        life.add_meter()


@action(5)
async def edit_chain(life: Life, random: Random) -> None:
    """Change what is made of a value."""
    place = random.choice(life.places)
    binding_id = random.choice([*place.bindings])
    told = place.bindings[binding_id]
    kinds = ["scaling", "script", "damper"]
    if told.quantity.unit == "W":
        kinds += ["integration", "integration"]
    elif told.quantity.is_total:
        kinds += ["derivative", "derivative"]
    present = {step["type"]: step for step in told.rule.chain}
    chain = []
    for kind in sorted(set(random.sample(kinds, random.randint(0, 2))), key=_order):
        step = present.get(kind)
        if step is None or (kind != "integration" and random.random() < 0.3):
            step = _new_step(kind, random)
        chain.append(step)
    bindings = [
        {**item, CONF_TRANSFORMATIONS: chain} if item["id"] == binding_id else item
        for item in life.data(place)[CONF_BINDINGS]
    ]
    life.store(place, bindings=bindings)
    told.another_rule(life.clock.now(), replace(told.rule, chain=chain))


def _order(kind: str) -> int:
    return ("scaling", "script", "damper", "integration", "derivative").index(kind)


def _new_step(kind: str, random: Random) -> dict[str, Any]:
    step: dict[str, Any] = {"type": kind, "id": f"{random.randrange(1 << 32):08x}"}
    match kind:
        case "scaling":
            step |= {
                "factor": random.choice((0.5, 2, 3)),
                "shift": random.choice((0, 10)),
            }
        case "script":
            step["template"] = random.choice([*SCRIPTS])
        case "damper":
            step["lag"] = random.choice((60, 600))
        case _:
            step["time_unit"] = "h"
    return step


@action(3)
async def change_period(life: Life, random: Random) -> None:
    """Read a meter more or less often, or only when asked."""
    place = random.choice(life.places)
    seconds = random.choice(_PERIODS)
    settings: dict[str, Any] = {
        CONF_PERIOD: seconds and seconds * 1000,
        CONF_ON_DEMAND: random.random() < 0.2,
    }
    life.store(place, **settings)
    for told in place.bindings.values():
        told.rule = replace(told.rule, period=life.period(place))


@action(4)
async def read_now(life: Life, random: Random) -> None:
    """Ask for a reading."""
    await press_read_now(life, random.choice(life.places))


async def press_read_now(life: Life, place: Place) -> None:
    """Press the button of a meter."""
    if life.is_loaded:
        with suppress(HomeAssistantError):
            await life.call(Platform.BUTTON, "press", f"{place.id}_read_now")


@action(2)
async def stop(life: Life, random: Random) -> None:
    """Stop the connection."""
    await switch(life, on=False)


@action(2)
async def start(life: Life, random: Random) -> None:
    """Start the connection."""
    await switch(life, on=True)


async def switch(life: Life, *, on: bool) -> None:
    """Turn polling on or off."""
    if life.is_loaded:
        service = "turn_on" if on else "turn_off"
        await life.call(Platform.SWITCH, service, f"{life.entry.entry_id}_polling")


@action(2)
async def reconfigure(life: Life, random: Random) -> None:
    """Reach the bus by another port."""
    master, other = map(way, life.gateways)
    options = {**life.entry.options}
    if options[CONF_BACKUP]:
        options[CONF_BACKUP] = master
    life.hass.config_entries.async_update_entry(
        life.entry, data=other, options=options, unique_id=str(other[CONF_PORT])
    )


@action(2)
async def enable(life: Life, random: Random) -> None:
    """Disable the entity of a binding, or enable it if it is."""
    binding_id = random.choice([*random.choice(life.places).bindings])
    registry = er.async_get(life.hass)
    entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, binding_id)
    entity = registry.async_get(entity_id) if entity_id else None
    if entity:
        disabled_by = None if entity.disabled else er.RegistryEntryDisabler.USER
        registry.async_update_entity(entity.entity_id, disabled_by=disabled_by)


def enable_all(life: Life) -> None:
    """Enable whatever is disabled by a person."""
    registry = er.async_get(life.hass)
    for entity in er.async_entries_for_config_entry(registry, life.entry.entry_id):
        if entity.disabled_by is er.RegistryEntryDisabler.USER:
            registry.async_update_entity(entity.entity_id, disabled_by=None)


@action(2)
async def set_back(life: Life, random: Random) -> None:
    """Let a counter begin anew, now or soon."""
    meter = random.choice(life.places).installed
    totals = [one.name for one in meter.quantities if one.is_total]
    random.choice((meter.set_back, meter.near_its_end))(random.choice(totals))


@action(2)
async def spoil(life: Life, random: Random) -> None:
    """Let a meter send no value in place of some, or all again."""
    meter = random.choice(life.places).installed
    names = [one.name for one in meter.quantities]
    meter.invalid = {name for name in names if random.random() < 0.3}


@action(2)
async def set_clock(life: Life, random: Random) -> None:
    """Set the clock of a meter; what it shows then is the time."""
    if life.places:
        meter = (place := random.choice(life.places)).installed
        if await life.act(place, "set_clock"):
            late = meter.clock_offset
            if abs(late) > _HALF_A_MINUTE:
                life.witness.faults.append(f"{place.id}: the clock is {late} off")


@action(2)
async def set_address(life: Life, random: Random) -> None:
    """Give a meter another address; a person puts right what was not heard of."""
    if not life.places:
        return
    place = random.choice(life.places)
    meter = place.installed
    taken = {other.address for one in life.places for other in one.meters.values()}
    address = random.choice([one for one in range(251) if one not in taken])
    await life.act(place, "set_primary_address", address=address)
    if not place.by_secondary and str(life.data(place)["address"]) != place.address:
        unique_id = meter_unique_id(meter.address)
        life.store(place, unique_id, address=meter.address)


@action(1)
async def search(life: Life, random: Random) -> None:
    """Search the bus; what is read meanwhile is right."""
    if life.is_loaded:
        with suppress(HomeAssistantError):
            await life.hass.services.async_call(
                DOMAIN,
                "search",
                {
                    "config_entry_id": life.entry.entry_id,
                    "method": random.choice(("secondary", "both")),
                },
                blocking=True,
                return_response=True,
            )
