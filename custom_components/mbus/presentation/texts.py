"""Translations that names and remarks are made of, in the language of Home Assistant."""

from collections import ChainMap
from collections.abc import Mapping
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import (
    async_get_cached_translations,
    async_get_translations,
)

from ..const import DOMAIN

type Texts = Mapping[str, str]
"""Translations by their full keys."""

_CATEGORIES: Final = ("entity", "exceptions", "selector")


async def async_get_texts(hass: HomeAssistant) -> Texts:
    """Return the texts."""
    language = hass.config.language
    return ChainMap(
        *[
            await async_get_translations(hass, language, category, {DOMAIN})
            for category in _CATEGORIES
        ]
    )


@callback
def cached_texts(hass: HomeAssistant, language: str | None = None) -> Texts:
    """Return the texts, which Home Assistant has loaded by the time that a connection is set up.

    Those in English, which is the language of the log, are always there, too.
    """
    language = language or hass.config.language
    return ChainMap(
        *[
            async_get_cached_translations(hass, language, category, DOMAIN)
            for category in _CATEGORIES
        ]
    )


def option_key(selector: str, option: str) -> str:
    """Return the key of the text of a selector's option."""
    return f"component.{DOMAIN}.selector.{selector}.options.{option}"


def sensor_key(key: str) -> str:
    """Return the key of the name of a sensor."""
    return f"component.{DOMAIN}.entity.sensor.{key}.name"


def status_key(state: str) -> str:
    """Return the key of a state of the sensor that tells a meter's status byte."""
    return f"component.{DOMAIN}.entity.sensor.status.state.{state}"
