"""What actions are asked with: meters or a connection, and values."""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import DOMAIN
from ..meters.reason import spelt


def refused(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error that tells what can't be done as it was asked for."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


def hex_bytes(value: Any) -> bytes:
    """Validate bytes in hex digits, one at least. Raises ServiceValidationError."""
    try:
        if data := bytes.fromhex(value):
            return data
    except TypeError, ValueError:
        pass
    raise refused("no_bytes", value=spelt(value))


def moment(value: Any) -> datetime:
    """Validate a date and time; one without a time zone is in that of Home Assistant. Raises ServiceValidationError."""
    try:
        return dt_util.as_utc(cv.datetime(value))
    except (vol.Invalid, OverflowError) as err:
        raise refused("no_moment", value=spelt(value)) from err


def number_or_text(value: Any) -> int | float | str:
    """Validate what can be written into a record. Raises ServiceValidationError."""
    if isinstance(value, int | float | str):
        return value
    raise refused("no_number_or_text", value=spelt(value))


def whole_number(minimum: int, maximum: int) -> Callable[[Any], int]:
    """Return what validates a number without decimals; forms give text or float for it."""

    def check(value: Any) -> int:
        if not isinstance(value, bool):
            with suppress(TypeError, ValueError, OverflowError):
                if minimum <= (number := int(value)) <= maximum and (
                    number == float(value)
                ):
                    return number
        raise refused(
            "no_whole_number",
            value=spelt(value),
            minimum=str(minimum),
            maximum=str(maximum),
        )

    return check


def one_of[T: (int, str)](choices: Collection[T]) -> Callable[[Any], T]:
    """Return what validates one of several choices."""

    def check(value: Any) -> T:
        for choice in choices:
            if value == choice:
                return choice
        raise refused(
            "no_choice", value=spelt(value), choices=", ".join(map(str, choices))
        )

    return check


def _some_devices(value: Any) -> list[str]:
    devices: list[str] = vol.All(cv.ensure_list, [cv.string])(value)
    if not devices:
        raise refused("no_meter_given")
    return devices


def _one_device(value: Any) -> list[str]:
    if len(devices := _some_devices(value)) > 1:
        raise refused("several_meters_given")
    return devices


METERS: Final = {vol.Required(ATTR_DEVICE_ID): _some_devices}
METER: Final = {vol.Required(ATTR_DEVICE_ID): _one_device}
"""What can only be told to one meter at a time."""
CONNECTION: Final = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
