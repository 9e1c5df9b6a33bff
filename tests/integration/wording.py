"""What a reason says: in English, and in a language that a translation would make."""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.meters.reason import Why
from custom_components.mbus.presentation.reasons import reason_text
from custom_components.mbus.presentation.texts import Texts

_FILE = Path(__file__).parents[2] / "custom_components/mbus/translations/en.json"


def _flat(texts: Mapping[str, Any], key: str) -> Iterator[tuple[str, str]]:
    for name, text in texts.items():
        if isinstance(text, str):
            yield f"{key}.{name}", text
        else:
            yield from _flat(text, f"{key}.{name}")


ENGLISH: Texts = dict(_flat(json.loads(_FILE.read_text()), "component.mbus"))
"""The texts by their full keys."""


def said(reason: Why | None) -> str:
    """Return a reason in English."""
    assert reason is not None
    return reason_text(reason, ENGLISH)


def in_another_language(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Return texts of which each letter that isn't a placeholder's is a Cyrillic one."""
    return {
        key: re.sub(r"(\{[^}]*\})|[A-Za-z]", lambda found: found[1] or "ж", text)
        if isinstance(text, str)
        else in_another_language(text)
        for key, text in texts.items()
    }


async def speak_another_language(hass: HomeAssistant, folder: Path) -> None:
    """Let Home Assistant find the integration's texts in English and in another language, which it speaks from now on."""
    english = json.loads(_FILE.read_text())
    (folder / "translations").mkdir()
    for language, texts in (("en", english), ("uk", in_another_language(english))):
        path = folder / "translations" / f"{language}.json"
        path.write_text(json.dumps(texts))
    integration = await async_get_integration(hass, DOMAIN)
    integration.file_path = folder
    hass.config.language = "uk"


def english_words(text: str) -> list[str]:
    """Return what is left of English in a text of the other language."""
    return re.findall("[A-Za-z]{2,}", text)
