"""The set-up of a connection's meters as a file, and taking it over on another connection."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
import json
from types import MappingProxyType
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_ADDRESS, CONF_NAME, CONF_TYPE
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
)
from homeassistant.util.json import JsonObjectType, JsonValueType
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from ..const import (
    CONF_BINDINGS,
    CONF_QUIRKS,
    CONF_TRANSFORMATIONS,
    DOMAIN,
    SUBENTRY_METER,
)
from ..flows.step_forms import step_errors
from ..meters.binding import Binding
from ..meters.meter import (
    Meter,
    configured_as,
    meter_unique_id,
    readable,
    stored_bindings,
)
from ..polling.coordinator import MBusConfigEntry
from ..presentation.described import described_of
from ..presentation.texts import Texts, async_get_texts, option_key
from ..protocol import parse_address
from .fields import CONNECTION, refused
from .files import async_read, async_write_new
from .meter_file import CONF_AREA, METER
from .targets import connection_of

_FORMAT: Final = "mbus_meters"
_VERSION: Final = 1

EXPORT_METERS: Final = vol.Schema({**CONNECTION, vol.Optional("filename"): cv.string})
IMPORT_METERS: Final = vol.Schema(
    {
        **CONNECTION,
        vol.Optional("filename"): cv.string,
        vol.Optional("meters"): object,
        vol.Optional("apply", default=False): cv.boolean,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Imported:
    """A meter of a file, as it would be stored here; `is_present` where it is configured already."""

    meter: Meter
    subentry: ConfigSubentry
    area: str | None
    is_present: bool


async def async_export_meters(call: ServiceCall) -> ServiceResponse:
    """Write the set-up of a connection's meters into a new file, or answer with it."""
    entry, filename = connection_of(call), call.data.get("filename")
    if not (filename or call.return_response):
        raise refused("nowhere_to_write")
    meters: JsonObjectType = {
        "format": _FORMAT,
        "version": _VERSION,
        "meters": [*_exported(call.hass, entry)],
    }
    path = None
    if filename:
        text = json.dumps(meters, indent=2, ensure_ascii=False) + "\n"
        path = await async_write_new(call.hass, filename, text)
    return {"meters": meters, "path": path} if call.return_response else None


async def async_import_meters(call: ServiceCall) -> ServiceResponse:
    """Say what the meters of a file would become on a connection and, where that is wanted, do it: all of it or nothing."""
    entry = connection_of(call)
    texts = await async_get_texts(call.hass)
    imported = _checked(call.hass, entry, await _async_content(call), texts)
    if call.data["apply"]:
        for one in imported:
            if not one.is_present:
                _add(call.hass, entry, one)
    if not call.return_response:
        return None
    return {
        "applied": call.data["apply"],
        "meters": [
            {
                "name": one.meter.title,
                "address": str(one.meter.address),
                "area": one.area,
                "bindings": len(one.meter.bindings),
                "outcome": "present" if one.is_present else "add",
            }
            for one in imported
        ],
    }


async def _async_content(call: ServiceCall) -> Any:
    """Return what is to be imported, from the file or as it stands in the call."""
    filename, meters = call.data.get("filename"), call.data.get("meters")
    if bool(filename) == (meters is not None):
        raise refused("file_or_meters")
    if not filename:
        return meters
    try:
        return json.loads(await async_read(call.hass, filename))
    except json.JSONDecodeError as err:
        raise refused("no_json", path=filename, line=str(err.lineno)) from err
    except (RecursionError, ValueError) as err:
        # So deep or so long is nothing that was ever exported.
        raise refused("no_meters") from err


@callback
def _exported(hass: HomeAssistant, entry: MBusConfigEntry) -> Iterator[JsonObjectType]:
    areas, devices = ar.async_get(hass), dr.async_get(hass)
    for subentry in entry.get_subentries_of_type(SUBENTRY_METER):
        device = devices.async_get_device_by_identifier(
            (DOMAIN, subentry.subentry_id), entry.entry_id
        )
        area = (
            areas.async_get_area(device.area_id) if device and device.area_id else None
        )
        # What is answered is the caller's; what is stored stays as it is.
        data = deepcopy(dict(subentry.data))
        bindings: list[JsonValueType] = [
            {key: value for key, value in binding.items() if key != "id"}
            for binding in stored_bindings(data)
        ]
        yield {
            "name": subentry.title,
            "area": area.name if area else None,
            **data,
            CONF_BINDINGS: bindings,
        }


