"""A meter has one name: the last one that a person gave it, wherever that was."""

from homeassistant.const import CONF_ADDRESS, CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import DOMAIN
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter
from .test_guards import Meter, fix

ISSUE = "other_meter_meter7"


@pytest.fixture(name="meter")
def meter_fixture(bus: SimulatedBus) -> Meter:
    """Return a meter at address 7 that sends energy."""
    meter = Meter(7, integer("04 06", 12_345), identification="12345678", medium=4)
    bus.meters = [meter]
    return meter


def device_of(hass: HomeAssistant, entry: MockConfigEntry) -> dr.DeviceEntry:
    """Return the meter's device."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, "meter7"), entry.entry_id
    )
    assert device is not None
    return device


def names_of(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    """Return what the meter is called: by its row, its gear, its device and in the log."""
    device = device_of(hass, entry)
    coordinator = entry.runtime_data.coordinators["meter7"]
    return {
        entry.subentries["meter7"].title,
        device.name_by_user or device.name or "",
        device.name or "",
        coordinator.meter.title,
        coordinator.name.removeprefix("Cellar "),
    }


async def rename_device(
    hass: HomeAssistant, entry: MockConfigEntry, name: str | None
) -> None:
    """Rename the meter's device as its page does."""
    device_id = device_of(hass, entry).id
    dr.async_get(hass).async_update_device(device_id, name_by_user=name)
    await hass.async_block_till_done()


async def rename_meter(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> None:
    """Rename the meter in its settings."""
    dialog = await configure_meter(hass, entry, "meter7", "meter_settings")
    quirks = {
        "reset": "before_each_read",
        "ignore_more_records": False,
        "pause": {"seconds": 0},
    }
    await dialog.submit(
        {
            CONF_NAME: name,
            CONF_ADDRESS: "7",
            "on_demand": False,
            "meter_clock": "standard_time",
            "quirks": quirks,
        }
    )
    await hass.async_block_till_done()


async def test_a_device_is_renamed(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The meter, its repairs and its lines in the log have the new name; no value is lost."""
    entry = await create_entry(7)
    await rename_device(hass, entry, "Flat 3")
    assert names_of(hass, entry) == {"Flat 3"}
    assert device_of(hass, entry).name_by_user == "Flat 3"
    assert entry.runtime_data.coordinators["meter7"].data.is_heard

    meter.identification = "87654321"
    await let_poll(hass, 301)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, ISSUE)
    assert issue and issue.translation_placeholders
    assert issue.translation_placeholders["meter"] == "Flat 3"
    assert "Cellar Flat 3 can't be read" in caplog.text


async def test_a_name_taken_back(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """The meter keeps it until it gets another one."""
    entry = await create_entry(7)
    await rename_device(hass, entry, "Flat 3")
    await rename_device(hass, entry, None)
    assert names_of(hass, entry) == {"Flat 3"}


async def test_the_last_name_counts(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """Be it given to the device or to the meter."""
    entry = await create_entry(7)
    await rename_device(hass, entry, "Flat 3")
    await rename_meter(hass, entry, "Flat 4")
    assert names_of(hass, entry) == {"Flat 4"}
    await rename_device(hass, entry, "Flat 5")
    assert names_of(hass, entry) == {"Flat 5"}


async def test_a_device_that_was_renamed_before(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """Its name is the meter's from the next start on."""
    entry = await create_entry(7)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await rename_device(hass, entry, "Flat 3")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert names_of(hass, entry) == {"Flat 3"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "Kamstrup heat meter 87654321"),
        ("Flat 3 (12345678)", "Flat 3 (87654321)"),
        ("Flat 3", "Flat 3"),
    ],
)
async def test_an_exchanged_meter(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
    before: str | None,
    after: str,
) -> None:
    """No name goes on naming the old number; a person's own stays otherwise."""
    entry = await create_entry(7)
    assert names_of(hass, entry) == {"SIM heat meter 12345678"}
    if before:
        await rename_device(hass, entry, before)
    meter.identification, meter.manufacturer = "87654321", "KAM"
    await let_poll(hass, 301)
    await fix(hass, hass_client, ISSUE, {"next_step_id": "adopt"}, {})
    await let_poll(hass, 301)
    assert names_of(hass, entry) == {after}
