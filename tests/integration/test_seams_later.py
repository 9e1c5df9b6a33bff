"""An adopted meter that shows a value only later makes no consumption either: with the real recorder."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.simulator.records import bcd, integer

from .conftest import let_poll
from .meter_dialogs import edit_binding, suggested
from .recorder import compile_statistics, window
from .test_guards import FLOW_TEMPERATURE, VOLUME, Meter, fix, state_of
from .test_seams import (
    ENERGY,
    custom_integrations as recorder_and_custom_integrations,
    entry as recorded_entry,
    meter as meter_at_7,
    sums,
)

custom_integrations = recorder_and_custom_integrations
meter = meter_at_7
entry = recorded_entry
FIVE_MINUTES = timedelta(minutes=5)
NO_VALUE = bytes.fromhex("0C 06 FF FF FF FF")


class Statistics:
    """Statistics that are counted when told to."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin with the five minutes that are now."""
        self._hass = hass
        self.began = self._next = window()

    async def count(self, times: int = 1) -> None:
        """Count the next five minutes."""
        for _ in range(times):
            await compile_statistics(self._hass, self._next)
            self._next += FIVE_MINUTES

    async def counted(self) -> list[float]:
        """Return the sums so far."""
        return await sums(self._hass, self.began)


async def adopt(
    hass: HomeAssistant, meter: Meter, client: ClientSessionGenerator, *records: bytes
) -> str:
    """Put another meter in the place of the one, and adopt it; return what the repair showed."""
    meter.identification = "87654321"
    meter.records = [*records]
    await let_poll(hass, 301)
    adopting = "other_meter_meter7", {"next_step_id": "adopt"}
    shown = await fix(hass, client, *adopting)
    assert (await fix(hass, client, *adopting, {}))["type"] == "create_entry"
    await let_poll(hass)
    return str(shown["step_id"])


@pytest.mark.parametrize("by_repair", [True, False])
@pytest.mark.parametrize("is_restarted", [True, False])
@pytest.mark.parametrize("total", [20_000, 11_500, 3])
async def test_records_at_other_places(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
    total: int,
    is_restarted: bool,
    by_repair: bool,
) -> None:
    """It follows when they are bound where they are now, however that is done."""
    statistics = Statistics(hass)
    await statistics.count()
    energy = integer("04 06", total)
    assert await adopt(hass, meter, hass_client, VOLUME, energy) == "adopt"
    assert state_of(hass, "energy") == "unavailable"
    await statistics.count()
    if is_restarted:
        assert await hass.config_entries.async_reload(entry.entry_id)
        await let_poll(hass, 301)
    if by_repair:
        await fix(hass, hass_client, "records_changed_meter7", {})
    else:
        dialog = await edit_binding(hass, entry, "energy", "binding_settings")
        await dialog.submit(suggested(dialog.result) | {"index": 1})
    await hass.async_block_till_done()
    assert state_of(hass, "energy") == str(total)
    await statistics.count(2)
    assert not [
        one
        for one in entry.runtime_data.store.notes.seams
        if one["difference"] is not None
    ]
    meter.records[1] = integer("04 06", total + 7)
    await let_poll(hass, 301)
    await statistics.count()
    assert (await statistics.counted())[-1] == pytest.approx(7)
    assert max(await statistics.counted()) == pytest.approx(7)


async def test_no_value_at_first(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
) -> None:
    """A new meter that has nothing to say of a register yet does so later."""
    statistics = Statistics(hass)
    await statistics.count()
    records = NO_VALUE, VOLUME, FLOW_TEMPERATURE
    assert await adopt(hass, meter, hass_client, *records) == "adopt"
    await statistics.count()
    for total in (20_000, 20_007):
        meter.records[0] = bcd("0C 06", total)
        await let_poll(hass, 301)
        await statistics.count()
    assert (await statistics.counted())[-2:] == pytest.approx([0, 7])
    assert not entry.runtime_data.store.notes.seams


async def test_shown_in_another_unit_meanwhile(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
) -> None:
    """What a person has the sensor shown in changes nothing of what is counted when."""
    statistics = Statistics(hass)
    await statistics.count()
    energy = integer("04 06", 20_000)
    await adopt(hass, meter, hass_client, energy, VOLUME, FLOW_TEMPERATURE)
    er.async_get(hass).async_update_entity_options(
        ENERGY, "sensor", {"unit_of_measurement": "MWh"}
    )
    await hass.async_block_till_done()
    for more in (0, 7):
        meter.records[0] = integer("04 06", 20_000 + more)
        await let_poll(hass, 301)
        await statistics.count()
    assert await statistics.counted() == pytest.approx([0, 0, 0.007])
    assert not entry.runtime_data.store.notes.seams
