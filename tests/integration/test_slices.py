"""Hundreds of meters at once: in short steps, so that everything else has its turn."""

import asyncio
from types import MappingProxyType

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
import pytest

from tests.simulator import SimulatedBus, WaterMeter

from .conftest import CreateEntry, subentry_of

METERS = 12


@pytest.fixture
async def subentries(
    hass: HomeAssistant, bus: SimulatedBus, port: int
) -> list[ConfigSubentry]:
    """Return those of so many meters on the bus that are not yet added."""
    subentries = []
    for address in range(3, 3 + METERS):
        bus.meters.append(WaterMeter(address))
        found = await subentry_of(hass, port, address)
        subentries.append(
            ConfigSubentry(
                data=MappingProxyType(dict(found["data"])),
                subentry_type=found["subentry_type"],
                title=found["title"],
                unique_id=found["unique_id"],
            )
        )
    return subentries


async def test_meters_that_are_added_together(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    subentries: list[ConfigSubentry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where each takes its time, others have their turn between any two of them, whoever adds them."""
    monkeypatch.setattr("custom_components.mbus.slices.LONGEST", -1.0)
    entry = await create_entry(1)
    coordinators, seen = entry.runtime_data.coordinators, set[int]()

    for subentry in subentries:
        hass.config_entries.async_add_subentry(entry, subentry)
    while len(coordinators) <= METERS:
        seen.add(len(coordinators))
        await asyncio.sleep(0)

    assert seen >= {*range(3, METERS + 1)}


async def test_meters_that_go_before_they_came(
    hass: HomeAssistant, create_entry: CreateEntry, subentries: list[ConfigSubentry]
) -> None:
    """They never come, and cost the others nothing."""
    entry = await create_entry(1)

    for subentry in subentries:
        hass.config_entries.async_add_subentry(entry, subentry)
    for subentry in subentries[METERS // 2 :]:
        hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    await hass.async_block_till_done()

    assert [*entry.runtime_data.coordinators] == [*entry.subentries]
    assert len(entry.subentries) == 1 + METERS // 2
