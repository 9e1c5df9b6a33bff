"""The texts in every language: all there, none idle, and each said in the way of its language."""

from collections.abc import Iterator, Mapping
from functools import cache
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

import pytest

INTEGRATION = Path(__file__).parent.parent / "custom_components" / "mbus"
FOLDER = INTEGRATION / "translations"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "en")

QUOTES = {
    "cs": "„“",
    "da": "”",
    "de": "„“",
    "en": "“”",
    "fr": "«»",
    "it": "“”",
    "nl": "‘’",
    "pl": "„”",
    "ru": "«»„“",
}
"""The quotation marks of each language."""
STRUCTURE = {
    "config_subentries",
    "data_description",
    "entry_type",
    "event_type",
    "fix_flow",
    "initiate_flow",
    "menu_option_descriptions",
}
"""Keys that Home Assistant asks for by itself."""
MADE = re.compile(r"step_\d|[0-9a-f]{2}|rw|\w+_code|\w+_out_of_range")
"""Keys made of parts: a step in a menu, a device type of EN 13757-7, an access, the kind of a code, a field of a section."""

AGREEING = {"None"}
"""Words that agree with what they are said of."""


def _texts(branch: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in branch.items():
        where = f"{path}.{key}" if path else key
        if isinstance(value, str):
            yield where, value
        else:
            yield from _texts(value, where)


@cache
def texts_of(language: str) -> dict[str, str]:
    """Return every text of a language by its path."""
    return dict(_texts(json.loads((FOLDER / f"{language}.json").read_text())))


ENGLISH = texts_of("en")


def placeholders(text: str) -> set[str]:
    """Return the names that a text has places for."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_text_is_used() -> None:
    """Each part of a text's path is a word of the code, or one that is made of a class or a number."""
    source = "\n".join(
        path.read_text()
        for ending in ("py", "yaml")
        for path in INTEGRATION.rglob(f"*.{ending}")
    )
    words = set(re.findall(r"[a-z0-9_]+", source)) | STRUCTURE
    classes = re.findall(r"^class (\w+?)(?:Error)?[\[(:]", source, re.MULTILINE)
    kinds = "|".join(re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in classes)
    made = re.compile(rf"({kinds})(_\w+)?|{MADE.pattern}")
    assert [
        path
        for path in ENGLISH
        for part in path.split(".")
        if part not in words and not made.fullmatch(part)
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there(language: str) -> None:
    """A language has the texts of English, no more and no less."""
    texts = texts_of(language)
    assert sorted(ENGLISH.keys() - texts.keys()) == []
    assert sorted(texts.keys() - ENGLISH.keys()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders(language: str) -> None:
    """Home Assistant drops a text whose placeholders are others than the English one's."""
    texts = texts_of(language)
    assert [
        path
        for path, text in ENGLISH.items()
        if placeholders(text) != placeholders(texts[path])
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translated(language: str) -> None:
    """What is said in whole sentences is never the English text; a word may be the same."""
    texts = texts_of(language)
    assert [
        path
        for path, text in ENGLISH.items()
        if text == texts[path]
        and len(re.findall(r"[a-z]{2,}", re.sub(r"\{\w+\}", "", text))) > 2
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_equal_texts_are_translated_alike(language: str) -> None:
    """What is called the same in one place and in another is so in each language."""
    texts = texts_of(language)
    said: dict[str, set[str]] = {}
    for path, text in ENGLISH.items():
        said.setdefault(text, set()).add(texts[path])
    assert {
        text: ways
        for text, ways in said.items()
        if len(ways) > 1 and text not in AGREEING
    } == {}


PLAIN = re.compile(
    r"\.error\.|^exceptions\.|\.menu_options\.|\.data\.|\.(name|title)$"
    r"|^selector\.(?!energy_place)"
)
"""Texts that are shown as they are, without Markdown."""
NAMED = re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)|“([^“”{}]+)”")
"""How a field or a menu's row is named: in italics, and in quotation marks where a text is plain."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_named_is_called_so(language: str) -> None:
    """A text that names a field or a menu's row names it as it is written there."""
    texts = texts_of(language)
    named: dict[str, set[str]] = {}
    for path, text in ENGLISH.items():
        named.setdefault(text, set()).add(texts[path])
    assert [
        (path, named[name])
        for path, text in ENGLISH.items()
        for name in map("".join, NAMED.findall(text))
        if name in named and not any(way in texts[path] for way in named[name])
    ] == []


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_plain_texts(language: str) -> None:
    """What is shown without Markdown has none: its stars would be seen."""
    texts = texts_of(language)
    assert {
        path: text for path, text in texts.items() if PLAIN.search(path) and "*" in text
    } == {}


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_rows_of_menus_are_short(language: str) -> None:
    """A phone of 390 pixels shows about so much of a row; the rest is cut. Cyrillic letters are wider."""
    texts = texts_of(language)
    longest = 33 if language == "ru" else 38
    assert {
        path: text
        for path, text in texts.items()
        if ".menu_options." in path and len(text) > longest
    } == {}


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_quotation_marks(language: str) -> None:
    """They are those of the language, outside of code, and no apostrophe hides a placeholder."""
    foreign = set('"„“”«»‚‘') - set(QUOTES[language])
    wrong = []
    for path, text in texts_of(language).items():
        said = re.sub(r"`[^`]*`", "", text)
        if foreign & set(said) or "'{" in said:
            wrong.append((path, text))
    assert wrong == []


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_form_of_the_texts(language: str) -> None:
    """No blank at an end, no HTML, no address, no full stop behind a name."""
    for path, text in texts_of(language).items():
        assert text == text.strip(), path
        assert not re.search(r"</?[a-z]+[^>]*>", text), path
        assert "://" not in text.replace("socket://host:port", ""), path
        if path.startswith("entity.") and path.endswith(".name"):
            assert not text.endswith("."), path


ENERGY_PAGE = {
    "Electricity": "tabs.electricity",
    "Add grid connection": "grid.add_connection",
    "Energy imported from grid": "grid.dialog.energy_from_grid",
    "Energy exported to grid": "grid.dialog.energy_to_grid",
    "Type of power measurement": "grid.dialog.sensor_type",
    "Gas": "tabs.gas",
    "Add gas source": "gas.add_gas_source",
    "Gas consumption": "gas.dialog.gas_usage",
    "Gas flow rate": "gas.dialog.gas_flow_rate",
    "Display name": "gas.dialog.display_name",
    "Water": "tabs.water",
    "Add water source": "water.add_water_source",
    "Water consumption": "water.dialog.water_usage",
    "Water flow rate": "water.dialog.water_flow_rate",
    "Add device": "device_consumption_water.add_device",
}
"""What the energy settings call their places, by the frontend's keys."""


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_words_of_the_energy_page(language: str) -> None:
    """Who is sent to a place in Home Assistant's energy settings finds it by that name there."""
    frontend = pytest.importorskip("hass_frontend")
    words: dict[str, str] = {}
    for path in (frontend.where() / "static" / "translations").rglob(
        f"{language}-????????????????????????????????.json"
    ):
        words |= json.loads(path.read_text())
    texts = texts_of(language)
    assert [
        path
        for path, text in ENGLISH.items()
        if path.startswith("selector.energy_place.")
        and re.findall(r"\*([^*]+)\*", texts[path])
        != [
            words[f"ui.panel.config.energy.{ENERGY_PAGE[name]}"]
            for name in re.findall(r"\*([^*]+)\*", text)
        ]
    ] == []
