"""The form of each kind of step of a transformation."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    TemplateSelector,
    TextSelector,
)
import voluptuous as vol

from ..meters.transformation import SECONDS, WHEN_ALWAYS, WHEN_MISSING


class _UncheckedTemplateSelector(TemplateSelector):
    """A template's field; the flow says what is wrong with it."""

    @override
    def __call__(self, data: Any) -> str:
        """Take any text."""
        return str(data)


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
    "damper": vol.Schema({vol.Required("lag"): _number(UnitOfTime.SECONDS)}),
    "script": vol.Schema({vol.Required("template"): _UncheckedTemplateSelector()}),
}
