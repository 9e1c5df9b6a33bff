"""A sensor that is enabled when its meter was read already."""

from datetime import timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import (
    CONF_BINDINGS,
    CONF_ON_DEMAND,
    CONF_PERIOD,
    DOMAIN,
)
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .test_alike_records import TwoTelegrams
from .test_guards import ENERGY, POWER, VOLUME, Meter, errors_of, state_of

DAILY = {CONF_PERIOD: timedelta(days=1) // timedelta(milliseconds=1)}
REPAIR = "records_changed_meter7"


async def without(
    hass: HomeAssistant, create_entry: CreateEntry, name: str, **settings: Any
) -> MockConfigEntry:
    """Set up a meter that is read once a day, or as its settings say, one of its sensors disabled."""
    entry = await create_entry(7, setup=False, options=DAILY)
    subentry = entry.subentries["meter7"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **settings}
    )
    (binding_id,) = (
        item["id"] for item in subentry.data[CONF_BINDINGS] if item["name"] == name
    )
    er.async_get(hass).async_get_or_create(
        Platform.SENSOR,
        DOMAIN,
        binding_id,
        suggested_object_id=f"later_{name}",
        config_entry=entry,
        config_subentry_id="meter7",
        disabled_by=er.RegistryEntryDisabler.USER,
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    return entry


async def enable(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> None:
    """Enable it, and reload the connection as Home Assistant does half a minute later."""
    er.async_get(hass).async_update_entity(
        f"{Platform.SENSOR}.later_{name}", disabled_by=None
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


@pytest.fixture
def two_telegrams(bus: SimulatedBus) -> TwoTelegrams:
    """Return a meter with a volume in its second telegram."""
    meter = TwoTelegrams(7, ENERGY, VOLUME, identification="12345678")
    bus.meters = [meter]
    return meter


async def test_of_a_telegram_that_was_not_asked_for(
    hass: HomeAssistant,
    bus: SimulatedBus,
    two_telegrams: TwoTelegrams,
    create_entry: CreateEntry,
) -> None:
    """The meter is read at once, and once: not only tomorrow."""
    entry = await without(hass, create_entry, "volume")
    await enable(hass, entry, "volume")
    assert state_of(hass, "volume") == STATE_UNAVAILABLE
    assert errors_of(hass) == {"volume": "no telegram 1"}

    await let_poll(hass)
    assert state_of(hass, "volume") == "6.789"
    assert errors_of(hass) == {}
    bus.requests.clear()
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)
    assert not bus.requests


async def test_of_a_telegram_that_is_not_sent(
    hass: HomeAssistant,
    bus: SimulatedBus,
    two_telegrams: TwoTelegrams,
    create_entry: CreateEntry,
) -> None:
    """A meter that was read to its end has nothing more to say before its time."""
    entry = await without(hass, create_entry, "volume")
    del two_telegrams.records[1]
    await let_poll(hass, 86_401)
    bus.requests.clear()
    await enable(hass, entry, "volume")
    await let_poll(hass)
    assert not bus.requests
    assert state_of(hass, "volume") == STATE_UNAVAILABLE


async def test_of_a_meter_that_is_read_on_demand(
    hass: HomeAssistant,
    bus: SimulatedBus,
    two_telegrams: TwoTelegrams,
    create_entry: CreateEntry,
) -> None:
    """It says what is missing, and waits to be asked."""
    entry = await without(hass, create_entry, "volume", **{CONF_ON_DEMAND: True})
    bus.requests.clear()
    await enable(hass, entry, "volume")
    await let_poll(hass)
    assert not bus.requests
    assert [*errors_of(hass)] == ["volume"]


async def test_of_a_record_that_changed(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """What is wrong with it is told at once, and what can be done: of others that changed before, again."""
    meter = Meter(7, ENERGY, VOLUME, integer("04 6D", 0), identification="12345678")
    bus.meters = [meter]
    entry = await without(hass, create_entry, "energy")
    meter.records[0] = POWER
    await let_poll(hass, 86_401)
    registry = ir.async_get(hass)
    assert registry.async_get_issue(DOMAIN, REPAIR) is None
    await enable(hass, entry, "energy")
    assert [*errors_of(hass)] == ["energy"]
    assert state_of(hass, "binding_state") == "record_changed"
    assert registry.async_get_issue(DOMAIN, REPAIR) is not None
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert [*errors_of(hass)] == ["energy"]
    assert registry.async_get_issue(DOMAIN, REPAIR) is not None
