"""What is done with a whole bus: searching it, telling all meters something, and seeing what went over it."""

from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from ..flows.meter_search import MeterSearch
from ..polling.survey import bus_table
from ..presentation.record_data import hex_data
from ..presentation.texts import async_get_texts, option_key
from ..profiles.catalogue import async_get_catalogue
from ..protocol import Found, send_raw, synchronise
from .fields import CONNECTION, hex_bytes, one_of
from .targets import connection_of, told_in_plain_words

_METHOD_BOTH: Final = "both"
_METHOD_PRIMARY: Final = "primary"
_METHOD_SECONDARY: Final = "secondary"

SEARCH: Final = vol.Schema(
    {
        **CONNECTION,
        vol.Optional("method", default=_METHOD_BOTH): one_of(
            (_METHOD_BOTH, _METHOD_SECONDARY, _METHOD_PRIMARY)
        ),
    }
)
THE_BUS: Final = vol.Schema(CONNECTION)
SYNCHRONISE: Final = vol.Schema(
    {**CONNECTION, vol.Optional("classic", default=False): cv.boolean}
)
SEND_RAW_FRAME: Final = vol.Schema({**CONNECTION, vol.Required("frame"): hex_bytes})


async def async_search(call: ServiceCall) -> ServiceResponse:
    """Search a bus, and return all meters that answer."""
    entry = connection_of(call)
    runtime = entry.runtime_data
    method: str = call.data["method"]
    search = MeterSearch(
        known=[coordinator.meter for coordinator in runtime.coordinators.values()],
        texts=await async_get_texts(call.hass),
        catalogue=await async_get_catalogue(call.hass),
        by_secondary=method != _METHOD_PRIMARY,
        by_primary=method != _METHOD_SECONDARY,
    )
    with told_in_plain_words(call.hass, entry.title):
        await search.async_run(runtime.connection.turn, lambda progress: None)
    return {
        "meters": [_found(found) for found in search.found.values()],
        "problems": [*search.problems],
    }


async def async_synchronise(call: ServiceCall) -> None:
    """Tell all meters on a bus to freeze their values."""
    entry = connection_of(call)
    with told_in_plain_words(call.hass, entry.title):
        async with entry.runtime_data.connection.turn(urgent=True) as bus:
            await synchronise(await bus.master(), classic=call.data["classic"])


async def async_send_raw_frame(call: ServiceCall) -> ServiceResponse:
    """Send bytes as they are, and return what answers."""
    entry = connection_of(call)
    with told_in_plain_words(call.hass, entry.title):
        async with entry.runtime_data.connection.turn(urgent=True) as bus:
            reply = await send_raw(await bus.master(), call.data["frame"])
    return {"reply": hex_data(reply)}


async def async_get_trace(call: ServiceCall) -> ServiceResponse:
    """Return the last exchanges on a bus, in clear."""
    trace = connection_of(call).runtime_data.connection.trace
    return {"exchanges": [*trace.as_list(masked=False)]}


async def async_get_bus_table(call: ServiceCall) -> ServiceResponse:
    """Return how well each meter of a connection is heard, with advice in words."""
    data = connection_of(call).runtime_data
    texts = await async_get_texts(call.hass)
    rows = bus_table(data)
    for row in rows:
        meter = data.coordinators[row["meter"]].meter
        row |= {"meter": meter.title, "address": str(meter.address)}
        if row["advice"]:
            row["advice"] = texts[option_key("bus_advice", row["advice"])]
    return {"meters": [*rows]}


async def async_clear_trace(call: ServiceCall) -> None:
    """Forget the last exchanges on a bus."""
    connection_of(call).runtime_data.connection.trace.clear()


def _found(found: Found) -> JsonObjectType:
    address, header = found.address, found.header
    return {
        "address": address if isinstance(address, int) else str(address),
        "secondary_address": str(found.secondary) if found.secondary else None,
        "identification": header.identification if header else None,
        "manufacturer": header.manufacturer if header else None,
        "medium": header.medium_name if header else None,
    }
