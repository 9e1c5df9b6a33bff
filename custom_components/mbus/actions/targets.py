"""What an action is for: the meters or the connection, who may have it done, and what came of it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from homeassistant.auth.permissions.const import CAT_ENTITIES, POLICY_CONTROL
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, Platform
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.service import async_get_config_entry
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.util.json import JsonObjectType

from ..const import DOMAIN
from ..polling.coordinator import MBusConfigEntry, MeterCoordinator
from ..presentation.reasons import failure_text, reason_text
from ..presentation.texts import cached_texts
from ..protocol import MBusError


@callback
def connection_of(call: ServiceCall) -> MBusConfigEntry:
    """Return the running connection that an action is for."""
    entry: MBusConfigEntry = async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )
    return entry


@callback
def meters_of(call: ServiceCall) -> dict[str, MeterCoordinator]:
    """Return the meters that an action is for, by the ids of their devices."""
    entries: list[MBusConfigEntry] = call.hass.config_entries.async_loaded_entries(
        DOMAIN
    )
    coordinators = {
        (DOMAIN, meter_id): coordinator
        for entry in entries
        for meter_id, coordinator in entry.runtime_data.coordinators.items()
    }
    registry = dr.async_get(call.hass)
    selected = async_extract_referenced_entity_ids(
        call.hass, TargetSelection(call.data)
    )
    meters = dict[str, MeterCoordinator]()
    for device_id in sorted(selected.referenced_devices):
        device = registry.async_get(device_id)
        identifiers = device.identifiers if device else set()
        if not (found := coordinators.keys() & identifiers):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="not_a_meter",
                translation_placeholders={
                    "device": (device and device.name) or device_id
                },
            )
        meters[device_id] = coordinators[found.pop()]
    return meters


async def async_check_control(
    call: ServiceCall, meters: Mapping[str, MeterCoordinator]
) -> None:
    """Raise Unauthorized unless whoever calls may press the button of each meter that does the same."""
    if (user_id := call.context.user_id) is None:
        return
    if (user := await call.hass.auth.async_get_user(user_id)) is None:
        raise UnknownUser(context=call.context, permission=POLICY_CONTROL)
    registry = er.async_get(call.hass)
    for coordinator in meters.values():
        button = registry.async_get_entity_id(
            Platform.BUTTON, DOMAIN, f"{coordinator.meter.id}_read_now"
        )
        if not (button and user.permissions.check_entity(button, POLICY_CONTROL)):
            raise Unauthorized(
                context=call.context,
                entity_id=button,
                perm_category=CAT_ENTITIES,
                permission=POLICY_CONTROL,
            )


async def async_try_each[Answer](
    meters: Mapping[str, MeterCoordinator],
    do: Callable[[MeterCoordinator], Awaitable[Answer]],
) -> dict[str, Answer | HomeAssistantError]:
    """Return what came of it for each meter, by device: one that fails does not cost the others."""
    outcomes = dict[str, Answer | HomeAssistantError]()
    for device_id, coordinator in meters.items():
        try:
            with told_in_plain_words(coordinator.hass, coordinator.meter.title):
                outcomes[device_id] = await do(coordinator)
        except HomeAssistantError as err:
            outcomes[device_id] = err
    return outcomes


async def async_on_each[Answer](
    hass: HomeAssistant,
    meters: Mapping[str, MeterCoordinator],
    do: Callable[[MeterCoordinator], Awaitable[Answer]],
) -> dict[str, Answer]:
    """Do it with each meter, and return the answers by device; raise what failed when all had their turn."""
    outcomes = await async_try_each(meters, do)
    raise_errors(hass, outcomes)
    return {
        device_id: outcome
        for device_id, outcome in outcomes.items()
        if not isinstance(outcome, HomeAssistantError)
    }


def answer_of(
    call: ServiceCall,
    outcomes: Mapping[str, JsonObjectType | HomeAssistantError],
) -> ServiceResponse:
    """Return what came of it for each meter or why it failed; raise what failed where nobody asked for an answer."""
    if not call.return_response:
        raise_errors(call.hass, outcomes)
        return None
    texts = cached_texts(call.hass)
    return {
        device_id: {"error": failure_text(outcome, texts)}
        if isinstance(outcome, HomeAssistantError)
        else outcome
        for device_id, outcome in outcomes.items()
    }


def raise_errors(hass: HomeAssistant, outcomes: Mapping[str, object]) -> None:
    """Raise what failed, if anything did."""
    errors = [
        outcome
        for outcome in outcomes.values()
        if isinstance(outcome, HomeAssistantError)
    ]
    if len(errors) > 1:
        texts = cached_texts(hass)
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="several_failed",
            translation_placeholders={
                "errors": "; ".join(failure_text(error, texts) for error in errors)
            },
        )
    if errors:
        raise errors[0]


def read_in_part(
    hass: HomeAssistant, coordinator: MeterCoordinator, error: MBusError
) -> HomeAssistantError:
    """Return that some telegrams of a meter are missing, and why."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="read_in_part",
        translation_placeholders={
            "meter": coordinator.meter.title,
            "error": reason_text(error, cached_texts(hass)),
        },
    )


@contextmanager
def told_in_plain_words(hass: HomeAssistant, name: str) -> Iterator[None]:
    """Say what went wrong with what is called so."""
    try:
        yield
    except MBusError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="action_failed",
            translation_placeholders={
                "name": name,
                "error": reason_text(err, cached_texts(hass)),
            },
        ) from err
