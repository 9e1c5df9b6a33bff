"""Editing a binding's chain of transformations: its steps, a check of what they make of the value, and its unit."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partialmethod
import math
from typing import Any, Final

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_BASE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import TemplateError
from homeassistant.helpers.selector import (
    ObjectSelector,
    ObjectSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.helpers.template import Template
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from ..const import CONF_TRANSFORMATIONS
from ..meters.binding import Binding, Presentation
from ..meters.evaluation import evaluate_binding, value_in
from ..meters.transformation import WHEN_ALWAYS, Step, is_number
from ..presentation.description import sensor_description, transformed_result
from ..presentation.display import display_of
from ..presentation.native_value import guard_of
from ..presentation.resulting import Resulting
from ..presentation.texts import async_get_texts, option_key
from ..protocol import SECRET_QUANTITIES
from .binding_flow import CONF_PRESENTATION, BindingSteps
from .flow_errors import FieldErrors
from .presentation_form import (
    CONF_PRECISION,
    CONF_UNIT,
    PRESENTATION,
    async_presentation_errors,
    presentation_fields,
)
from .step_forms import STEP_FORMS

CONF_STEP: Final = "step"
CONF_STEPS: Final = "steps"


class TransformationSteps(BindingSteps):
    """Step `transformation`, from which steps of the chain are added, changed, moved, checked and stored."""

    _chain: list[dict[str, Any]] | None = None
    _place: int | None = None

    @property
    def _steps(self) -> list[dict[str, Any]]:
        """The chain as it is drafted."""
        if self._chain is None:
            self._chain = [dict(step) for step in self._binding.transformations]
        return self._chain

    async def async_step_transformation(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the steps in order and ask what to do with them."""
        options = ["add_step"]
        if self._steps:
            options += ["change_step", "arrange_steps"]
        if self._steps or self._binding.transformations:
            options.append("check_transformation")
        return self.async_show_menu(
            step_id="transformation",
            menu_options=options,
            description_placeholders=await self._async_binding_placeholders()
            | {"steps": "\n".join(await self._async_labels()) or "–"},
        )

    async def async_step_add_step(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the type of a new step."""
        self._place = None
        return self.async_show_menu(step_id="add_step", menu_options=list(STEP_FORMS))

    async def async_step_change_step(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which step to change."""
        if user_input is not None:
            self._place = int(user_input[CONF_STEP])
            return await self._async_step_form(self._steps[self._place]["type"])
        options = [
            SelectOptionDict(value=str(place), label=label)
            for place, label in enumerate(await self._async_labels())
        ]
        selector = SelectSelector(
            SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST)
        )
        return self.async_show_form(
            step_id="change_step",
            data_schema=vol.Schema({vol.Required(CONF_STEP): selector}),
            last_step=False,
        )

    async def _async_step_form(
        self, kind: str, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the parameters of a step."""
        errors: FieldErrors = {}
        placeholders: dict[str, str] = {}
        present = {} if self._place is None else self._steps[self._place]
        if user_input is not None:
            step = _entered(user_input)
            errors, placeholders = _step_errors(self.hass, kind, step)
            if not errors:
                step |= {"type": kind, "id": present.get("id", ulid_now())}
                if self._place is None:
                    self._steps.append(step)
                else:
                    self._steps[self._place] = step
                return await self.async_step_transformation()
        return self.async_show_form(
            step_id=kind,
            data_schema=self.add_suggested_values_to_schema(
                STEP_FORMS[kind], user_input or present
            ),
            errors=errors,
            description_placeholders=placeholders,
            last_step=False,
        )

    async_step_scaling = partialmethod(_async_step_form, "scaling")
    async_step_default_value = partialmethod(_async_step_form, "default_value")
    async_step_limit_control = partialmethod(_async_step_form, "limit_control")
    async_step_integration = partialmethod(_async_step_form, "integration")
    async_step_derivative = partialmethod(_async_step_form, "derivative")
    async_step_damper = partialmethod(_async_step_form, "damper")
    async_step_script = partialmethod(_async_step_form, "script")

    async def async_step_arrange_steps(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the steps as a list in which they are moved and deleted."""
        labels = await self._async_labels()
        errors: FieldErrors = {}
        if user_input is not None:
            arranged = [item[CONF_STEP] for item in user_input.get(CONF_STEPS, ())]
            if len(set(arranged)) == len(arranged):
                self._chain = [self._steps[labels.index(label)] for label in arranged]
                return await self.async_step_transformation()
            errors = {CONF_STEPS: "step_twice"}
        # What was deleted can be added again: the list offers the steps there are, and no others.
        field = SelectSelector(
            SelectSelectorConfig(options=labels, mode=SelectSelectorMode.LIST)
        )
        steps = ObjectSelector(
            ObjectSelectorConfig(
                fields={CONF_STEP: {"selector": field, "required": True}},
                multiple=True,
                label_field=CONF_STEP,
                translation_key="transformation_steps",
            )
        )
        return self.async_show_form(
            step_id="arrange_steps",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Optional(CONF_STEPS): steps}),
                {CONF_STEPS: [{CONF_STEP: label} for label in labels]},
            ),
            errors=errors,
            last_step=False,
        )

    async def async_step_check_transformation(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the present value as it was read and after each step, before anything is stored."""
        raw, trace, problem = self._tried()
        values = [
            f"{label} → **{value}**"
            for label, value in zip(await self._async_labels(), trace, strict=True)
        ]
        return self.async_show_menu(
            step_id="check_transformation",
            menu_options=["save_transformation", "transformation"],
            description_placeholders=await self._async_binding_placeholders()
            | {"raw": raw, "values": "\n".join(values) or "–", "problem": problem},
        )

    async def async_step_save_transformation(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Store the chain; where its output may be another thing than before, ask first how it is shown."""
        result = self._resulting(self._steps)
        as_before = result == self._resulting(self._binding.transformations)
        as_read = result == self._resulting(())
        presented = _presented(self._binding)
        if result.certain and (as_before or (as_read and not presented)):
            return self._store_binding({CONF_TRANSFORMATIONS: self._steps})
        if as_read:
            proposed = {}
        elif as_before and presented:
            proposed = presented
        else:
            proposed = asdict(result)
        proposed[CONF_PRECISION] = self._binding.presentation.precision
        return self._show_result(
            {
                key: value
                for key in PRESENTATION
                if (value := proposed.get(key)) is not None
            }
        )

    async def async_step_transformation_result(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Store the chain and how its output is shown."""
        if user_input is None:
            return await self.async_step_save_transformation()
        changes = {CONF_TRANSFORMATIONS: self._steps, CONF_PRESENTATION: user_input}
        changed = Binding.from_dict(self._changed_binding(changes))
        value = value_in(changed, self._last_telegrams)
        errors, placeholders = await async_presentation_errors(
            self.hass, changed, self._meter.medium, value
        )
        result = self._resulting(self._steps)
        if result.unit and not result.certain and CONF_UNIT not in user_input:
            errors[CONF_UNIT] = "unit_needed"
        if errors:
            return self._show_result(user_input, errors, placeholders)
        return self._store_binding(changes)

    def _show_result(
        self,
        proposed: Mapping[str, Any],
        errors: FieldErrors | None = None,
        placeholders: Mapping[str, str] | None = None,
    ) -> SubentryFlowResult:
        draft = replace(
            self._binding,
            transformations=tuple(self._steps),
            presentation=Presentation(**proposed),
        )
        fields = presentation_fields(draft, self._meter.medium)
        return self.async_show_form(
            step_id="transformation_result",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(dict(fields)), proposed
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _resulting(self, steps: Sequence[Step]) -> Resulting:
        """Return what steps make of the unit and classes of the record."""
        read = replace(self._binding, transformations=(), presentation=Presentation())
        description = sensor_description(read, self._meter.medium)
        return transformed_result(
            replace(self._binding, transformations=tuple(steps)), description
        )

    def _tried(self) -> tuple[str, list[str], str]:
        """Return the value of the last reading as it was read and after each step, and what is wrong with it."""
        binding = replace(self._binding, transformations=tuple(self._steps))
        nothing = ["–"] * len(self._steps)
        coordinator = self._runtime.coordinators[self._reconfigure_subentry_id]
        if coordinator.data.reading is None:
            return "–", nothing, ""
        if binding.signature and binding.signature.quantity in SECRET_QUANTITIES:
            return "••••", ["••••" for _ in nothing], ""
        medium = coordinator.meter.medium
        result, _, outcome = evaluate_binding(
            binding,
            coordinator.data.reading,
            coordinator.meter,
            guard_of(binding, display_of(binding, medium)),
            self._runtime.store.memory(binding.id),
            period=coordinator.period,
            hass=self.hass,
        )
        unit = binding.unit if is_number(result.raw) else None
        raw = " ".join(filter(None, (_shown(result.raw), unit)))
        return raw, [_shown(value) for value in outcome.trace], result.reason or ""

    async def _async_labels(self) -> list[str]:
        """Return the steps as a numbered list."""
        texts = await async_get_texts(self.hass)
        return [
            ": ".join(
                filter(
                    None,
                    (
                        f"{place}. {texts[option_key('transformation', step['type'])]}",
                        _summary(step),
                    ),
                )
            )
            for place, step in enumerate(self._steps, 1)
        ]


def _presented(binding: Binding) -> dict[str, Any]:
    """Return what is set of unit and classes."""
    given = asdict(binding.presentation)
    del given[CONF_PRECISION]
    return {key: value for key, value in given.items() if value is not None}


def _entered(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a step as they are stored: a number that is whole without a point."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in user_input.items()
    }


def _step_errors(
    hass: HomeAssistant, kind: str, step: Mapping[str, Any]
) -> tuple[FieldErrors, dict[str, str]]:
    """Return which parameters of a step can't be, and what their texts name."""
    errors = {
        key: "not_finite"
        for key, value in step.items()
        if isinstance(value, float) and not math.isfinite(value)
    }
    match kind:
        case "scaling" if step["factor"] == 0:
            errors["factor"] = "factor_zero"
        case "limit_control" if "lower" not in step and "upper" not in step:
            errors[CONF_BASE] = "no_limit"
        case "limit_control" if step.get("lower", -math.inf) > step.get(
            "upper", math.inf
        ):
            errors["upper"] = "upper_below_lower"
        case "damper" if not step["lag"] > 0:
            errors["lag"] = "not_positive"
        case "script":
            try:
                Template(step["template"], hass).ensure_valid()
            except TemplateError as err:
                return {"template": "invalid_template"}, {"error": str(err)}
    return errors, {}


def _summary(step: Step) -> str:
    """Return the parameters of a step in short, without words."""
    match step["type"]:
        case "scaling":
            shift = step["shift"]
            return f"× {step['factor']}" + (
                f" {'+' if shift > 0 else '−'} {abs(shift)}" if shift else ""
            )
        case "default_value":
            return (
                f"= {step['value']}"
                if step["when"] == WHEN_ALWAYS
                else str(step["value"])
            )
        case "limit_control":
            return f"{step.get('lower', '−∞')} … {step.get('upper', '∞')}"
        case "integration" | "derivative":
            return str(step["time_unit"])
        case "damper":
            return f"{step['lag']} s"
    return ""


def _shown(value: Any) -> str:
    """Return a value without the digits that only a float's rounding adds."""
    match value:
        case None:
            return "–"
        case float():
            return f"{value:.12g}"
        case bytes():
            return value.hex().upper()
    return str(value)