def _checked(
    hass: HomeAssistant, entry: MBusConfigEntry, content: Any, texts: Texts
) -> list[_Imported]:
    """Return the meters of a file. Raises ServiceValidationError that names all that can't be taken over."""
    if (
        not isinstance(content, Mapping)
        or content.get("format") != _FORMAT
        or content.get("version") != _VERSION
        or not isinstance(content.get("meters"), list)
    ):
        raise refused("no_meters")
    imported, problems = list[_Imported](), list[str]()
    for number, item in enumerate(content["meters"], 1):
        try:
            one = _imported(hass, entry, item)
        except vol.Invalid as err:
            fields = ".".join(map(str, err.path)) or "–"
            problem = _text("unreadable", texts).format(fields=fields)
            problems.append(f"{number}: {problem}")
            continue
        meter = one.meter
        if any(_is_same(meter, other.meter) for other in imported):
            problems.append(f"{meter.title}: {_text('twice', texts)}")
        elif reason := _conflict(entry, one, texts):
            problems.append(f"{meter.title}: {reason}")
        imported.append(one)
    if problems:
        raise refused("meters_not_imported", problems="; ".join(problems))
    return imported


def _imported(hass: HomeAssistant, entry: MBusConfigEntry, item: Any) -> _Imported:
    """Return one meter of a file. Raises vol.Invalid, with the path to what is not as it should be."""
    data = METER(item)
    name, area = data.pop(CONF_NAME), data.pop(CONF_AREA)
    data[CONF_BINDINGS] = [_with_own_ids(one) for one in data[CONF_BINDINGS]]
    unique_id = meter_unique_id(parse_address(str(data[CONF_ADDRESS])))
    subentry = ConfigSubentry(
        data=MappingProxyType(data),
        subentry_type=SUBENTRY_METER,
        title=name,
        unique_id=unique_id,
    )
    try:
        meter = Meter.from_subentry(subentry)
    except (AttributeError, LookupError, TypeError, ValueError) as err:
        raise vol.Invalid(str(err), path=[CONF_QUIRKS]) from err
    if meter.unread:
        raise vol.Invalid("of no use", path=[meter.unread[0]])
    for number, binding in enumerate(meter.bindings.values()):
        _check_steps(hass, binding, number)
        try:
            described_of(binding, meter.medium)
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ) as err:
            raise vol.Invalid(str(err), path=[CONF_BINDINGS, number]) from err
    return _Imported(
        meter=meter,
        subentry=subentry,
        area=area,
        is_present=any(
            other.unique_id == unique_id for other in entry.subentries.values()
        ),
    )


def _check_steps(hass: HomeAssistant, binding: Binding, number: int) -> None:
    """Raise vol.Invalid for what the form of a step would not take."""
    for place, step in enumerate(binding.transformations):
        errors, _ = step_errors(hass, step[CONF_TYPE], step, for_number=False)
        for field in errors:
            raise vol.Invalid(
                "what the form takes is expected",
                path=[CONF_BINDINGS, number, CONF_TRANSFORMATIONS, place, field],
            )


def _with_own_ids(binding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a binding of a file as one of its own, as are its steps: by their ids each remembers something else."""
    own = {**binding, "id": ulid_now()}
    if steps := binding.get(CONF_TRANSFORMATIONS):
        own[CONF_TRANSFORMATIONS] = [{**step, "id": ulid_now()} for step in steps]
    return own


def _is_same(meter: Meter, other: Meter) -> bool:
    """Return whether two meters of a file are at one address, or are one meter."""
    return meter.address == other.address or bool(
        meter.identity
        and other.identity
        and meter.identity.matches(other.identity)
        and (meter.version, meter.medium) == (other.version, other.medium)
    )


def _conflict(entry: MBusConfigEntry, one: _Imported, texts: Texts) -> str | None:
    """Return why a meter can't be taken over beside those that are configured."""
    meter = one.meter
    for known in readable(entry.subentries.values()):
        if known.address == meter.address:
            if (
                known.identity
                and meter.identity
                and not known.identity.matches(meter.identity)
            ):
                return _text("other_meter", texts).format(
                    address=meter.address, known=known.title
                )
            return None
    if meter.identity and (
        known_as := configured_as(entry.subentries, meter.identity, None)
    ):
        return _text("known", texts).format(known=known_as)
    return None


def _text(key: str, texts: Texts) -> str:
    return texts[option_key("import_meters", key)]


@callback
def _add(hass: HomeAssistant, entry: MBusConfigEntry, one: _Imported) -> None:
    hass.config_entries.async_add_subentry(entry, one.subentry)
    if one.area is None:
        return
    area = ar.async_get(hass).async_get_or_create(one.area)
    devices = dr.async_get(hass)
    device = devices.async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=one.subentry.subentry_id,
        identifiers={(DOMAIN, one.subentry.subentry_id)},
        name=one.subentry.title,
    )
    devices.async_update_device(device.id, area_id=area.id)
