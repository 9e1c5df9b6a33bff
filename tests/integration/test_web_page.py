"""The page of a gateway: shown where there is one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_socket import socket_allow_hosts

import custom_components.mbus as integration
from custom_components.mbus.const import DOMAIN
from custom_components.mbus.polling.web_page import async_web_page

from .conftest import CreateEntry

EVERY_INTERFACE = "0.0.0.0"
"""An address of this machine that could be any other one's."""


@pytest.fixture(autouse=True)
def hosts(socket_enabled: None) -> None:
    """Let tests connect to it."""
    socket_allow_hosts(["127.0.0.1", EVERY_INTERFACE], allow_unix_socket=True)


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[int]:
    """Answer whoever connects, and give the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, EVERY_INTERFACE, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "has_page"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 401 Unauthorized\r\n\r\n", True),
        (b"SSH-2.0\r\n", False),
        (b"", False),
    ],
)
async def test_what_answers_as_a_page_does(answer: bytes, has_page: bool) -> None:
    """Also one that asks for a password."""
    async with serving(answer) as port:
        page = await async_web_page(EVERY_INTERFACE, port)
        assert page == (f"http://{EVERY_INTERFACE}:{port}" if has_page else None)
        assert await async_web_page("127.0.0.1", port) is None
        assert await async_web_page("localhost", port) is None
    assert await async_web_page(EVERY_INTERFACE, port) is None


async def test_the_gateway_leads_to_its_page(
    hass: HomeAssistant, create_entry: CreateEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is known that there is one."""
    entry = await create_entry(setup=False)
    data = {**entry.data, CONF_HOST: EVERY_INTERFACE}
    hass.config_entries.async_update_entry(entry, data=data)

    async def page() -> str | None:
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        device = dr.async_get(hass).async_get_device_by_identifier(
            (DOMAIN, entry.entry_id), entry.entry_id
        )
        assert device
        return device.configuration_url

    async with serving(b"HTTP/1.1 302 Found\r\n\r\n") as port:
        looked_at = partial(async_web_page, port=port)
        monkeypatch.setattr(integration, "async_web_page", looked_at)
        assert await page() == f"http://{EVERY_INTERFACE}:{port}"
    assert await page() is None
