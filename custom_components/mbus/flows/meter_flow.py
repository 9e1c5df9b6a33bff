"""Adding a meter, and choosing which of its records become entities."""

from collections.abc import Collection
from copy import replace
from typing import Any, override

from homeassistant.config_entries import SOURCE_USER, SubentryFlowResult
from homeassistant.const import CONF_ADDRESS
from homeassistant.helpers.selector import TextSelector
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import CONF_BINDINGS
from ..meters.binding import Binding
from ..meters.meter import Meter, meter_unique_id
from ..meters.reading import Reading
from ..presentation.reasons import fault_text, reason_text
from ..presentation.texts import async_get_texts
from ..presentation.titles import meter_title
from ..profiles.catalogue import AUTOMATIC, async_get_catalogue
from .adding import meter_subentry_data
from .energy_flow import EnergySteps
from .flow_errors import meter_error
from .history_flow import HistorySteps
from .meter_settings_flow import MeterSettingsSteps
from .record_choice import (
    bound_records,
    chosen_bindings,
    record_options,
    records_selector,
    sensible_records,
)
from .search_flow import SubentrySearchFlow
from .transformation_flow import TransformationSteps

CONF_RECORDS = "records"

ADDRESS_SCHEMA = vol.Schema({vol.Required(CONF_ADDRESS): TextSelector()})


class MeterSubentryFlow(
    TransformationSteps,
    MeterSettingsSteps,
    EnergySteps,
    HistorySteps,
    SubentrySearchFlow,
):
    """Add a meter, or change one: which records are shown, how, and how it is read."""

    _bound: Collection[str] = ()
    _chosen: list[dict[str, Any]] | None = None
    _offered: Reading
    _typed: dict[str, Any] | None = None

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how to find the meter."""
        self._require_loaded()
        return self._show_meters_menu("user", ["search", "address"])

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the address and read the meter there; say what is wrong with either."""
        errors = meter_error(self._error) if self._error else {}
        if user_input is not None:
            self._typed = user_input
            self._error = None
            address, errors = self._check_address(user_input[CONF_ADDRESS])
            if address is not None:
                meter = Meter(id="", title="", address=address)
                return await self._async_read(
                    meter, done="known_meter", failed="address"
                )
        return self.async_show_form(
            step_id="address",
            data_schema=self.add_suggested_values_to_schema(
                ADDRESS_SCHEMA, self._typed
            ),
            errors=errors,
            description_placeholders={"error": await self._async_error_text()},
        )

    async def async_step_known_meter(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask whether a meter is wanted whose number is that of a configured one: it may be another all the same."""
        if (known := self._known_as()) is None:
            return await self.async_step_records()
        return self.async_show_menu(
            step_id="known_meter",
            menu_options=["records", "address"],
            description_placeholders={
                "address": str(self._asked.address),
                "known": known,
            },
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to change."""
        self._require_loaded()
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=[
                "choose_records",
                "edit_binding",
                "add_binding",
                "energy",
                "import_history",
                "meter_settings",
            ],
            description_placeholders={"meter": self._meter.title},
        )

    async def async_step_choose_records(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Read the meter anew; where it is silent, its last reading has to do."""
        return await self._async_read(self._meter, done="records", failed="records")

    async def async_step_records(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show every record with its value, and ask which ones become entities."""
        adding = self.source == SOURCE_USER
        bindings = [] if adding else self._bindings
        catalogue = await async_get_catalogue(self.hass)
        if user_input is not None:
            telegrams = self._offered.telegrams
            chosen = chosen_bindings(
                user_input[CONF_RECORDS],
                self._bound,
                telegrams,
                bindings,
                catalogue.interpret(telegrams, self._profile_choice),
                catalogue.block_fields(telegrams, self._profile_choice),
            )
            self._chosen = chosen
            new = [item for item in chosen if item not in bindings]
            if self._offered.error is None and await self._async_offer_history(
                self._with(new), self._offered
            ):
                return await self.async_step_history()
            return await self._async_keep_chosen(chosen)
        step_id, placeholders = await self._async_take_records()
        telegrams = self._offered.telegrams
        interpretations = catalogue.interpret(telegrams, self._profile_choice)
        fields = catalogue.block_fields(telegrams, self._profile_choice)
        self._bound = bound_records(bindings)
        options = record_options(
            telegrams,
            () if adding else self._meter.bindings.values(),
            await async_get_texts(self.hass),
            self._medium,
            interpretations,
            fields,
        )
        ticked = (
            sensible_records(telegrams, interpretations, fields)
            if adding
            else self._bound
        )
        schema = vol.Schema(
            {vol.Required(CONF_RECORDS, default=ticked): records_selector(options)}
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            description_placeholders={
                "meter": await self._async_title(),
                **placeholders,
            },
        )

    @override
    async def _async_end_history(self, reason: str) -> SubentryFlowResult:
        if self._chosen is None:
            return await super()._async_end_history(reason)
        return await self._async_keep_chosen(self._chosen)

    def _with(self, bindings: list[dict[str, Any]]) -> Meter:
        """Return the meter with these bindings alone."""
        meter = self._asked if self.source == SOURCE_USER else self._meter
        known = {item["id"]: Binding.from_dict(item) for item in bindings}
        return replace(meter, medium=self._medium, bindings=known)

    async def _async_keep_chosen(
        self, bindings: list[dict[str, Any]]
    ) -> SubentryFlowResult:
        if self.source != SOURCE_USER:
            return self._store({CONF_BINDINGS: bindings})
        assert self._readout
        catalogue = await async_get_catalogue(self.hass)
        return self.async_create_entry(
            title=await self._async_title(),
            data=meter_subentry_data(
                self._asked.address,
                self._readout,
                bindings,
                catalogue,
                self._asked.quirks,
            ),
            unique_id=meter_unique_id(self._asked.address),
        )

    @property
    def _profile_choice(self) -> str:
        return AUTOMATIC if self.source == SOURCE_USER else self._meter.profile

    @property
    def _medium(self) -> int | None:
        if self.source != SOURCE_USER:
            return self._meter.medium
        return self._offered.header.medium if self._offered.header else None

    async def _async_title(self) -> str:
        if self.source != SOURCE_USER:
            return self._meter.title
        texts = await async_get_texts(self.hass)
        return meter_title(self._offered.header, self._asked.address, texts)

    # One form, whose texts say how far what it shows can be trusted.
    async_step_records_incomplete = async_step_records
    async_step_records_last_reading = async_step_records

    async def _async_take_records(self) -> tuple[str, dict[str, str]]:
        """Take what was just read, or else the last reading; return the step that shows it, and what it names."""
        texts, data = await async_get_texts(self.hass), self._data
        now, readout = dt_util.utcnow(), self._readout
        if readout:
            self._offered = Reading(
                telegrams=readout.telegrams, time=now, error=readout.error
            )
        else:
            self._offered = data.reading or Reading(telegrams=(), time=now)
        if not (readout or data.is_heard):
            return "records_last_reading", {
                "error": fault_text(data, texts),
                "time": _time_text(data.reading),
            }
        problems = [telegram.problem for telegram in self._offered.telegrams]
        whys = [self._offered.error, *problems]
        if reasons := [reason_text(why, texts) for why in whys if why]:
            return "records_incomplete", {"error": ", ".join(reasons)}
        return "records", {}


def _time_text(reading: Reading | None) -> str:
    return dt_util.as_local(reading.time).strftime("%Y-%m-%d %H:%M") if reading else "–"
