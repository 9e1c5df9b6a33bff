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
        ("fe80::1%eth0", "fe80::1%eth0", 10001),
        ("[fe80::1%eth0]:10011", "fe80::1%eth0", 10011),
        ("http://[fe80::1%25eth0]:502/", "fe80::1%eth0", 502),
        ("192.168.1.9 : 10011", "192.168.1.9", 10011),
        ("socket://user:secret@gateway_7:4001?x=1", "gateway_7", 4001),
        ("zähler.local.:502", "zähler.local.", 502),
    ],
)
def test_scheme_and_port_are_split_off(typed: str, host: str, port: int) -> None:
    """A port with the host goes before the one in the field of its own."""
    data = link_data("tcp", tcp_form(10001, host=typed))
    assert (data["host"], data["port"]) == (host, port)


@pytest.mark.parametrize(
    "typed",
    [
        "gateway:port",
        "gateway:0",
        "gateway:70000",
        "http://gateway:70000/",
        "gateway:502:10001",
        "192.168.1.9,10001",
        "192.168.1.9 10001",
        ":10001",
        "tcp://",
        "http:/gateway",
        "/",
        "[2001:db8::7",
        "[gateway]:10001",
        "ho℀st",
        "gateway..local",
        "a" * 70,
        "two words",
    ],
)
async def test_no_host(hass: HomeAssistant, socket_enabled: None, typed: str) -> None:
    """What names no host, or no port of one, is said to be none, and nothing is asked for it."""
    dialog = await add_connection(hass)
    await dialog.choose("tcp")
    result = await dialog.submit(tcp_form(10001, host=typed))
    assert (result["step_id"], result["errors"]) == ("tcp", {"host": "invalid_host"})


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
