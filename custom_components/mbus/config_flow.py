"""The flow that adds a connection with its meters, and the one that changes how its bus is reached."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from itertools import count
from typing import Any, Final, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
    SubentryFlowContext,
)
from homeassistant.const import CONF_NAME, CONF_PORT, CONF_TYPE
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.selector import BooleanSelector, TextSelector
import voluptuous as vol

from .const import (
    CONF_BACKUP,
    CONF_BAUD_RATE,
    CONF_TITLE,
    CONFIG_ENTRY_MINOR_VERSION,
    CONFIG_ENTRY_VERSION,
    DEFAULT_OPTIONS,
    DOMAIN,
    SUBENTRY_METER,
    TYPE_SERIAL,
    TYPE_TCP,
)
from .flows.fields import NEEDED_TEXT, Section, shown
from .flows.flow_errors import FieldErrors
from .flows.link_form import (
    LINK_FIELDS,
    async_likely_port,
    async_link_errors,
    connection_using,
    link_data,
    link_form,
    link_given_up,
    way,
)
from .flows.meter_flow import MeterSubentryFlow
from .flows.meter_search import Turns
from .flows.options_flow import TIMING_FIELDS, MBusOptionsFlow
from .flows.search_flow import SearchFlow
from .meters.meter import Meter
from .polling.connection import create_bus

CONF_SEARCH: Final = "search"
SECTION_TIMING: Final = "timing"

_NAME = {vol.Required(CONF_NAME): NEEDED_TEXT}
_TITLE = {vol.Optional(CONF_TITLE): TextSelector()}
_SEARCH = {vol.Required(CONF_SEARCH, default=True): BooleanSelector()}
_TIMING = {
    vol.Required(SECTION_TIMING): Section(
        vol.Schema(
            {
                vol.Required(key, default=shown(DEFAULT_OPTIONS)[key]): field
                for key, field in TIMING_FIELDS.items()
            }
        ),
        {"collapsed": True},
    )
}


class MBusConfigFlow(
    SearchFlow[ConfigFlowContext, ConfigFlowResult, str], ConfigFlow, domain=DOMAIN
):
    """Add a connection: link → search or address → entry. Nothing is stored before the link was open once.

    The link is open during its test and during a search, never while a form waits for someone.
    """

    VERSION = CONFIG_ENTRY_VERSION
    MINOR_VERSION = CONFIG_ENTRY_MINOR_VERSION

    _data: dict[str, Any]
    _options: dict[str, Any]
    _asks_address = False

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow for how the bus is used."""
        return MBusOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the flow for meters."""
        return {SUBENTRY_METER: MeterSubentryFlow}

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how the bus is reached."""
        return self.async_show_menu(
            step_id="user", menu_options=[TYPE_SERIAL, TYPE_TCP]
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how the bus is reached from now on: a gateway may take the place of a serial port."""
        return self.async_show_menu(
            step_id="reconfigure", menu_options=[TYPE_SERIAL, TYPE_TCP]
        )

    async def async_step_serial(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a serial port."""
        return await self._async_step_link(TYPE_SERIAL, user_input)

    async def async_step_tcp(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a gateway."""
        return await self._async_step_link(TYPE_TCP, user_input)

    async def _async_step_link(
        self, link_type: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        entry = (
            self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None
        )
        errors: FieldErrors = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            data = {CONF_NAME: user_input[CONF_NAME]} | link_data(link_type, user_input)
            if data[CONF_NAME] in _taken_names(self.hass, entry):
                errors = {CONF_NAME: "name_exists"}
            elif entry is None:
                errors, placeholders = await async_link_errors(self.hass, data)
                if not errors:
                    await self.async_set_unique_id(way(data), raise_on_progress=False)
                    self._data = data
                    self._options = user_input[SECTION_TIMING]
                    menu = await self.async_step_meters()
                    # What the last search found is offered before anybody waits for another one.
                    if user_input[CONF_SEARCH] and "found" not in menu["menu_options"]:
                        return await self.async_step_search()
                    return menu
            else:
                title = user_input.get(CONF_TITLE, "").strip() or data[CONF_NAME]
                errors, placeholders = await self._async_relink(entry, data, title)
                if not errors:
                    return self.async_abort(reason="reconfigure_successful")
        return self.async_show_form(
            step_id=link_type,
            data_schema=self.add_suggested_values_to_schema(
                _schema(link_type, new=entry is None),
                shown(user_input)
                if user_input
                else (
                    _stored_values(link_type, entry)
                    if entry
                    else await _async_proposed(self.hass, link_type)
                ),
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def _async_relink(
        self, entry: ConfigEntry, data: Mapping[str, Any], title: str
    ) -> tuple[FieldErrors, dict[str, str]]:
        """Store how a connection reaches its bus from now on, if that works; the update listener sees to the rest."""
        renamed_only = {**data, CONF_NAME: None} == {**entry.data, CONF_NAME: None}
        if renamed_only and entry.state is ConfigEntryState.LOADED:
            self.hass.config_entries.async_update_entry(entry, title=title, data=data)
            return {}, {}
        async with link_given_up(self.hass, entry, data):
            errors, placeholders = await async_link_errors(
                self.hass, data, entry, entry.options.get(CONF_BACKUP)
            )
            if not errors and data[CONF_NAME] in _taken_names(self.hass, entry):
                # Another dialog was quicker, while the link was tested.
                errors = {CONF_NAME: "name_exists"}
            if not errors:
                self.hass.config_entries.async_update_entry(
                    entry, unique_id=way(data), title=title, data=data
                )
        return errors, placeholders

    async def async_step_meters(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how to get to the meters, now that the link is known to work."""
        return self._show_meters_menu("meters", ["search", "address", "later"])

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Create the connection and go straight on to its first meter."""
        self._asks_address = True
        return self._add_meters(())

    async def async_step_later(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Create the connection without meters."""
        return self._add_meters(())

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Open the dialog for the first meter's address."""
        if self._asks_address and result["result"].state is ConfigEntryState.LOADED:
            subentries = self.hass.config_entries.subentries
            flow = await subentries.async_init(
                (result["result"].entry_id, SUBENTRY_METER),
                context=SubentryFlowContext(source=SOURCE_USER),
            )
            await subentries.async_configure(
                flow["flow_id"], {"next_step_id": "address"}
            )
            result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    @override
    @asynccontextmanager
    async def _searched_bus(self) -> AsyncIterator[Turns]:
        bus = create_bus(self._data_to_search, self._options)
        try:
            await bus.open()
            yield lambda: nullcontext(bus)
        finally:
            await bus.close()

    @property
    @override
    def _known_meters(self) -> Collection[Meter]:
        return ()

    @property
    @override
    def _link_data(self) -> Mapping[str, Any]:
        return self._data

    @property
    @override
    def _options_without_meters(self) -> list[str]:
        # A gateway sets the rate itself, and where something was heard the rate is right.
        is_silent = not (self._search.found or self._search.problems)
        offered = self._data[CONF_TYPE] == TYPE_SERIAL and is_silent
        return [
            *(["search_rates"] if offered and not self._search.error else []),
            "later",
        ]

    @property
    def _data_to_search(self) -> dict[str, Any]:
        return self._data | {CONF_BAUD_RATE: self._search.baud_rate}

    @callback
    @override
    def _add_meters(self, meters: Sequence[ConfigSubentryData]) -> ConfigFlowResult:
        # Added under the unique id of another connection, this one would take its place, with all its meters.
        self._abort_if_unique_id_configured()
        if connection_using(self.hass, self._data):
            raise AbortFlow("already_configured")
        # Meters that were found at another baud rate are read at that from now on.
        data = self._data_to_search if meters else self._data
        # Another dialog may have been quicker to take the name.
        name = _free_name(data[CONF_NAME], _taken_names(self.hass, None))
        data = {**data, CONF_NAME: name}
        return self.async_create_entry(
            title=name, data=data, options=self._options, subentries=meters
        )


def _schema(link_type: str, *, new: bool) -> vol.Schema:
    if new:
        return vol.Schema({**_NAME, **LINK_FIELDS[link_type], **_TIMING, **_SEARCH})
    return vol.Schema({**_NAME, **_TITLE, **LINK_FIELDS[link_type]})


async def _async_proposed(hass: HomeAssistant, link_type: str) -> dict[str, Any]:
    """Return the form of a new connection as far as it can be told."""
    proposed = {CONF_NAME: _free_name("M-Bus", _taken_names(hass, None))}
    if link_type == TYPE_SERIAL and (port := await async_likely_port(hass)):
        proposed[CONF_PORT] = port
    return proposed


def _stored_values(link_type: str, entry: ConfigEntry) -> dict[str, Any]:
    """Return the form with a connection as it is; another kind of link is asked for from the start."""
    values = {CONF_NAME: entry.data[CONF_NAME]}
    if entry.title != entry.data[CONF_NAME]:
        values[CONF_TITLE] = entry.title
    return values | (
        link_form(entry.data) if entry.data[CONF_TYPE] == link_type else {}
    )


def _taken_names(hass: HomeAssistant, entry: ConfigEntry | None) -> set[str]:
    return {
        other.data[CONF_NAME]
        for other in hass.config_entries.async_entries(DOMAIN)
        if other is not entry
    }


def _free_name(name: str, taken: Collection[str]) -> str:
    names = (name if number == 1 else f"{name} {number}" for number in count(1))
    return next(free for free in names if free not in taken)
