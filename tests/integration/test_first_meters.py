"""The shortest way from a new connection to its meters."""

import asyncio

from homeassistant.components import usb
from homeassistant.components.usb import USBDevice
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN

from .dialogs import add_connection, tcp_form
from .meter_dialogs import suggested


def usb_port(
    name: str, vid: str = "0403", pid: str = "6001", description: str = "USB serial"
) -> USBDevice:
    """Return what Home Assistant knows of a port; if nothing is said, of a chip that is in converters for anything."""
    return USBDevice(
        device=f"/dev/serial/by-id/{name}",
        vid=vid,
        pid=pid,
        serial_number="A1",
        manufacturer="FTDI",
        description=description,
    )


ZIGBEE = usb_port("zigbee", "1A86", "55D4", "Sonoff Zigbee Plus")
"""A stick that another integration is made for."""


@pytest.mark.parametrize(
    ("ports", "proposed"),
    [
        ([], None),
        ([usb_port("converter")], "/dev/serial/by-id/converter"),
        ([usb_port("converter"), usb_port("another")], None),
        ([usb_port("converter"), usb_port("used")], "/dev/serial/by-id/converter"),
        (
            [ZIGBEE, usb_port("converter")],
            "/dev/serial/by-id/converter",
        ),
    ],
)
async def test_likely_port_is_proposed(
    hass: HomeAssistant, ports: list[USBDevice], proposed: str | None
) -> None:
    """The only port that could be meant is filled in: nothing else has it, and no other integration is made for what is plugged in."""
    MockConfigEntry(
        domain=DOMAIN,
        data={
            "type": "serial",
            "name": "Attic",
            "port": "/dev/serial/by-id/used",
        },
        state=ConfigEntryState.SETUP_RETRY,
    ).add_to_hass(hass)
    await async_setup_component(hass, "usb", {})
    usb.async_register_serial_port_scanner(hass, lambda _: ports)
    dialog = await add_connection(hass)

    await dialog.choose("serial")

    assert suggested(dialog.result).get("port") == proposed


async def test_search_begins_at_once(hass: HomeAssistant, port: int) -> None:
    """Who leaves the form as it is waits for the meters next; closing the dialog stores nothing."""
    dialog = await add_connection(hass)
    await dialog.choose("tcp")

    result = await dialog.submit(tcp_form(port, search=True))

    assert result["type"] is FlowResultType.SHOW_PROGRESS
    assert result["step_id"] == "search"
    dialog.close()
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_what_was_found_before_is_offered_first(
    hass: HomeAssistant, port: int
) -> None:
    """Nobody waits for a second search where the first one was stopped with meters found."""
    for _ in range(2):
        dialog = await add_connection(hass)
        await dialog.choose("tcp")
        await dialog.submit(tcp_form(port, search=True, line={"baud_rate": "38400"}))
        while dialog.result["type"] is FlowResultType.SHOW_PROGRESS:
            if "1 · " in dialog.result["description_placeholders"]["found"]:
                dialog.close()
                break
            await asyncio.sleep(0.01)
            await dialog.refresh()

    assert dialog.result["menu_options"][0] == "found"
    dialog.close()
