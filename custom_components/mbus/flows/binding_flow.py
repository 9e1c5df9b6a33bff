"""Changing a binding: which record it is for, what its entity is called and looks like, how it is written."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from math import inf
from typing import Any, Final

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from ..const import CONF_ACCESS, CONF_BINDINGS, CONF_INDEX, CONF_TELEGRAM, CONF_TITLE
from ..meters.binding import OUTDATED, Access, Binding
from ..meters.bound import rebound_to
from ..meters.evaluation import value_in
from ..meters.meter import stored_bindings
from ..meters.transformation import inverse
from ..presentation.amounts import amount_text
from ..presentation.described import described_of
from ..presentation.display import display_of
from ..presentation.entered_number import (
    CONF_MAXIMUM,
    CONF_MINIMUM,
    CONF_TEMPLATE,
    NumberRange,
    number_range,
)
from ..presentation.naming import binding_name
from ..presentation.texts import async_get_texts
from ..profiles.catalogue import cached_catalogue
from ..profiles.interpretation import Interpretations
from ..protocol import Telegram
from .adding import bind
from .fields import TextTemplateSelector, number
from .flow_errors import FieldErrors
from .presentation_form import (
    PRESENTATION,
    async_presentation_errors,
    entered_presentation,
    followed,
    presentation_fields,
)
from .reading_flow import ReadingSteps
from .step_forms import template_errors

CONF_BINDING: Final = "binding"
CONF_PRESENTATION: Final = "presentation"
CONF_WRITING: Final = "writing"

_TITLE: Final[Mapping[vol.Marker, Any]] = {vol.Optional(CONF_TITLE): TextSelector()}
_ACCESS: Final[Mapping[vol.Marker, Any]] = {
    vol.Required(CONF_ACCESS): SelectSelector(
        SelectSelectorConfig(
            options=[access.lower() for access in Access],
            mode=SelectSelectorMode.DROPDOWN,
            translation_key=CONF_ACCESS,
        )
    )
}
_PLACE: Final[Mapping[vol.Marker, Any]] = {
    vol.Required(CONF_TELEGRAM): number(0, 255),
    vol.Required(CONF_INDEX): number(0, 255),
}
ADD_SCHEMA: Final = vol.Schema({**_PLACE, **_TITLE})


class BindingSteps(ReadingSteps):
    """Steps `add_binding`, and `edit_binding` → `binding` → `binding_settings` or `writing`."""

    _binding_id: str

    @property
    def _bindings(self) -> list[dict[str, Any]]:
        """The meter's bindings as they are stored."""
        return stored_bindings(self._subentry.data)

    @property
    def _binding(self) -> Binding:
        """The binding that is being changed; where it was deleted meanwhile, the flow ends."""
        return Binding.from_dict(self._changed_binding({}))

    def _changed_binding(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what would be stored of the binding with something changed."""
        for item in self._bindings:
            if item["id"] == self._binding_id:
                return {**item, **changes}
        raise AbortFlow("binding_deleted")

    def _store_binding(self, changes: Mapping[str, Any]) -> SubentryFlowResult:
        """End the flow with something changed in the binding's data."""
        changed = self._changed_binding(changes)
        return self._store(
            {
                CONF_BINDINGS: [
                    changed if item["id"] == self._binding_id else item
                    for item in self._bindings
                ]
            }
        )

    async def async_step_add_binding(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the numbers of a record, whether it was ever read or not."""
        errors: FieldErrors = {}
        if user_input is not None:
            place = user_input[CONF_TELEGRAM], user_input[CONF_INDEX]
            errors = self._place_errors(*place)
            if not errors:
                binding = self._new_binding(*place) | {
                    CONF_TITLE: user_input.get(CONF_TITLE)
                }
                return self._store({CONF_BINDINGS: [*self._bindings, binding]})
        return self.async_show_form(
            step_id="add_binding",
            data_schema=self.add_suggested_values_to_schema(ADD_SCHEMA, user_input),
            errors=errors,
        )

    async def async_step_edit_binding(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which binding to change."""
        if user_input is not None:
            self._binding_id = user_input[CONF_BINDING]
            return await self.async_step_binding()
        texts = await async_get_texts(self.hass)
        options = [
            SelectOptionDict(
                value=binding.id,
                label=f"{binding.telegram}.{'–' if binding.index is None else binding.index}"
                f" · {binding_name(binding, texts)}",
            )
            for binding in sorted(
                self._meter.bindings.values(),
                key=lambda binding: (
                    binding.telegram,
                    inf if binding.index is None else binding.index,
                ),
            )
        ]
        if not options:
            return self.async_abort(reason="no_bindings")
        selector = SelectSelector(
            SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST)
        )
        return self.async_show_form(
            step_id="edit_binding",
            data_schema=vol.Schema({vol.Required(CONF_BINDING): selector}),
            last_step=False,
        )

    async def async_step_binding(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to change of the binding."""
        options = ["binding_settings", "transformation"]
        if self._binding.access.writes:
            options.append("writing")
        return self.async_show_menu(
            step_id="binding",
            menu_options=options,
            description_placeholders=await self._async_binding_placeholders(),
        )

    async def async_step_binding_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which record the binding is for and how its entity is presented."""
        binding, medium = self._binding, self._meter.medium
        errors: FieldErrors = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            changes = self._entered(user_input)
            changed = Binding.from_dict(self._changed_binding(changes))
            value = value_in(changed, self._last_telegrams)
            errors, placeholders = await async_presentation_errors(
                self.hass, changed, medium, value
            )
            if changed.index is not None:
                errors |= self._place_errors(changed.telegram, changed.index)
            if (
                changed.access.writes
                and changed.signature
                and described_of(changed, medium).control is None
            ):
                errors[CONF_ACCESS] = "not_writable"
            if not errors:
                return self._store_binding(changes)
        # What the manufacturer's bytes hold has no index, and can't be written.
        place = {} if binding.block else {**_ACCESS, **_PLACE}
        schema = vol.Schema({**_TITLE, **place, **presentation_fields(binding, medium)})
        return self.async_show_form(
            step_id="binding_settings",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or _settings(binding, medium)
            ),
            errors=errors,
            description_placeholders=await self._async_binding_placeholders()
            | placeholders,
        )

    async def async_step_writing(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what may be entered, and how the record's value follows from it."""
        binding, medium = self._binding, self._meter.medium
        errors: FieldErrors = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            errors, placeholders = await self._async_writing_errors(
                binding, medium, user_input
            )
            if not errors:
                return self._store_binding({CONF_WRITING: user_input})
        return self.async_show_form(
            step_id="writing",
            data_schema=self.add_suggested_values_to_schema(
                _writing_schema(binding, medium), user_input or binding.writing
            ),
            errors=errors,
            description_placeholders=await self._async_binding_placeholders()
            | placeholders,
        )

    async def _async_writing_errors(
        self, binding: Binding, medium: int | None, writing: Mapping[str, Any]
    ) -> tuple[FieldErrors, dict[str, str]]:
        """Return what can't be of the form for writing, and what the texts name."""
        if template := writing.get(CONF_TEMPLATE):
            if (errors := template_errors(self.hass, template))[0]:
                return errors
        else:
            try:
                inverse(binding.transformations, 1)
            except ServiceValidationError:
                return {CONF_TEMPLATE: "write_template_needed"}, {}
        minimum, maximum = writing.get(CONF_MINIMUM), writing.get(CONF_MAXIMUM)
        if minimum is not None and maximum is not None and minimum >= maximum:
            return {CONF_MAXIMUM: "maximum_not_above_minimum"}, {}
        if (numbers := _enterable(binding, medium, template)) is None:
            return {}, {}
        texts = await async_get_texts(self.hass)
        return {
            key: "not_codable"
            for key in (CONF_MINIMUM, CONF_MAXIMUM)
            if not numbers.minimum
            <= writing.get(key, numbers.minimum)
            <= numbers.maximum
        }, {
            "minimum": amount_text(numbers.minimum, numbers.unit, texts),
            "maximum": amount_text(numbers.maximum, numbers.unit, texts),
        }

    async def _async_binding_placeholders(self) -> dict[str, str]:
        return {
            "binding": binding_name(self._binding, await async_get_texts(self.hass))
        }

    def _entered(self, user_input: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form of the settings changes in the binding's data."""
        shown = {
            CONF_TITLE: user_input.get(CONF_TITLE),
            CONF_PRESENTATION: entered_presentation(
                self._binding, self._meter.medium, user_input
            ),
        }
        if self._binding.block:
            return shown
        place = user_input[CONF_TELEGRAM], user_input[CONF_INDEX]
        moved = place != (self._binding.telegram, self._binding.index)
        return {
            **(self._bound_to(*place, self._changed_binding({})) if moved else {}),
            CONF_ACCESS: user_input[CONF_ACCESS].upper(),
            **shown,
        }

    @property
    def _interpretations(self) -> Interpretations:
        catalogue = cached_catalogue(self.hass)
        return catalogue.interpret(self._last_telegrams, self._meter.profile)

    @property
    def _last_telegrams(self) -> tuple[Telegram, ...]:
        return self._last_reading.telegrams if self._last_reading else ()

    def _place_errors(self, telegram: int, index: int) -> FieldErrors:
        """Return which of the numbers can't be: the last reading came so far, and there is nothing."""
        telegrams = self._last_telegrams
        if telegram < len(telegrams):
            cut = telegrams[telegram].problem is not None
            there = index < len(telegrams[telegram].records) or cut
            return {} if there else {CONF_INDEX: "no_such_record"}
        ended = telegrams and not telegrams[-1].more_records_follow
        return {CONF_TELEGRAM: "no_such_telegram"} if ended else {}

    def _new_binding(self, telegram: int, index: int) -> dict[str, Any]:
        """Return a binding to a record; one never read gets its meaning from the first readout."""
        taken = [item["name"] for item in self._bindings]
        if self._was_read(telegram, index):
            return bind(
                self._last_telegrams, telegram, index, taken, self._interpretations
            )
        name = f"telegram_{telegram}_record_{index}"
        names = (f"{name}_{number}" if number > 1 else name for number in count(1))
        binding = {
            "id": ulid_now(),
            "name": next(name for name in names if name not in taken),
            CONF_ACCESS: Access.READ,
        }
        return self._bound_to(telegram, index, binding)

    def _bound_to(
        self, telegram: int, index: int, item: Mapping[str, Any]
    ) -> dict[str, Any]:
        if self._was_read(telegram, index):
            return rebound_to(
                item, self._last_telegrams, telegram, index, self._interpretations
            )
        unread = {
            "signature": None,
            "unit": None,
            "header": "",
            "layout": None,
            "interpretation": None,
            OUTDATED: False,
        }
        return {**item, CONF_TELEGRAM: telegram, CONF_INDEX: index, **unread}

    def _was_read(self, telegram: int, index: int) -> bool:
        telegrams = self._last_telegrams
        return telegram < len(telegrams) and index < len(telegrams[telegram].records)


def _settings(binding: Binding, medium: int | None) -> dict[str, Any]:
    """Return the form of the settings as they are, and where nothing is set, as it follows from the record."""
    settings = {
        CONF_TITLE: binding.title,
        CONF_ACCESS: binding.access.lower(),
        CONF_TELEGRAM: binding.telegram,
        CONF_INDEX: binding.index,
        **{key: getattr(binding.presentation, key) for key in PRESENTATION},
    }
    return followed(binding, medium) | {
        key: value for key, value in settings.items() if value is not None
    }


def _enterable(
    binding: Binding, medium: int | None, template: str | None
) -> NumberRange | None:
    """Return which numbers the record can take whatever its limits; None where it takes none or was never read."""
    unlimited = {CONF_MINIMUM: -inf, CONF_MAXIMUM: inf, CONF_TEMPLATE: template}
    if not binding.header:
        return None
    return number_range(
        replace(binding, writing=unlimited), display_of(binding, medium)
    )


def _writing_schema(binding: Binding, medium: int | None) -> vol.Schema:
    """Return the form for writing; limits are for numbers, and for a record of which nothing is known yet."""
    template = {vol.Optional(CONF_TEMPLATE): TextTemplateSelector()}
    numbers = _enterable(binding, medium, None)
    if numbers is None and binding.header:
        return vol.Schema(template)
    config = NumberSelectorConfig(step="any", mode=NumberSelectorMode.BOX)
    if numbers and numbers.unit:
        config["unit_of_measurement"] = numbers.unit
    limit = NumberSelector(config)
    return vol.Schema(
        {
            vol.Optional(CONF_MINIMUM): limit,
            vol.Optional(CONF_MAXIMUM): limit,
            **template,
        }
    )
