"""The flow that changes how a connection uses its bus: polling, line, backup connection, limits."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_TYPE
from homeassistant.core import callback
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from ..const import (
    CONF_ATTEMPTS,
    CONF_BACKUP,
    CONF_GROUP_REQUESTS,
    CONF_LINE_DELAY_RATIO,
    CONF_MAX_PACKAGE_LENGTH,
    CONF_MEMORY_LIMIT,
    CONF_PERIOD,
    CONF_SHUTDOWN_TIMEOUT,
    CONF_TIMEOUT,
    CONF_TRACE_LENGTH,
    TYPE_SERIAL,
    TYPE_TCP,
)
from ..polling.connection import all_options
from .fields import (
    DAY,
    BytesSelector,
    MillisecondsSelector,
    RangeSelector,
    number,
    shown,
)
from .flow_errors import FieldErrors
from .link_form import (
    LINK_FIELDS,
    async_link_errors,
    link_data,
    link_form,
    link_given_up,
)

SHORT_PERIOD: Final = 60_000
"""Milliseconds below which a period is asked for once more: the batteries of many meters are made for fewer readings."""

_MONTH = 31 * DAY

TIMING_FIELDS: Final[Mapping[str, Any]] = {
    CONF_TIMEOUT: MillisecondsSelector(100, 60_000),
    CONF_ATTEMPTS: number(1, 20),
    CONF_LINE_DELAY_RATIO: RangeSelector(0.1, 10, step=0.1),
}

_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "polling": {
        CONF_PERIOD: MillisecondsSelector(1000, _MONTH),
        CONF_GROUP_REQUESTS: BooleanSelector(),
    },
    "line": {
        **TIMING_FIELDS,
        CONF_SHUTDOWN_TIMEOUT: MillisecondsSelector(0, 60_000),
        CONF_MAX_PACKAGE_LENGTH: number(20, 253, unit="B"),
    },
    "limits": {
        CONF_MEMORY_LIMIT: BytesSelector(65_536, 1 << 30),
        CONF_TRACE_LENGTH: number(0, 100_000),
    },
}


class MBusOptionsFlow(OptionsFlow):
    """Each choice of the menu is one form; what it stores takes effect at once, through the entry's update listener."""

    _typed: Mapping[str, Any] = {}

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what to change."""
        return self.async_show_menu(
            step_id="init", menu_options=["polling", "line", "backup", "limits"]
        )

    async def async_step_polling(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how often meters are read; a short period once more."""
        if user_input is not None and user_input[CONF_PERIOD] < SHORT_PERIOD:
            self._typed = user_input
            return await self.async_step_short_period()
        return self._step("polling", user_input)

    async def async_step_short_period(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask again whether the meters are to be read that often."""
        return self.async_show_menu(
            step_id="short_period",
            menu_options=["use_short_period", "polling"],
            description_placeholders={
                "seconds": f"{self._typed[CONF_PERIOD] / 1000:g}"
            },
        )

    async def async_step_use_short_period(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Store the short period after all."""
        return self._store(self._typed)

    async def async_step_line(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for waits and the length of frames."""
        return self._step("line", user_input)

    async def async_step_limits(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how much is kept."""
        return self._step("limits", user_input)

    async def async_step_backup(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the second way to the bus."""
        return self.async_show_menu(
            step_id="backup", menu_options=["no_backup", TYPE_SERIAL, TYPE_TCP]
        )

    async def async_step_no_backup(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Do without a second way."""
        return self._store({CONF_BACKUP: None})

    async def async_step_serial(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the serial port of the second way."""
        return await self._async_step_backup_link(TYPE_SERIAL, user_input)

    async def async_step_tcp(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the gateway of the second way."""
        return await self._async_step_backup_link(TYPE_TCP, user_input)

    async def _async_step_backup_link(
        self, link_type: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        entry = self.config_entry
        backup = entry.options.get(CONF_BACKUP) or {}
        errors: FieldErrors = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            data = link_data(link_type, user_input)
            async with link_given_up(self.hass, entry, data):
                errors, placeholders = await async_link_errors(
                    self.hass, data, entry, entry.data
                )
                if not errors:
                    return self._store({CONF_BACKUP: data})
        suggested = user_input or (
            link_form(backup) if backup.get(CONF_TYPE) == link_type else None
        )
        return self.async_show_form(
            step_id=link_type,
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(dict(LINK_FIELDS[link_type])), suggested
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    @callback
    def _step(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        if user_input is not None:
            return self._store(user_input)
        options = shown({**all_options(self.config_entry.options), **self._typed})
        schema = {
            vol.Required(key, default=options[key]): field
            for key, field in _FIELDS[step_id].items()
        }
        return self.async_show_form(step_id=step_id, data_schema=vol.Schema(schema))

    @callback
    def _store(self, changes: Mapping[str, Any]) -> ConfigFlowResult:
        options = {
            key: value
            for key, value in {**self.config_entry.options, **changes}.items()
            if value is not None
        }
        # Stored here and not by the flow's end, so that a connection given up for a test comes back with it.
        self.hass.config_entries.async_update_entry(self.config_entry, options=options)
        return self.async_create_entry(data=options)
