"""What release 0.1.0 stored: nothing of it is lost, and nothing of it is shown otherwise."""

from datetime import datetime, timedelta
import json
from pathlib import Path
from typing import Any, cast

from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .test_guards import Meter
from .test_transformed_meter import Clock, poll

_WRITTEN_AT = datetime.fromisoformat("2026-11-25T02:09:31.243648+00:00")
STORED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "release_0_1_0.json").read_text()
)
ENTRY_ID = STORED["entry"]["entry_id"]
POWER = "sensor.sim_meter_12345678_power"
VOLUME = "sensor.sim_meter_12345678_volume"


def _brought_up(stored: Any, by: timedelta) -> Any:
    """Return what was stored as if it had been stored so much later."""
    match stored:
        case dict():
            return {key: _brought_up(value, by) for key, value in stored.items()}
        case list():
            return [_brought_up(value, by) for value in stored]
        case str() if stored.startswith("2026-11-25T"):
            return (datetime.fromisoformat(stored) + by).isoformat()
        case float() if stored > 1e9:
            return stored + by.total_seconds()
    return stored


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that Home Assistant looks at: a minute after the last reading."""
    clock = Clock()
    monkeypatch.setattr(dt_util, "utcnow", clock)
    return clock


@pytest.fixture
async def entry(
    hass: HomeAssistant,
    bus: SimulatedBus,
    port: int,
    clock: Clock,
    hass_storage: dict[str, Any],
) -> MockConfigEntry:
    """Set up what release 0.1.0 left: its entry, its store and its registered entities."""
    records = [
        integer("04 06", 12_347),
        integer("02 2B", 1200),
        integer("04 13", 6_789),
        integer("84 01 06", 12_000),
    ]
    bus.meters = [Meter(7, *records, identification="12345678")]
    read_at = clock.now - timedelta(minutes=1)
    store = _brought_up(STORED["store"], read_at - _WRITTEN_AT)
    hass_storage[f"{DOMAIN}.{ENTRY_ID}"] = store
    stored = STORED["entry"]
    entry = MockConfigEntry(
        domain=DOMAIN,
        entry_id=ENTRY_ID,
        title=stored["title"],
        version=stored["version"],
        minor_version=stored["minor_version"],
        unique_id=f"tcp:127.0.0.1:{port}",
        data=stored["data"] | {"port": port},
        options=stored["options"],
        subentries_data=[
            cast(ConfigSubentryDataWithId, subentry)
            for subentry in STORED["subentries"]
        ],
    )
    entry.add_to_hass(hass)
    registry = er.async_get(hass)
    for entity in STORED["entities"]:
        registered = registry.async_get_or_create(
            entity["domain"],
            DOMAIN,
            entity["unique_id"],
            config_entry=entry,
            suggested_object_id=entity["entity_id"].partition(".")[2],
            unit_of_measurement=entity["unit"],
        )
        for domain, options in entity["options"].items():
            registry.async_update_entity_options(registered.entity_id, domain, options)
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await hass.async_block_till_done()
    return entry


def shown(hass: HomeAssistant, entity_id: str) -> tuple[Any, ...]:
    """Return value and unit of a sensor."""
    state = hass.states.get(entity_id)
    assert state is not None
    return float(state.state), state.attributes.get("unit_of_measurement")


async def test_all_is_there_again(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry, clock: Clock
) -> None:
    """The kept reading is shown in the same units under the same ids, and no meter is asked before its time."""
    assert not [request for request in bus.requests if request[1] & 0x0F == 0x0B]
    assert shown(hass, "sensor.sim_meter_12345678_energy") == (12346, "kWh")
    assert shown(hass, VOLUME) == (6789, "L")
    assert shown(hass, POWER) == (pytest.approx(0.24), "kWh")
    registry = er.async_get(hass)
    for entity in STORED["entities"]:
        entity_id = registry.async_get_entity_id(
            entity["domain"], DOMAIN, entity["unique_id"]
        )
        assert entity_id == entity["entity_id"]

    clock.now += timedelta(minutes=5)
    await poll(hass)
    assert shown(hass, "sensor.sim_meter_12345678_energy") == (12347, "kWh")
    # 1200 W over six minutes on top.
    assert shown(hass, POWER) == (pytest.approx(0.36), "kWh")


async def test_a_unit_can_be_changed(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What release 0.1.0 suggested to Home Assistant does not stand in the way."""
    subentry = entry.subentries["meter7"]
    bindings = [
        {**item, "presentation": {"unit": "m³"}} if item["name"] == "volume" else item
        for item in subentry.data[CONF_BINDINGS]
    ]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    await hass.async_block_till_done()
    assert shown(hass, VOLUME) == (6.789, "m³")


async def test_the_registry_is_brought_up_once(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What Home Assistant keeps of a sensor is its own from then on."""
    registry = er.async_get(hass)

    def suggested() -> set[str]:
        """Return the sensors of values with a unit that was suggested when they were added."""
        return {
            entity.entity_id
            for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
            if entity.entity_id.startswith("sensor.sim_meter")
            and "sensor.private" in entity.options
        }

    assert VOLUME in [
        entity["entity_id"]
        for entity in STORED["entities"]
        if "sensor.private" in entity["options"]
    ]
    assert suggested() == set()
    registry.async_update_entity_options(
        VOLUME, "sensor.private", {"suggested_unit_of_measurement": "m³"}
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert suggested() == {VOLUME}
    assert shown(hass, VOLUME) == (6.789, "m³")


async def test_the_store_is_written_anew(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    """Once more loaded, it gives the same sum."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert hass_storage[f"{DOMAIN}.{ENTRY_ID}"]["minor_version"] == 2
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert shown(hass, POWER) == (pytest.approx(0.24), "kWh")
