"""Editing a binding's chain of transformations: its steps, a check of what they make of the value, and its unit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partialmethod
from typing import Any, Final

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_BASE
from homeassistant.helpers.selector import SelectOptionDict, SelectSelectorConfig
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from ..const import CONF_TRANSFORMATIONS
from ..meters.binding import Binding, Presentation
from ..meters.evaluation import evaluate_binding, value_in
from ..meters.reading import Result
from ..meters.transformation import STEP_TYPES, Outcome, Step, is_number
from ..presentation.amounts import amount_text
from ..presentation.described import described_of
from ..presentation.description import transformed_result
from ..presentation.display import HIDDEN, display_of, value_text
from ..presentation.reasons import reason_text
from ..presentation.resulting import Resulting
from ..presentation.texts import async_get_texts, option_key
from .binding_flow import CONF_PRESENTATION, BindingSteps
from .flow_errors import FieldErrors
from .presentation_form import (
    CONF_PRECISION,
    CONF_UNIT,
    PRESENTATION,
    async_presentation_errors,
    presentation_fields,
)
from .step_forms import STEP_FORMS, OrderSelector, entered, step_errors, summary

CONF_STEPS: Final = "steps"
MOST_STEPS: Final = 9
"""How many steps the menu has texts for."""

_EXAMPLE: Final = "{{ value / 2 }}"


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
        """Show the steps in order, of which each opens its form, and ask what to do with them."""
        labels = (await self._async_labels())[:MOST_STEPS]
        steps = {f"step_{place}": label for place, label in enumerate(labels, 1)}
        options = [*steps]
        if len(self._steps) < MOST_STEPS:
            options.append("add_step")
        if self._steps:
            options.append("arrange_steps")
        if self._steps or self._binding.transformations:
            options.append("check_transformation")
        return self.async_show_menu(
            step_id="transformation",
            menu_options=options,
            description_placeholders=await self._async_binding_placeholders() | steps,
        )

    async def async_step_add_step(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the type of a new step."""
        self._place = None
        return self.async_show_menu(step_id="add_step", menu_options=list(STEP_FORMS))

    async def _async_change_step(
        self, place: int, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Open the form of a step."""
        self._place = place
        return await self._async_step_form(self._steps[place]["type"])

    async_step_step_1 = partialmethod(_async_change_step, 0)
    async_step_step_2 = partialmethod(_async_change_step, 1)
    async_step_step_3 = partialmethod(_async_change_step, 2)
    async_step_step_4 = partialmethod(_async_change_step, 3)
    async_step_step_5 = partialmethod(_async_change_step, 4)
    async_step_step_6 = partialmethod(_async_change_step, 5)
    async_step_step_7 = partialmethod(_async_change_step, 6)
    async_step_step_8 = partialmethod(_async_change_step, 7)
    async_step_step_9 = partialmethod(_async_change_step, 8)

    async def _async_step_form(
        self, kind: str, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the parameters of a step."""
        errors: FieldErrors = {}
        placeholders: dict[str, str] = {}
        present = {} if self._place is None else self._steps[self._place]
        if user_input is not None:
            step = entered(user_input)
            errors, placeholders = step_errors(
                self.hass, kind, step, for_number=self._is_number
            )
            step |= {"type": kind, "id": present.get("id", ulid_now())}
            steps = [*self._steps]
            if self._place is None:
                steps.append(step)
            else:
                steps[self._place] = step
            if not errors:
                errors, placeholders = self._chain_errors(steps, CONF_BASE)
            if not errors:
                self._chain = steps
                return await self.async_step_transformation()
        return self.async_show_form(
            step_id=kind,
            data_schema=self.add_suggested_values_to_schema(
                STEP_FORMS[kind], user_input or present
            ),
            errors=errors,
            description_placeholders={"example": _EXAMPLE, **placeholders},
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
        errors: FieldErrors = {}
        placeholders: dict[str, str] = {}
        places = [str(place) for place in range(len(self._steps))]
        if user_input is not None:
            order = dict.fromkeys(user_input.get(CONF_STEPS, ()))
            steps = [self._steps[int(place)] for place in order]
            errors, placeholders = self._chain_errors(steps, CONF_STEPS)
            if not errors:
                self._chain = steps
                return await self.async_step_transformation()
        options = [
            SelectOptionDict(value=place, label=label)
            for place, label in zip(places, await self._async_labels(), strict=True)
        ]
        selector = OrderSelector(SelectSelectorConfig(options=options, multiple=True))
        return self.async_show_form(
            step_id="arrange_steps",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Optional(CONF_STEPS): selector}), {CONF_STEPS: places}
            ),
            errors=errors,
            description_placeholders=placeholders,
            last_step=False,
        )

    async def async_step_check_transformation(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the present value as it was read and after each step, before anything is stored."""
        raw, trace, problem = await self._async_tried()
        values = [
            f"{label} → {made}"
            for label, made in zip(await self._async_labels(), trace, strict=True)
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
        if result.certain and not presented and (as_before or as_read):
            return self._store_binding({CONF_TRANSFORMATIONS: self._steps})
        if result.certain and as_before:
            # What is set may not go with the steps, though they make of the record what the others did.
            return await self.async_step_transformation_result(
                _given(self._binding.presentation)
            )
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
        binding = replace(self._binding, transformations=tuple(steps))
        return transformed_result(binding, self._meter.medium)

    @property
    def _is_number(self) -> bool:
        """Whether a number is to come out: the record is one, and no script may make something else of it."""
        read = replace(self._binding, transformations=(), presentation=Presentation())
        scripts = any(step["type"] == "script" for step in self._steps)
        return display_of(read, self._meter.medium).is_numeric and not scripts

    @property
    def _is_secret(self) -> bool:
        return display_of(self._binding, self._meter.medium).is_secret

    def _evaluated(self, steps: Sequence[Step]) -> tuple[Result, Outcome] | None:
        """Return what a chain makes of the last reading; None where there is none."""
        coordinator = self._coordinator
        if coordinator.data.reading is None:
            return None
        binding = replace(self._binding, transformations=tuple(steps))
        result, _, outcome = evaluate_binding(
            binding,
            coordinator.data.reading,
            coordinator.meter,
            described_of(binding, coordinator.meter.medium).guard,
            self._runtime.store.memory(binding.id),
            hass=self.hass,
        )
        return result, outcome

    def _chain_errors(
        self, steps: Sequence[Step], field: str
    ) -> tuple[FieldErrors, dict[str, str]]:
        """Return why a chain can't work: a step would compute with a text. What a script gives may change."""
        if (evaluated := self._evaluated(steps)) is None:
            return {}, {}
        result, outcome = evaluated
        value = result.raw
        for step, output in zip(steps, outcome.trace, strict=True):
            if step["type"] == "script":
                break
            if STEP_TYPES[step["type"]].numeric and not (
                value is None or is_number(value)
            ):
                shown = HIDDEN if self._is_secret else value_text(value)
                return {field: "step_needs_number"}, {"value": shown}
            value = output
        return {}, {}

    async def _async_tried(self) -> tuple[str, list[str], str]:
        """Return the value of the last reading as it was read and after each step, and what is wrong with it."""
        nothing = ["**–**" for _ in self._steps]
        if (evaluated := self._evaluated(self._steps)) is None:
            return "–", nothing, ""
        if self._is_secret:
            return HIDDEN, [f"**{HIDDEN}**" for _ in nothing], ""
        result, outcome = evaluated
        texts = await async_get_texts(self.hass)
        raw = amount_text(result.raw, self._binding.value_unit, texts)
        made = [
            f"**{amount_text(value, unit, texts)}**"
            + (f" ({reason_text(reason, texts)})" if reason else "")
            for value, unit, reason in zip(
                outcome.trace, self._units(), outcome.reasons, strict=True
            )
        ]
        problem = result.record.problem if result.record else None
        why = problem or (None if outcome.error else result.reason)
        return raw, made, reason_text(why, texts) if why else ""

    def _units(self) -> Iterator[str | None]:
        """Return the unit after each step; None from where a factor or a script may have made it any other one."""
        unit, is_known = self._binding.value_unit, True
        for count, step in enumerate(self._steps, 1):
            result = self._resulting(self._steps[:count])
            if step["type"] in ("scaling", "script") and not result.certain:
                is_known = is_known and result.unit != unit
            unit = result.unit
            yield unit if is_known else None

    async def _async_labels(self) -> list[str]:
        """Return the steps as a numbered list."""
        texts = await async_get_texts(self.hass)
        return [
            ": ".join(
                filter(
                    None,
                    (
                        f"{place}. {texts[option_key('transformation', step['type'])]}",
                        summary(step, texts),
                    ),
                )
            )
            for place, step in enumerate(self._steps, 1)
        ]


def _given(presentation: Presentation) -> dict[str, Any]:
    """Return what is set of a presentation."""
    return {
        key: value for key, value in asdict(presentation).items() if value is not None
    }


def _presented(binding: Binding) -> dict[str, Any]:
    """Return what is set of unit and classes."""
    return _given(replace(binding.presentation, precision=None))
