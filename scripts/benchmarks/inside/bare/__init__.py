"""The least that a good integration does: a coordinator and a device for each meter, ten sensors, one transaction at a time."""

import asyncio
from datetime import timedelta
import logging
import struct
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

DOMAIN = "bare"
LOGGER = logging.getLogger(__name__)
PLATFORMS = [Platform.SENSOR]
PERIOD = timedelta(minutes=5)
TIMEOUT = 60.0
"""Seconds; what comes after an answer was given up is out of step for good, which a busy machine must not bring about."""
HEADER = 19
"""Bytes of a frame before the first record."""
RECORDS = struct.Struct("<" + "2xi" * 10)
"""A frame's ten records: two bytes that say what they are, four of value."""

type BareConfigEntry = ConfigEntry[BareData]


class Gateway:
    """The one connection of a bus."""

    def __init__(self, host: str, port: int) -> None:
        """Know the way."""
        self._host, self._port = host, port
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Connect."""
        async with asyncio.timeout(TIMEOUT):
            self._reader, self._writer = await asyncio.open_connection(
                self._host, self._port
            )

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()

    async def read(self, address: int) -> tuple[int, ...]:
        """Reset a meter's link, ask it for its data, and return the ten values."""
        async with self._lock, asyncio.timeout(TIMEOUT):
            self._writer.write(short_frame(0x40, address))
            await self._reader.readexactly(1)
            self._writer.write(short_frame(0x7B, address))
            start = await self._reader.readexactly(4)
            frame = start + await self._reader.readexactly(start[1] + 2)
        if sum(frame[4:-2]) % 256 != frame[-2]:
            raise ValueError("wrong checksum")
        return RECORDS.unpack_from(frame, HEADER)


def short_frame(control: int, address: int) -> bytes:
    """Return a request."""
    return bytes((0x10, control, address, (control + address) % 256, 0x16))


class BareCoordinator(DataUpdateCoordinator[tuple[int, ...] | None]):
    """Reads one meter."""

    config_entry: BareConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: BareConfigEntry,
        gateway: Gateway,
        address: int,
    ) -> None:
        """Read it once a period."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{entry.title} {address}",
            update_interval=PERIOD,
        )
        self.gateway = gateway
        self.address = address

    @override
    async def _async_update_data(self) -> tuple[int, ...]:
        try:
            return await self.gateway.read(self.address)
        except (OSError, EOFError, ValueError) as err:
            raise UpdateFailed(str(err)) from err


class BareData:
    """What a loaded entry holds."""

    def __init__(self, gateway: Gateway, coordinators: list[BareCoordinator]) -> None:
        """Hold it."""
        self.gateway = gateway
        self.coordinators = coordinators


async def async_setup_entry(hass: HomeAssistant, entry: BareConfigEntry) -> bool:
    """Connect and add the meters; nothing waits for a reading."""
    gateway = Gateway(entry.data[CONF_HOST], entry.data[CONF_PORT])
    try:
        await gateway.open()
    except OSError as err:
        raise ConfigEntryNotReady(str(err)) from err
    addresses = range(1, entry.data["meters"] + 1)
    entry.runtime_data = BareData(
        gateway,
        [BareCoordinator(hass, entry, gateway, address) for address in addresses],
    )
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: BareConfigEntry) -> bool:
    """Take the entities away and hang up."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    await entry.runtime_data.gateway.close()
    return True
