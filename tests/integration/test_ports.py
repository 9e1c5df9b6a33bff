"""Serial ports that come and go: an adapter in another socket, a proxy of ESPHome that is not there yet."""

from homeassistant.components import usb
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN
from tests.simulator import SimulatedBus

from .conftest import CreateEntry
from .dialogs import add_connection, serial_form

MOVED = "/dev/serial/by-id/usb-gone-port0"
PROXY = "esphome-hass://esphome/01ABC?port_name=M-Bus"


@pytest.fixture
async def entry(create_entry: CreateEntry, hass: HomeAssistant) -> MockConfigEntry:
    """Return a connection over a port that is not there."""
    entry = await create_entry(setup=False)
    hass.config_entries.async_update_entry(
        entry,
        unique_id=f"serial:{MOVED}",
        data={
            "type": "serial",
            "name": "Cellar",
            "port": MOVED,
            "baud_rate": 2400,
            "parity": "E",
            "data_bits": 8,
            "stop_bits": 1,
        },
    )
    return entry


async def test_adapter_in_another_socket(
    hass: HomeAssistant,
    bus: SimulatedBus,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where Home Assistant finds it again, the connection follows; before 2026.11 it can't tell, and it is tried again."""
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert MOVED in (entry.reason or "")

    port = await bus.serve_pty()
    found = {MOVED: port}
    monkeypatch.setattr(
        usb,
        "async_find_moved_serial_port",
        lambda _, path: found.get(path),
        raising=False,
    )
    await hass.config_entries.async_reload(entry.entry_id)

    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]
    assert entry.data["port"] == port
    assert entry.unique_id == f"serial:{port}"


async def test_proxy_that_is_not_there_yet(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """The connection is tried again while ESPHome has not loaded, and the dialog says that."""
    hass.config_entries.async_update_entry(entry, data=entry.data | {"port": PROXY})
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "ESPHome has not loaded yet" in (entry.reason or "")

    dialog = await add_connection(hass)
    await dialog.choose("serial")
    result = await dialog.submit(serial_form(PROXY.replace("01ABC", "01DEF")))
    assert result["errors"] == {"port": "cannot_connect"}
    assert "ESPHome has not loaded yet" in result["description_placeholders"]["error"]
