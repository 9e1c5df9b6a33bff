"""What an action is asked for: meters, or a connection."""

from typing import Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

METERS: Final = {
    vol.Required(ATTR_DEVICE_ID): vol.All(
        cv.ensure_list, vol.Length(min=1), [cv.string]
    )
}
CONNECTION: Final = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
