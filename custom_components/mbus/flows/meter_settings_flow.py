"""Settings of a meter: its name and address, when it is read, its clock, and what it needs beyond the standard."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_ADDRESS, CONF_NAME
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from ..const import (
    CONF_BINDINGS,
    CONF_METER_CLOCK,
    CONF_ON_DEMAND,
    CONF_PERIOD,
    CONF_PROFILE,
    CONF_QUIRKS,
    METER_CLOCK_STANDARD,
    METER_CLOCK_SUMMER,
)
from ..meters.family import given_by, with_other_profile
from ..meters.meter import Meter, identity_data, meter_unique_id
from ..polling.adoption import (
    async_seams_of_exchange,
    async_take_out,
    seams_text,
    settings_after_exchange,
)
from ..polling.seams import Seam
from ..presentation.texts import async_get_texts
from ..presentation.titles import identity_text, title_after_exchange
from ..profiles.catalogue import AUTOMATIC, cached_catalogue
from ..protocol import Address, FrameError, Identity, Quirks, Telegram
from .adding import stored_address
from .fields import DAY, NEEDED_TEXT, MillisecondsSelector, Section, choice, shown
from .flow_errors import FieldErrors, meter_error
from .options_flow import SHORT_PERIOD
from .profile_choice import async_profile_options
from .quirks_form import (
    CONF_RESET,
    QUIRKS_SCHEMA,
    entered_quirks,
    leaving_application,
    quirks_form,
)
from .reading_flow import ReadingSteps


def _settings_schema(profiles: Sequence[SelectOptionDict]) -> vol.Schema:
    return vol.Schema(
        {
            vol.Required(CONF_NAME): NEEDED_TEXT,
            vol.Required(CONF_ADDRESS): TextSelector(),
            vol.Optional(CONF_PERIOD): MillisecondsSelector(
                1000, 7 * DAY, or_none=True
            ),
            vol.Required(CONF_ON_DEMAND): BooleanSelector(),
            vol.Required(CONF_METER_CLOCK): choice(
                METER_CLOCK_STANDARD,
                METER_CLOCK_SUMMER,
                translation_key=CONF_METER_CLOCK,
            ),
            vol.Required(CONF_PROFILE, default=AUTOMATIC): SelectSelector(
                SelectSelectorConfig(
                    options=list(profiles), mode=SelectSelectorMode.DROPDOWN
                )
            ),
            vol.Required(CONF_QUIRKS): Section(QUIRKS_SCHEMA, {"collapsed": True}),
        }
    )


class MeterSettingsSteps(ReadingSteps):
    """Step `meter_settings`. A new address is read before it is stored; who answers there has to be this meter or taken for it."""

    _settings: dict[str, Any] | None = None
    _seams: Sequence[Seam] = ()
    _address: Address

    async def async_step_meter_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the settings and say what is wrong with them; ask once more about a short period."""
        errors = meter_error(self._error) if self._error else {}
        if user_input is not None:
            self._settings = user_input
            self._error = None
            errors = self._check_settings(user_input)
            if not errors:
                return (
                    self._show_short_period()
                    if self._shortens(user_input)
                    else await self._async_apply()
                )
        return await self._async_show_settings(
            errors, error=await self._async_error_text()
        )

    async def _async_show_settings(
        self, errors: FieldErrors, **placeholders: str
    ) -> SubentryFlowResult:
        telegrams = self._last_reading.telegrams if self._last_reading else ()
        profiles = await async_profile_options(
            self.hass, telegrams, self._meter.profile
        )
        return self.async_show_form(
            step_id="meter_settings",
            data_schema=self.add_suggested_values_to_schema(
                _settings_schema(profiles), shown(self._settings or _form(self._meter))
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_short_period(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask again whether the meter is to be read that often."""
        return self._show_short_period()

    async def async_step_use_short_period(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Read the meter that often after all."""
        return await self._async_apply()

    async def async_step_moved(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Store the settings if it is this meter that answers at the new address; ask about another one."""
        expected, found = self._meter.identity, self._found.identity
        if expected is None or found is None or self._is_same(expected, found):
            return self._store_settings()
        if known := self._known_as():
            return await self._async_show_settings(
                {CONF_ADDRESS: "known_meter"}, known=known
            )
        assert self._readout
        texts, coordinator = await async_get_texts(self.hass), self._coordinator
        self._seams = await async_seams_of_exchange(
            coordinator, self._readout, self._after_exchange()[CONF_BINDINGS]
        )
        seams = seams_text(coordinator, self._seams)
        return self.async_show_menu(
            step_id="exchanged" if seams else "moved",
            menu_options=["adopt_meter", "meter_settings"],
            description_placeholders={
                "address": str(self._address),
                "expected": identity_text(expected, texts, found),
                "found": identity_text(found, texts, expected),
                "meter": self._meter.title,
                "seams": seams,
            },
        )

    async_step_exchanged = async_step_moved

    def _is_same(self, expected: Identity, found: Identity) -> bool:
        """Return whether the meter that answers is the one expected; a secondary address tells parts of one housing apart."""
        known = expected.version, expected.medium
        return expected.matches(found) and (
            isinstance(self._address, int)
            or None in known
            or known == (found.version, found.medium)
        )

    async def async_step_adopt_meter(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Store the settings and who answers: it takes this meter's place, with its entities and their history."""
        async_take_out(self._coordinator, self._seams)
        assert self._settings
        self._settings[CONF_NAME] = title_after_exchange(
            self._settings[CONF_NAME],
            self._meter.identity,
            self._found.identity,
            self._address,
            await async_get_texts(self.hass),
        )
        return self._store_settings(
            {
                **identity_data(self._found.header, self._found.identity),
                **self._after_exchange(),
            }
        )

    def _after_exchange(self) -> dict[str, Any]:
        assert self._readout and self._settings
        choice = self._settings[CONF_PROFILE]
        return settings_after_exchange(
            self._coordinator, self._subentry.data, self._readout, choice
        )

    @property
    def _found(self) -> Telegram:
        assert self._readout
        return self._readout.telegrams[0]

    def _check_settings(self, settings: Mapping[str, Any]) -> FieldErrors:
        address, errors = self._check_address(settings[CONF_ADDRESS])
        if address is not None:
            self._address = address
        quirks = settings[CONF_QUIRKS]
        # Of the fields of a section, no error is shown: it belongs to the section.
        if self._meter.quirks.ring and quirks[CONF_RESET] == "never":
            errors[CONF_QUIRKS] = "reset_needed"
        try:
            entered_quirks(quirks, Quirks())
        except FrameError, ValueError:
            errors[CONF_QUIRKS] = "invalid_frame"
        return errors

    def _shortens(self, settings: Mapping[str, Any]) -> bool:
        period = settings.get(CONF_PERIOD) or SHORT_PERIOD
        stored = self._subentry.data.get(CONF_PERIOD)
        return (
            not settings[CONF_ON_DEMAND] and period < SHORT_PERIOD and period != stored
        )

    def _show_short_period(self) -> SubentryFlowResult:
        assert self._settings
        return self.async_show_menu(
            step_id="short_period",
            menu_options=["use_short_period", "meter_settings"],
            description_placeholders={
                "seconds": f"{self._settings[CONF_PERIOD] / 1000:g}"
            },
        )

    async def _async_apply(self) -> SubentryFlowResult:
        assert self._settings
        if self._address == self._meter.address:
            return self._store_settings()
        moved = replace(
            self._meter,
            address=self._address,
            identity=None,
            quirks=entered_quirks(self._settings[CONF_QUIRKS], Quirks()),
        )
        return await self._async_read(moved, done="moved", failed="meter_settings")

    @property
    def _known_quirks(self) -> Quirks:
        """What was learnt of the meter at the address entered."""
        if self._address == self._meter.address or self._readout is None:
            return self._meter.quirks
        return Quirks().learnt_from(self._readout)

    def _store_settings(
        self, identity: Mapping[str, Any] | None = None
    ) -> SubentryFlowResult:
        assert self._settings
        quirks = entered_quirks(self._settings[CONF_QUIRKS], self._known_quirks)
        choice, chosen = self._settings[CONF_PROFILE], dict[str, Any]()
        if choice != self._meter.profile:
            telegrams = self._last_reading.telegrams if self._last_reading else ()
            new = cached_catalogue(self.hass).profile_for(telegrams, choice)
            quirks = with_other_profile(
                quirks, self._meter.profile_quirks, new.quirks if new else Quirks()
            )
            is_known = choice != AUTOMATIC or bool(telegrams)
            chosen = {CONF_PROFILE: choice, **given_by(new, is_known=is_known)}
        return self.async_update_and_abort(
            self._entry,
            self._subentry,
            title=self._settings[CONF_NAME],
            unique_id=meter_unique_id(self._address),
            data_updates={
                **(identity or {}),
                CONF_ADDRESS: stored_address(self._address),
                CONF_PERIOD: self._settings.get(CONF_PERIOD),
                CONF_ON_DEMAND: self._settings[CONF_ON_DEMAND],
                CONF_METER_CLOCK: self._settings[CONF_METER_CLOCK],
                **chosen,
                CONF_QUIRKS: leaving_application(quirks, self._meter.quirks).as_dict(),
            },
        )


def _form(meter: Meter) -> dict[str, Any]:
    """Return the form with a meter's settings as they are."""
    settings = {
        CONF_NAME: meter.title,
        CONF_ADDRESS: str(meter.address),
        CONF_PERIOD: meter.period and round(meter.period / timedelta(milliseconds=1)),
        CONF_ON_DEMAND: meter.on_demand,
        CONF_METER_CLOCK: meter.clock,
        CONF_PROFILE: meter.profile,
        CONF_QUIRKS: _given(quirks_form(meter.quirks)),
    }
    return _given(settings)


def _given(form: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in form.items() if value is not None}
