"""A real bus of simulated meters behind a real socket, and a connection to it in Home Assistant."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT, CONF_TYPE
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.mbus.const import (
    CONF_ATTEMPTS,
    CONF_BAUD_RATE,
    CONF_PERIOD,
    CONF_TIMEOUT,
    DOMAIN,
    TYPE_TCP,
)
from custom_components.mbus.diagnostic_sensors import MeterDiagnosticSensor
from custom_components.mbus.flows import progress
from custom_components.mbus.flows.adding import meter_subentry
from custom_components.mbus.presentation.texts import async_get_texts
from custom_components.mbus.presentation.titles import meter_title
from custom_components.mbus.profiles.catalogue import async_get_catalogue
from custom_components.mbus.protocol import (
    Address,
    Master,
    Quirks,
    TcpSettings,
    open_link,
    parse_address,
)
from tests.simulator import HeatMeter, SimulatedBus, WaterMeter

FAST = {CONF_TIMEOUT: 300, CONF_ATTEMPTS: 2, CONF_PERIOD: 300_000}
"""Options that don't make a test wait for a silent meter."""


@pytest.fixture(autouse=True)
def custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant load the integration in every test."""


@pytest.fixture(autouse=True)
def wanted_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sensors be there that a person has to ask for; `test_default_entities` sees to what is there without."""
    monkeypatch.setattr(MeterDiagnosticSensor, "entity_registry_enabled_default", True)


@pytest.fixture(autouse=True)
def no_screen_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remind no frontend of the end of a progress: nothing that waits for background tasks has to wait for that."""
    monkeypatch.setattr(progress, "REMINDERS", ())


@pytest.fixture
async def bus(socket_enabled: None) -> AsyncIterator[SimulatedBus]:
    """Return a bus with a heat meter at 1 and a water meter at 2."""
    async with SimulatedBus([HeatMeter(1), WaterMeter(2)]) as simulated:
        yield simulated


@pytest.fixture
async def port(bus: SimulatedBus) -> int:
    """Return the TCP port of the bus."""
    return await bus.serve_tcp()


async def subentry_of(
    hass: HomeAssistant, port: int, address: Address
) -> ConfigSubentryDataWithId:
    """Return the subentry that adding the meter at an address by a flow would make."""
    link = await open_link(TcpSettings(host="127.0.0.1", port=port))
    try:
        readout = await Master(link, timeout=0.3).read(address)
    finally:
        await link.close()
    header = readout.telegrams[0].header
    title = meter_title(header, address, await async_get_texts(hass))
    return ConfigSubentryDataWithId(
        **meter_subentry(
            address,
            readout,
            title,
            await async_get_catalogue(hass),
            Quirks().learnt_from(readout),
        ),
        subentry_id=f"meter{address}",
    )


async def let_poll(hass: HomeAssistant, seconds: float = 2) -> None:
    """Let timers run out and the polls end; what happens on the wire takes its own time."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done(wait_background_tasks=True)


type CreateEntry = Callable[..., Awaitable[MockConfigEntry]]


@pytest.fixture
def create_entry(hass: HomeAssistant, port: int) -> CreateEntry:
    """Return a function that sets up a connection with the meters at some addresses."""

    async def create(
        *addresses: int | str, options: dict[str, Any] | None = None, setup: bool = True
    ) -> MockConfigEntry:
        entry = MockConfigEntry(
            domain=DOMAIN,
            title="Cellar",
            unique_id=f"tcp:127.0.0.1:{port}",
            data={
                CONF_TYPE: TYPE_TCP,
                CONF_NAME: "Cellar",
                CONF_HOST: "127.0.0.1",
                CONF_PORT: port,
                CONF_BAUD_RATE: 2400,
            },
            options=FAST | (options or {}),
            subentries_data=[
                await subentry_of(hass, port, parse_address(str(address)))
                for address in addresses
            ],
        )
        entry.add_to_hass(hass)
        if setup:
            assert await hass.config_entries.async_setup(entry.entry_id)
            await let_poll(hass)
        return entry

    return create
