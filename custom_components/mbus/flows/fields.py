"""Fields of the forms, in the units people think in; what is stored of them are milliseconds and bytes.

What a field refuses is said by the key of a text: Home Assistant's own reasons are English in every language.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, override

from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    DurationSelector,
    DurationSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TemplateSelector,
    TextSelector,
)
import voluptuous as vol

from ..const import CONF_MEMORY_LIMIT, CONF_PERIOD, CONF_SHUTDOWN_TIMEOUT, CONF_TIMEOUT

CONF_FIRST_BYTE_TIMEOUT: Final = "first_byte_timeout"
CONF_PAUSE: Final = "pause"

DAY: Final = 86_400_000
_MEBIBYTE: Final = 1 << 20
_MILLISECOND: Final = timedelta(milliseconds=1)

_PARTS: Final = {
    "days": DAY,
    "hours": 3_600_000,
    "minutes": 60_000,
    "seconds": 1000,
    "milliseconds": 1,
}
"""What a duration is entered in, in milliseconds."""
_DURATIONS: Final = (
    CONF_FIRST_BYTE_TIMEOUT,
    CONF_PAUSE,
    CONF_PERIOD,
    CONF_SHUTDOWN_TIMEOUT,
    CONF_TIMEOUT,
)

_OUT_OF_RANGE: Final = ("too_small", "too_large", "too_short", "too_long")


class RangeSelector(NumberSelector):
    """A number within limits."""

    def __init__(
        self,
        minimum: float,
        maximum: float,
        *,
        step: float | Literal["any"] = 1,
        unit: str | None = None,
    ) -> None:
        """Show the limits and the unit."""
        config = NumberSelectorConfig(
            min=minimum, max=maximum, step=step, mode=NumberSelectorMode.BOX
        )
        if unit:
            config["unit_of_measurement"] = unit
        super().__init__(config)
        self._minimum, self._maximum = minimum, maximum

    @override
    def __call__(self, data: Any) -> float:
        """Return the number. Raises Invalid with the key of a text."""
        if isinstance(data, int | float):
            if data < self._minimum:
                raise vol.Invalid("too_small")
            if data > self._maximum:
                raise vol.Invalid("too_large")
        return super().__call__(data)


class Section(section):
    """Fields that are folded away. Home Assistant shows no errors beside them: the section tells which is wrong."""

    @override
    def __call__(self, value: Any) -> Any:
        """Return what was entered. Raises Invalid with the key of a text, which names the field."""
        try:
            return super().__call__(value)
        except vol.MultipleInvalid as err:
            first = err.errors[0]
            if first.error_message not in _OUT_OF_RANGE:
                raise
            raise vol.Invalid(f"{first.path[0]}_out_of_range") from err


class TextTemplateSelector(TemplateSelector):
    """A template's field that takes any text; the flow says what is wrong with it."""

    @override
    def __call__(self, data: Any) -> str:
        """Return the text as it is."""
        return str(data)


def needed(field: Any) -> vol.All:
    """Return a field for a text that is not blank."""
    return vol.All(field, vol.Strip, vol.Length(min=1, msg="value_needed"))


NEEDED_TEXT: Final = needed(TextSelector())


def number(minimum: float, maximum: float, *, unit: str | None = None) -> vol.All:
    """Return a field for a whole number within limits."""
    return vol.All(RangeSelector(minimum, maximum, unit=unit), vol.Coerce(int))


def choice(*options: str, translation_key: str | None = None) -> SelectSelector:
    """Return a field for one of these options."""
    config = SelectSelectorConfig(
        options=list(options), mode=SelectSelectorMode.DROPDOWN
    )
    if translation_key:
        config["translation_key"] = translation_key
    return SelectSelector(config)


def ticks(options: Sequence[SelectOptionDict]) -> SelectSelector:
    """Return a field of options to tick."""
    return SelectSelector(
        SelectSelectorConfig(
            options=options, multiple=True, mode=SelectSelectorMode.LIST
        )
    )


class MillisecondsSelector(DurationSelector):
    """A duration within limits in milliseconds; where it may be none, 0 stands for that."""

    def __init__(self, minimum: int, maximum: int, *, or_none: bool = False) -> None:
        """Show days and milliseconds only where the limits need them."""
        super().__init__(
            DurationSelectorConfig(
                enable_day=maximum > DAY, enable_millisecond=minimum < 1000
            )
        )
        self._minimum, self._maximum, self._or_none = minimum, maximum, or_none

    @override
    def __call__(self, data: Any) -> Any:
        """Return what was entered in milliseconds. Raises Invalid with the key of a text."""
        try:
            entered = round(timedelta(**super().__call__(data)) / _MILLISECOND)
        except vol.Invalid as err:
            raise vol.Invalid("too_short") from err
        if self._or_none and not entered:
            return None
        if entered < self._minimum:
            raise vol.Invalid("too_short")
        if entered > self._maximum:
            raise vol.Invalid("too_long")
        return entered


class BytesSelector(RangeSelector):
    """An amount of memory within limits in bytes."""

    def __init__(self, minimum: int, maximum: int) -> None:
        """Ask for it in larger units."""
        super().__init__(
            minimum / _MEBIBYTE, maximum / _MEBIBYTE, unit="MiB", step="any"
        )

    @override
    def __call__(self, data: Any) -> int:
        """Return what was entered in bytes."""
        return round(super().__call__(data) * _MEBIBYTE)


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form, sections included, as its fields show what is stored of it."""
    return {key: _shown(key, value) for key, value in values.items()}


def _shown(key: str, value: Any) -> Any:
    match value:
        case dict():
            return shown(value)
        case int() if key in _DURATIONS:
            parts = {}
            for unit, length in _PARTS.items():
                parts[unit], value = divmod(value, length)
            return parts
        case int() if key == CONF_MEMORY_LIMIT:
            return round(value / _MEBIBYTE, 3)
    return value
