"""The form of a link, serial or TCP: its fields, what is stored of them, and the test that the link can be opened."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
import re
from typing import Any, Final
from urllib.parse import urlsplit

from homeassistant.components import usb
from homeassistant.components.usb import (
    USBDevice,
    async_get_usb_matchers_for_device,
    async_scan_serial_ports,
)
from homeassistant.components.usb.consumers import async_get_serial_port_consumers
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_BASE, CONF_HOST, CONF_PORT, CONF_TYPE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import SerialPortSelector
import voluptuous as vol

from ..const import (
    CONF_BACKUP,
    CONF_BAUD_RATE,
    CONF_DATA_BITS,
    CONF_PARITY,
    CONF_STOP_BITS,
    DEFAULT_BAUD_RATE,
    DOMAIN,
    LOGGER,
    TYPE_SERIAL,
    TYPE_TCP,
)
from ..polling.connection import link_settings
from ..presentation.reasons import reason_text
from ..presentation.texts import async_get_texts
from ..protocol import LinkBusyError, LinkError, open_link
from .fields import NEEDED_TEXT, Section, choice, needed, number
from .flow_errors import FieldErrors, link_error

SECTION_LINE: Final = "line"

_BAUD_RATES = ("300", "600", "1200", "2400", "4800", "9600", "19200", "38400")
_GATEWAY_PORT = 10001
_FIRST_PORT, _LAST_PORT = 1, 65535
_HOST_AND_PORT = re.compile(
    r"""
    (?:[a-z][a-z0-9+.-]*://)?  # scheme
    (?:[^/@]*@)?               # user
    (?:\[(?P<literal>[^]]*)\]|(?P<name>[\w.-]+))
    (?:\s*:\s*(?P<port>\d{1,5}))?
    (?:[/?\#].*)?              # path
    """,
    re.VERBOSE | re.IGNORECASE,
)
_REMOTE_PORTS = ("socket", "rfc2217")
"""Schemes of serial ports that are a host and its port: a gateway, written in another way."""
_THIS_MACHINE = "127.0.0.1"
_GATEWAY_GRACE = 0.5
"""Seconds in which a gateway that serves another client closes the connection it just accepted."""


_BAUD_RATE = {
    vol.Required(CONF_BAUD_RATE, default=str(DEFAULT_BAUD_RATE)): choice(*_BAUD_RATES)
}

LINK_FIELDS: Final[Mapping[str, Mapping[vol.Marker, Any]]] = {
    TYPE_SERIAL: {
        vol.Required(CONF_PORT): needed(SerialPortSelector()),
        vol.Required(SECTION_LINE): Section(
            vol.Schema(
                {
                    **_BAUD_RATE,
                    vol.Required(CONF_PARITY, default="e"): choice(
                        "e", "n", "o", translation_key=CONF_PARITY
                    ),
                    vol.Required(CONF_DATA_BITS, default="8"): choice("7", "8"),
                    vol.Required(CONF_STOP_BITS, default="1"): choice("1", "2"),
                }
            ),
            {"collapsed": True},
        ),
    },
    TYPE_TCP: {
        vol.Required(CONF_HOST): NEEDED_TEXT,
        vol.Required(CONF_PORT, default=_GATEWAY_PORT): number(_FIRST_PORT, _LAST_PORT),
        vol.Required(SECTION_LINE): Section(
            vol.Schema(_BAUD_RATE), {"collapsed": True}
        ),
    },
}


def link_data(link_type: str, user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of the form of a link."""
    line = user_input[SECTION_LINE]
    data = {
        CONF_TYPE: link_type,
        CONF_PORT: user_input[CONF_PORT],
        CONF_BAUD_RATE: int(line[CONF_BAUD_RATE]),
    }
    if link_type == TYPE_TCP:
        host, port = _host_and_port(user_input[CONF_HOST])
        return {**data, CONF_HOST: host, CONF_PORT: port or data[CONF_PORT]}
    return {
        **data,
        CONF_PARITY: line[CONF_PARITY].upper(),
        CONF_DATA_BITS: int(line[CONF_DATA_BITS]),
        CONF_STOP_BITS: int(line[CONF_STOP_BITS]),
    }


def _host_and_port(text: str) -> tuple[str, int | None]:
    """Return host and port of what may as well be a URL; the host is empty where the text is none."""
    if _is_ip_address(text):
        return text, None
    if (parts := _HOST_AND_PORT.fullmatch(text)) is None:
        return "", None
    port = int(parts["port"]) if parts["port"] else None
    if port is not None and not _FIRST_PORT <= port <= _LAST_PORT:
        return "", None
    if (literal := parts["literal"]) is not None:
        literal = literal.replace("%25", "%")
        return (literal if _is_ip_address(literal) else ""), port
    try:
        parts["name"].encode("idna")
    except UnicodeError:
        return "", None
    return parts["name"], port


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def link_form(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form that stored data came from."""
    line = (CONF_BAUD_RATE, CONF_PARITY, CONF_DATA_BITS, CONF_STOP_BITS)
    return {
        **{key: data[key] for key in (CONF_HOST, CONF_PORT) if key in data},
        SECTION_LINE: {key: str(data[key]).lower() for key in line if key in data},
    }


async def async_likely_port(hass: HomeAssistant) -> str | None:
    """Return the one USB port that nothing uses and no other integration is made for; None where it isn't one."""
    try:
        ports = await async_scan_serial_ports(hass)
    except OSError:
        return None
    used = await async_get_serial_port_consumers(hass, ports)
    likely = [
        port.device
        for port in ports
        if isinstance(port, USBDevice)
        and not used.get(port.device)
        and not async_get_usb_matchers_for_device(hass, port)
    ]
    return likely[0] if len(likely) == 1 else None


@callback
def async_follow_moved_port(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Store where the adapter of a connection is plugged in now, if Home Assistant can tell that it moved."""
    # Home Assistant 2026.10 can't.
    find = getattr(usb, "async_find_moved_serial_port", None)
    if find is None or entry.data[CONF_TYPE] != TYPE_SERIAL:
        return
    if moved := find(hass, entry.data[CONF_PORT]):
        LOGGER.info("%s moved from %s to %s", entry.title, entry.data[CONF_PORT], moved)
        data = {**entry.data, CONF_PORT: moved}
        hass.config_entries.async_update_entry(entry, data=data, unique_id=way(data))


def way(data: Mapping[str, Any]) -> str:
    """Return what tells one link to a bus from another, whatever its line settings."""
    if data[CONF_TYPE] == TYPE_TCP:
        return f"{TYPE_TCP}:{_host(data[CONF_HOST])}:{data[CONF_PORT]}"
    port = data[CONF_PORT]
    with suppress(ValueError):
        url = urlsplit(port)
        if url.scheme in _REMOTE_PORTS and url.hostname and url.port:
            return f"{TYPE_TCP}:{_host(url.hostname)}:{url.port}"
    return f"{TYPE_SERIAL}:{port}"


def _host(text: str) -> str:
    """Return a host as it is written if it is always written the same: every name of this machine is one."""
    host = text.lower().strip("[]").rstrip(".")
    if host == "localhost":
        return _THIS_MACHINE
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return _THIS_MACHINE if address.is_loopback else str(address)


def ways(entry: ConfigEntry) -> set[str]:
    """Return the ways to the bus that a connection has, its backup included."""
    return {way(data) for data in (entry.data, entry.options.get(CONF_BACKUP)) if data}


async def async_link_errors(
    hass: HomeAssistant,
    data: Mapping[str, Any],
    entry: ConfigEntry | None = None,
    other_link: Mapping[str, Any] | None = None,
) -> tuple[FieldErrors, dict[str, str]]:
    """Open the link and close it again; return errors by field, and what their texts name.

    A link that another connection than `entry` has is refused, and so is `entry`'s own other one.
    """
    field = CONF_HOST if data[CONF_TYPE] == TYPE_TCP else CONF_PORT
    if not data[field]:
        return {field: "invalid_host"}, {}
    if other_link and way(data) == way(other_link):
        return {field: "same_link"}, {}
    if taken := connection_using(hass, data, entry):
        return {field: "already_configured"}, {"title": taken.title}
    try:
        await _async_test_link(data)
    except LinkError as err:
        texts = await async_get_texts(hass)
        return link_error(data[CONF_TYPE], err), {"error": reason_text(err, texts)}
    except Exception:
        LOGGER.exception("Unexpected error while opening %s", way(data))
        return {CONF_BASE: "unknown"}, {}
    # Another dialog may have been quicker.
    if taken := connection_using(hass, data, entry):
        return {field: "already_configured"}, {"title": taken.title}
    return {}, {}


def connection_using(
    hass: HomeAssistant, data: Mapping[str, Any], own: ConfigEntry | None = None
) -> ConfigEntry | None:
    """Return the other connection, if any, that has a link to the same bus."""
    return next(
        (
            entry
            for entry in hass.config_entries.async_entries(DOMAIN)
            if entry is not own and way(data) in ways(entry)
        ),
        None,
    )


async def _async_test_link(data: Mapping[str, Any]) -> None:
    link = await open_link(link_settings(data))
    try:
        if data[CONF_TYPE] == TYPE_TCP:
            await link.read(_GATEWAY_GRACE)
    except LinkError as err:
        raise LinkBusyError(link=err.link) from err
    finally:
        await link.close()


@asynccontextmanager
async def link_given_up(
    hass: HomeAssistant, entry: ConfigEntry, data: Mapping[str, Any]
) -> AsyncIterator[None]:
    """Unload a connection while a link that it uses is tested; afterwards it is set up again as it is stored then.

    A connection that failed to set up is not on the bus, but might try again during the test.
    """
    failed = entry.state in (ConfigEntryState.SETUP_RETRY, ConfigEntryState.SETUP_ERROR)
    clashes = entry.state is ConfigEntryState.LOADED and way(data) in ways(entry)
    given_up = (failed or clashes) and await hass.config_entries.async_unload(
        entry.entry_id
    )
    try:
        yield
    finally:
        if given_up:
            hass.config_entries.async_schedule_reload(entry.entry_id)
