"""Steps of a transformation: the form of each kind, what can't be in it, and a step in short."""

from collections.abc import Mapping
import math
from typing import Any, override

from homeassistant.const import CONF_BASE, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import TemplateError
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
from homeassistant.helpers.template import Template
import voluptuous as vol

from ..meters.transformation import SECONDS, WHEN_ALWAYS, WHEN_MISSING, Step
from ..presentation.amounts import number_text
from ..presentation.texts import Texts
from .fields import TextTemplateSelector
from .flow_errors import FieldErrors


class OrderSelector(SelectSelector):
    """Options that are dragged into their order; one that was taken out can be put in again."""

    @override
    def serialize(self) -> Any:
        """Tell the frontend, which knows more of a selection than its schema says."""
        return {"selector": {"select": {**self.config, "reorder": True}}}


def _number(unit: str | None = None) -> NumberSelector:
    config = NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any")
    if unit:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


_TIME_UNIT = SelectSelector(
    SelectSelectorConfig(options=[*SECONDS], translation_key="time_unit")
)
_WHEN = SelectSelector(
    SelectSelectorConfig(options=[WHEN_MISSING, WHEN_ALWAYS], translation_key="when")
)

STEP_FORMS: Mapping[str, vol.Schema] = {
    "scaling": vol.Schema(
        {
            vol.Required("factor", default=1): _number(),
            vol.Required("shift", default=0): _number(),
        }
    ),
    "default_value": vol.Schema(
        {
            vol.Required("value"): TextSelector(),
            vol.Required("when", default=WHEN_MISSING): _WHEN,
        }
    ),
    "limit_control": vol.Schema(
        {vol.Optional("lower"): _number(), vol.Optional("upper"): _number()}
    ),
    "integration": vol.Schema(
        {vol.Required("time_unit", default=UnitOfTime.HOURS): _TIME_UNIT}
    ),
    "derivative": vol.Schema(
        {vol.Required("time_unit", default=UnitOfTime.HOURS): _TIME_UNIT}
    ),
    "damper": vol.Schema(
        {vol.Required("lag", default=60): _number(UnitOfTime.SECONDS)}
    ),
    "script": vol.Schema({vol.Required("template"): TextTemplateSelector()}),
}


def entered(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a step as they are stored: a number that is whole without a point."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in user_input.items()
    }


def step_errors(
    hass: HomeAssistant, kind: str, step: Mapping[str, Any], *, for_number: bool
) -> tuple[FieldErrors, dict[str, str]]:
    """Return which parameters of a step can't be, and what their texts name; `for_number`: a number is to come out."""
    errors = {
        key: "not_finite"
        for key, value in step.items()
        if isinstance(value, float) and not math.isfinite(value)
    }
    match kind:
        case "scaling" if step["factor"] == 0:
            errors["factor"] = "factor_zero"
        case "default_value" if for_number and not _is_number_text(step["value"]):
            errors["value"] = "default_not_a_number"
        case "default_value" if not step["value"].strip():
            errors["value"] = "value_needed"
        case "limit_control" if "lower" not in step and "upper" not in step:
            errors[CONF_BASE] = "no_limit"
        case "limit_control" if step.get("lower", -math.inf) > step.get(
            "upper", math.inf
        ):
            errors["upper"] = "upper_below_lower"
        case "damper" if not step["lag"] > 0:
            errors["lag"] = "not_positive"
        case "script":
            return template_errors(hass, step["template"])
    return errors, {}


def template_errors(
    hass: HomeAssistant, template: str
) -> tuple[FieldErrors, dict[str, str]]:
    """Return whether the field of a template holds what is none, and why."""
    try:
        Template(template, hass).ensure_valid()
    except TemplateError as err:
        return {"template": "invalid_template"}, {"error": str(err)}
    return {}, {}


def _is_number_text(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def summary(step: Step, texts: Texts) -> str:
    """Return the parameters of a step in short, without words."""
    match step["type"]:
        case "scaling":
            shift = step["shift"]
            return f"× {number_text(step['factor'], texts)}" + (
                f" {'+' if shift > 0 else '−'} {number_text(abs(shift), texts)}"
                if shift
                else ""
            )
        case "default_value":
            return (
                f"= {step['value']}"
                if step["when"] == WHEN_ALWAYS
                else str(step["value"])
            )
        case "limit_control":
            lower, upper = (
                number_text(step[limit], texts) if limit in step else infinity
                for limit, infinity in (("lower", "−∞"), ("upper", "∞"))
            )
            return f"{lower} … {upper}"
        case "integration" | "derivative":
            return str(step["time_unit"])
        case "damper":
            return f"{number_text(step['lag'], texts)} s"
    return ""
