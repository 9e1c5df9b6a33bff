"""The file for a bill: no meter is left out of it without a word."""

import csv
import io
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .test_guards import Meter
from .test_readings import call
from .test_services import device_of


@pytest.fixture
async def entry(bus: SimulatedBus, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with two meters."""
    bus.meters = [
        Meter(number, integer("04 06", 12_345), identification=str(number) * 8)
        for number in (7, 8)
    ]
    return await create_entry(7, 8)


@pytest.fixture
async def lost(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Return a connection that doesn't come up any more, with a meter in the cellar."""
    subentry = entry.subentries["meter8"]
    lost = MockConfigEntry(
        domain=DOMAIN,
        title="Attic",
        data={**entry.data, CONF_PORT: 1},
        options=dict(entry.options),
        subentries_data=[
            {
                "subentry_id": "lost",
                "subentry_type": subentry.subentry_type,
                "title": "Flat 9",
                "unique_id": subentry.unique_id,
                "data": dict(subentry.data),
            }
        ],
    )
    lost.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=lost.entry_id,
        config_subentry_id="lost",
        identifiers={(DOMAIN, "lost")},
    )
    cellar = ar.async_get(hass).async_create("Cellar")
    dr.async_get(hass).async_update_device(device.id, area_id=cellar.id)
    dr.async_get(hass).async_update_device(
        device_of(hass, entry, "meter7"), area_id=cellar.id
    )
    await hass.config_entries.async_setup(lost.entry_id)
    assert lost.state is ConfigEntryState.SETUP_RETRY
    return lost


def lines_of(answer: Any) -> list[tuple[str, str, str, str]]:
    """Return what is told of each meter."""
    return [
        (row["name"], row["quantity"], row["value"], row["state"])
        for row in csv.DictReader(io.StringIO(answer["csv"], newline=""))
    ]


@pytest.mark.parametrize("area", [{}, {"area_id": "cellar"}])
async def test_connection_that_is_not_there(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    lost: MockConfigEntry,
    area: dict[str, Any],
) -> None:
    """Its meters are part of the bill, too, though nothing is known of them."""
    answer = await call(hass, "export_readings", **area)
    assert answer["missing"] == ["Flat 9"]
    lines = lines_of(answer)
    assert answer["rows"] == len(lines) == (2 if area else 3)
    assert lines[-1] == ("Flat 9", "", "", "no reading")
    assert ("SIM meter 77777777", "Energy", "12345", "ok") in lines


async def test_connection_that_is_disabled(
    hass: HomeAssistant, entry: MockConfigEntry, lost: MockConfigEntry
) -> None:
    """Nobody waits for its meters."""
    await hass.config_entries.async_set_disabled_by(
        lost.entry_id, ConfigEntryDisabler.USER
    )
    answer = await call(hass, "export_readings")
    assert answer["missing"] == []
    assert len(lines_of(answer)) == 2


async def test_meter_that_could_not_be_read(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """The readings that were taken last have a line for it."""
    del bus.meters[1]
    await call(hass, "take_readings", config_entry_id=entry.entry_id)
    await let_poll(hass)
    answer = await call(hass, "export_readings", readings="taken")
    assert lines_of(answer) == [
        ("SIM meter 77777777", "Energy", "12345", "ok"),
        ("SIM meter 88888888", "", "", "no reading"),
    ]


async def test_readings_taken_so_far(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """Each is kept when it is taken; those of last time are no readings of this time."""
    take: dict[str, Any] = {"config_entry_id": entry.entry_id}
    await call(hass, "take_readings", **take)
    first, second = bus.meters
    assert isinstance(first, Meter)
    assert isinstance(second, Meter)
    first.records[0] = integer("04 06", 12_400)
    telegrams, answers = second.telegrams, list[Any]()
    export = hass.services.async_call(
        DOMAIN,
        "export_readings",
        {"readings": "taken"},
        blocking=True,
        return_response=True,
    )

    def look_first() -> list[bytes]:
        if not answers:
            answers.append(hass.async_create_task(export))
        return telegrams()

    second.telegrams = look_first  # type: ignore[method-assign]
    await call(hass, "take_readings", **take)
    assert lines_of(await answers[0]) == [
        ("SIM meter 77777777", "Energy", "12400", "ok"),
        ("SIM meter 88888888", "", "", "no reading"),
    ]
    answer = await call(hass, "export_readings", readings="taken")
    assert answer["missing"] == []


async def test_meter_of_another_release(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What this release can't read has a line with its name, and costs the others none."""
    subentry = entry.subentries["meter8"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "address": None}, title="Flat 8"
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)

    answer = await call(hass, "export_readings")

    assert answer["missing"] == ["Flat 8"]
    assert lines_of(answer) == [
        ("SIM meter 77777777", "Energy", "12345", "ok"),
        ("Flat 8", "", "", "no reading"),
    ]
