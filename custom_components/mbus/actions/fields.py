"""What actions are asked with: meters or a connection, and values."""

from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import DOMAIN


def hex_bytes(value: Any) -> bytes:
    """Validate hex digits."""
    try:
        data = bytes.fromhex(cv.string(value))
    except ValueError as err:
        raise vol.Invalid("hex digits, two for each byte, are expected") from err
    if not data:
        raise vol.Invalid("at least one byte is expected")
    return data


def moment(value: Any) -> datetime:
    """Validate a date and time; one without a time zone is in that of Home Assistant."""
    try:
        return dt_util.as_utc(cv.datetime(value))
    except OverflowError as err:
        raise vol.Invalid("a date and time of this century is expected") from err


def whole_number(value: Any) -> int:
    """Validate a number without decimals; forms give text or float for it."""
    if not isinstance(value, bool):
        with suppress(TypeError, ValueError, OverflowError):
            if (number := int(value)) == float(value):
                return number
    raise vol.Invalid("a whole number is expected")


def refused(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error that tells what can't be done as it was asked for."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


METERS: Final = {
    vol.Required(ATTR_DEVICE_ID): vol.All(
        cv.ensure_list, vol.Length(min=1), [cv.string]
    )
}
CONNECTION: Final = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
