"""The end of progress screens, for a frontend that listens too late."""

import asyncio
from collections.abc import Awaitable, Callable

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.data_entry_flow import (
    EVENT_DATA_ENTRY_FLOW_PROGRESSED,
    FlowResultType,
)
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.mbus.flows import progress
from tests.simulator import SimulatedBus

from .conftest import CreateEntry
from .dialogs import Dialog, add_connection, add_meter, tcp_form

type Start = Callable[
    [HomeAssistant, SimulatedBus, int, CreateEntry], Awaitable[Dialog]
]


async def begin_reading(
    hass: HomeAssistant, bus: SimulatedBus, port: int, create_entry: CreateEntry
) -> Dialog:
    """Read a meter that is to be added."""
    dialog = await add_meter(hass, await create_entry())
    await dialog.choose("address")
    await dialog.submit({"address": "1"})
    return dialog


async def begin_search(
    hass: HomeAssistant, bus: SimulatedBus, port: int, create_entry: CreateEntry
) -> Dialog:
    """Search a bus that has just gone."""
    dialog = await add_connection(hass)
    await dialog.choose("tcp")
    await dialog.submit(tcp_form(port))
    await bus.close()
    await dialog.choose("search")
    return dialog


@pytest.mark.parametrize("begin", [begin_reading, begin_search])
async def test_end_is_told_until_it_was_heard(
    hass: HomeAssistant,
    bus: SimulatedBus,
    port: int,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
    begin: Start,
) -> None:
    """Work that was over before the frontend listened is told again, until the frontend has come for what follows."""
    reminders = 3
    monkeypatch.setattr(progress, "REMINDERS", (0.01,) * reminders)
    told = asyncio.Semaphore(0)

    @callback
    def tell(event: Event) -> None:
        told.release()

    hass.bus.async_listen(EVENT_DATA_ENTRY_FLOW_PROGRESSED, tell)
    dialog = await begin(hass, bus, port, create_entry)
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    async with asyncio.timeout(10):
        for _ in range(1 + reminders):
            await told.acquire()

    await dialog.refresh()
    assert dialog.result["type"] is not FlowResultType.SHOW_PROGRESS


@pytest.mark.parametrize("begin", [begin_reading, begin_search])
async def test_one_who_has_come_is_left_alone(
    hass: HomeAssistant,
    bus: SimulatedBus,
    port: int,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
    begin: Start,
) -> None:
    """What is shown after the progress isn't shown again, or what was typed meanwhile would be lost."""
    monkeypatch.setattr(progress, "REMINDERS", (0.1, 0.1))
    dialog = await begin(hass, bus, port, create_entry)
    await dialog.wait()
    told = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESSED)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not told
