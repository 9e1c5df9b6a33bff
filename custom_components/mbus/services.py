"""Actions: what automations and administrators may do with meters and connections."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID, CONF_ADDRESS
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.service import (
    async_get_config_entry,
    async_register_admin_service,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType
import voluptuous as vol

from .const import CONF_BACKUP, CONF_BAUD_RATE, DOMAIN
from .flows.meter_search import MeterSearch
from .meters.meter import meter_unique_id
from .polling.clock import async_set_clock
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .presentation.naming import record_name
from .presentation.texts import Texts, async_get_texts
from .profiles.library import async_get_library
from .protocol import (
    BAUD_RATES,
    LAST_PRIMARY,
    SECRET_QUANTITIES,
    EncodeError,
    MBusError,
    Record,
    Telegram,
    Value,
    Way,
    application_reset,
    encode_value,
    send_raw,
    set_baud_rate,
    set_primary_address,
    synchronise,
    write_record,
)

ATTR_ADDRESS: Final = "address"
ATTR_BAUD_RATE: Final = "baud_rate"
ATTR_CLASSIC: Final = "classic"
ATTR_DATETIME: Final = "datetime"
ATTR_FRAME: Final = "frame"
ATTR_HEADER: Final = "header"
ATTR_METHOD: Final = "method"
ATTR_SUB_CODE: Final = "sub_code"
ATTR_VALUE: Final = "value"

METHOD_BOTH: Final = "both"
METHOD_PRIMARY: Final = "primary"
METHOD_SECONDARY: Final = "secondary"

_HIDDEN: Final = "••••"


def _bytes(value: Any) -> bytes:
    """Validate hex digits."""
    try:
        data = bytes.fromhex(cv.string(value))
    except ValueError as err:
        raise vol.Invalid("hex digits, two for each byte, are expected") from err
    if not data:
        raise vol.Invalid("at least one byte is expected")
    return data


async def _async_read_meter(
    coordinator: MeterCoordinator, call: ServiceCall
) -> dict[str, JsonValueType]:
    reading = await coordinator.async_read_now()
    texts = await async_get_texts(call.hass)
    return {
        "time": reading.time.isoformat(),
        "telegrams": [_telegram(telegram, texts) for telegram in reading.telegrams],
    }


async def _async_write_record(
    coordinator: MeterCoordinator, call: ServiceCall
) -> dict[str, JsonValueType]:
    header: bytes = call.data[ATTR_HEADER]
    meter = coordinator.meter
    async with coordinator.connection.turn(urgent=True) as bus:
        record = await write_record(
            await bus.master(),
            meter.address,
            header,
            _encodable(header, call.data[ATTR_VALUE]),
            identity=meter.identity,
        )
    await coordinator.async_read_now()
    return {"value": None if record is None else _json(record.value)}


async def _async_set_primary_address(
    coordinator: MeterCoordinator, call: ServiceCall
) -> None:
    new_address: int = call.data[ATTR_ADDRESS]
    entry, meter = coordinator.config_entry, coordinator.meter
    unique_id = meter_unique_id(new_address)
    if any(other.unique_id == unique_id for other in entry.subentries.values()):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="address_taken",
            translation_placeholders={"address": str(new_address)},
        )
    async with coordinator.connection.turn(urgent=True) as bus:
        await set_primary_address(
            await bus.master(), meter.address, new_address, identity=meter.identity
        )
    if isinstance(meter.address, int):
        subentry = entry.subentries[meter.id]
        call.hass.config_entries.async_update_subentry(
            entry,
            subentry,
            unique_id=unique_id,
            data={**subentry.data, CONF_ADDRESS: new_address},
        )


async def _async_set_baud_rate(
    coordinator: MeterCoordinator, call: ServiceCall
) -> None:
    baud_rate: int = call.data[ATTR_BAUD_RATE]
    entry = coordinator.config_entry
    async with coordinator.connection.turn(urgent=True) as bus:
        await set_baud_rate(
            await bus.master(),
            coordinator.meter.address,
            baud_rate,
            identity=coordinator.meter.identity,
        )
        way = bus.active
    # The port is opened at this rate from now on.
    if way is Way.BACKUP:
        backup = {**entry.options[CONF_BACKUP], CONF_BAUD_RATE: baud_rate}
        options = {**entry.options, CONF_BACKUP: backup}
        call.hass.config_entries.async_update_entry(entry, options=options)
    else:
        data = {**entry.data, CONF_BAUD_RATE: baud_rate}
        call.hass.config_entries.async_update_entry(entry, data=data)


async def _async_set_clock(coordinator: MeterCoordinator, call: ServiceCall) -> None:
    moment: datetime | None = call.data.get(ATTR_DATETIME)
    await async_set_clock(coordinator, moment and dt_util.as_utc(moment))


async def _async_application_reset(
    coordinator: MeterCoordinator, call: ServiceCall
) -> None:
    async with coordinator.connection.turn(urgent=True) as bus:
        await application_reset(
            await bus.master(),
            coordinator.meter.address,
            call.data.get(ATTR_SUB_CODE),
            identity=coordinator.meter.identity,
        )


async def _async_search(
    entry: MBusConfigEntry, call: ServiceCall
) -> dict[str, JsonValueType]:
    runtime = entry.runtime_data
    known = [coordinator.meter for coordinator in runtime.coordinators.values()]
    method: str = call.data[ATTR_METHOD]
    search = MeterSearch(
        known=known,
        texts=await async_get_texts(call.hass),
        library=await async_get_library(call.hass),
        by_secondary=method != METHOD_PRIMARY,
        by_primary=method != METHOD_SECONDARY,
    )
    await search.async_run(runtime.connection.turn, lambda progress: None)
    return {
        "meters": [
            {
                "address": found.address
                if isinstance(found.address, int)
                else str(found.address),
                "secondary_address": str(found.secondary) if found.secondary else None,
                "identification": found.header.identification if found.header else None,
                "manufacturer": found.header.manufacturer if found.header else None,
                "medium": found.header.medium_name if found.header else None,
            }
            for found in search.found.values()
        ],
        "problems": list(search.problems),
    }


async def _async_synchronise(entry: MBusConfigEntry, call: ServiceCall) -> None:
    async with entry.runtime_data.connection.turn(urgent=True) as bus:
        await synchronise(await bus.master(), classic=call.data[ATTR_CLASSIC])


async def _async_send_raw_frame(
    entry: MBusConfigEntry, call: ServiceCall
) -> dict[str, JsonValueType]:
    async with entry.runtime_data.connection.turn(urgent=True) as bus:
        reply = await send_raw(await bus.master(), call.data[ATTR_FRAME])
    return {"reply": reply.hex(" ").upper()}


async def _async_get_trace(
    entry: MBusConfigEntry, call: ServiceCall
) -> dict[str, JsonValueType]:
    return {"exchanges": [*entry.runtime_data.connection.trace.as_list(masked=False)]}


async def _async_clear_trace(entry: MBusConfigEntry, call: ServiceCall) -> None:
    entry.runtime_data.connection.trace.clear()


type _MeterHandler = Callable[
    [MeterCoordinator, ServiceCall],
    Coroutine[Any, Any, dict[str, JsonValueType] | None],
]
type _ConnectionHandler = Callable[
    [MBusConfigEntry, ServiceCall], Coroutine[Any, Any, dict[str, JsonValueType] | None]
]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Action:
    """An action: what it does, its own fields, who may call it and what it answers."""

    fields: Mapping[vol.Marker, Any] = field(default_factory=dict)
    admin: bool = True
    response: SupportsResponse = SupportsResponse.NONE


_ANSWERS = SupportsResponse.ONLY

METER_ACTIONS: Final[dict[str, tuple[_MeterHandler, _Action]]] = {
    "read_meter": (_async_read_meter, _Action(admin=False, response=_ANSWERS)),
    "write_record": (
        _async_write_record,
        _Action(
            fields={
                vol.Required(ATTR_HEADER): _bytes,
                vol.Required(ATTR_VALUE): vol.Any(int, float, str),
            },
            response=SupportsResponse.OPTIONAL,
        ),
    ),
    "set_primary_address": (
        _async_set_primary_address,
        _Action(
            fields={
                vol.Required(ATTR_ADDRESS): vol.All(
                    vol.Coerce(int), vol.Range(min=0, max=LAST_PRIMARY)
                )
            }
        ),
    ),
    "set_baud_rate": (
        _async_set_baud_rate,
        _Action(
            fields={
                vol.Required(ATTR_BAUD_RATE): vol.All(
                    vol.Coerce(int), vol.In(BAUD_RATES)
                )
            }
        ),
    ),
    "set_clock": (
        _async_set_clock,
        _Action(fields={vol.Optional(ATTR_DATETIME): cv.datetime}),
    ),
    "application_reset": (
        _async_application_reset,
        _Action(
            fields={
                vol.Optional(ATTR_SUB_CODE): vol.All(
                    vol.Coerce(int), vol.Range(min=0, max=255)
                )
            }
        ),
    ),
}
"""Actions on meters, given by their devices."""

CONNECTION_ACTIONS: Final[dict[str, tuple[_ConnectionHandler, _Action]]] = {
    "search": (
        _async_search,
        _Action(
            fields={
                vol.Optional(ATTR_METHOD, default=METHOD_BOTH): vol.In(
                    (METHOD_BOTH, METHOD_SECONDARY, METHOD_PRIMARY)
                )
            },
            admin=False,
            response=_ANSWERS,
        ),
    ),
    "synchronise": (
        _async_synchronise,
        _Action(fields={vol.Optional(ATTR_CLASSIC, default=False): cv.boolean}),
    ),
    "send_raw_frame": (
        _async_send_raw_frame,
        _Action(
            fields={vol.Required(ATTR_FRAME): _bytes},
            response=SupportsResponse.OPTIONAL,
        ),
    ),
    "get_trace": (_async_get_trace, _Action(response=_ANSWERS)),
    "clear_trace": (_async_clear_trace, _Action()),
}
"""Actions on a connection, given by its config entry."""


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, (on_meter, action) in METER_ACTIONS.items():
        target = {vol.Required(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string])}
        _register(hass, name, partial(_async_on_meters, on_meter), action, target)
    for name, (on_connection, action) in CONNECTION_ACTIONS.items():
        target = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
        _register(
            hass, name, partial(_async_on_connection, on_connection), action, target
        )


def _register(
    hass: HomeAssistant,
    name: str,
    handler: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]],
    action: _Action,
    target: dict[vol.Marker, Any],
) -> None:
    schema = vol.Schema({**target, **action.fields})
    if action.admin:
        async_register_admin_service(
            hass, DOMAIN, name, handler, schema, action.response
        )
    else:
        hass.services.async_register(
            DOMAIN, name, handler, schema, supports_response=action.response
        )


async def _async_on_meters(
    handler: _MeterHandler, call: ServiceCall
) -> ServiceResponse:
    answers: dict[str, JsonValueType] = {}
    for device_id in call.data[ATTR_DEVICE_ID]:
        coordinator = _coordinator(call.hass, device_id)
        with _told_in_plain_words(coordinator.meter.title):
            answers[device_id] = await handler(coordinator, call)
    return answers if call.return_response else None


async def _async_on_connection(
    handler: _ConnectionHandler, call: ServiceCall
) -> ServiceResponse:
    entry: MBusConfigEntry = async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )
    with _told_in_plain_words(entry.title):
        answer = await handler(entry, call)
    return answer if call.return_response else None


@contextmanager
def _told_in_plain_words(name: str) -> Iterator[None]:
    try:
        yield
    except EncodeError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_codable",
            translation_placeholders={"error": str(err)},
        ) from err
    except MBusError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="action_failed",
            translation_placeholders={"name": name, "error": str(err)},
        ) from err


def _coordinator(hass: HomeAssistant, device_id: str) -> MeterCoordinator:
    device = dr.async_get(hass).async_get(device_id)
    identifiers = device.identifiers if device else set()
    entries: list[MBusConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        for meter_id, coordinator in entry.runtime_data.coordinators.items():
            if (DOMAIN, meter_id) in identifiers:
                return coordinator
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_meter",
        translation_placeholders={"device": device_id},
    )


def _encodable(header: bytes, value: float | str) -> Value:
    """Return a value as the kind that a record with this header takes: the form gives all of them as text."""
    candidates: list[Value] = [value]
    if isinstance(value, str):
        with suppress(InvalidOperation):
            candidates.append(Decimal(value))
        parsers = (dt_util.parse_datetime, dt_util.parse_date, dt_util.parse_time)
        candidates += [parse(value) for parse in parsers]
    for candidate in candidates:
        try:
            encode_value(header, candidate)
        except EncodeError:
            continue
        return candidate
    return value


def _telegram(telegram: Telegram, texts: Texts) -> dict[str, JsonValueType]:
    return {
        "records": [_record(record, texts) for record in telegram.records],
        "manufacturer_data": telegram.manufacturer_data.hex(" ").upper(),
        "problem": telegram.problem,
    }


def _record(record: Record, texts: Texts) -> dict[str, JsonValueType]:
    secret = record.quantity in SECRET_QUANTITIES
    return {
        "index": record.index,
        "name": record_name(record.signature, texts),
        "value": _HIDDEN if secret else _json(record.value),
        "unit": record.unit,
        "function": record.function,
        "storage_number": record.storage_number,
        "tariff": record.tariff,
        "subunit": record.subunit,
        "header": record.header.hex(" ").upper(),
        "raw": _HIDDEN if secret else record.raw.hex(" ").upper(),
        "problem": record.problem,
    }


def _json(value: Value) -> JsonValueType:
    match value:
        case bytes():
            return value.hex(" ").upper()
        case date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
    return value
