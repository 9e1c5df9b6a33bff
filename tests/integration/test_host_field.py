"""What people type as the host of a gateway."""

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.flows.link_form import link_data
from tests.simulator import SimulatedBus

from .dialogs import add_connection, tcp_form


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("192.168.1.9", "192.168.1.9", 10001),
        ("192.168.1.9:10011", "192.168.1.9", 10011),
        ("http://192.168.1.9/", "192.168.1.9", 10001),
        ("tcp://gateway.local:502/index.html", "gateway.local", 502),
        ("gateway", "gateway", 10001),
        ("2001:db8::7", "2001:db8::7", 10001),
        ("[2001:db8::7]", "2001:db8::7", 10001),
        ("[2001:db8::7]:10011", "2001:db8::7", 10011),
        ("gateway:port", "gateway:port", 10001),
    ],
)
def test_scheme_and_port_are_split_off(typed: str, host: str, port: int) -> None:
    """A port with the host goes before the one in the field of its own."""
    data = link_data("tcp", tcp_form(10001, host=typed))
    assert (data["host"], data["port"]) == (host, port)


async def test_a_url_as_host(hass: HomeAssistant, bus: SimulatedBus, port: int) -> None:
    """It leads to the gateway, and host and port are stored on their own."""
    dialog = await add_connection(hass)
    await dialog.choose("tcp")
    await dialog.submit(tcp_form(1, host=f"http://127.0.0.1:{port}/"))
    assert dialog.result["step_id"] == "meters"
    await dialog.choose("later")
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert (entry.data["host"], entry.data["port"]) == ("127.0.0.1", port)
    await hass.config_entries.async_unload(entry.entry_id)
