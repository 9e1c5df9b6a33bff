"""Somebody who reads one language only meets no word of another one."""

from collections.abc import AsyncIterator
from pathlib import Path
import re

from playwright.async_api import Browser
import pytest

from scripts.demo_home_assistant import HomeAssistant
from scripts.demo_main import free_port
from tests.test_translations import ENGLISH, texts_of

from .person import Person

LOCALES = {"de": "de-DE", "pl": "pl-PL", "ru": "ru-RU"}
METER = "config_subentries.meter.step."
ONLY_ENGLISH = re.compile(
    r"\b(and|are|from|is|not|of|the|this|what|which|with)\b", re.IGNORECASE
)
"""Words without which there is hardly a sentence in English, and which no other language here has."""


@pytest.fixture(params=LOCALES)
def language(request: pytest.FixtureRequest) -> str:
    """Return the only language that is understood."""
    return str(request.param)


@pytest.fixture
async def home_assistant(
    browser: Browser, tmp_path: Path, language: str
) -> AsyncIterator[HomeAssistant]:
    """Return a Home Assistant in this language."""
    async with HomeAssistant.running(
        tmp_path / "config", free_port(0), language
    ) as running:
        yield running


@pytest.fixture
def locale(language: str) -> str:
    """Return the language of the browser."""
    return LOCALES[language]


@pytest.mark.usefixtures("entry_id")
async def test_main_screens(
    home_assistant: HomeAssistant, person: Person, language: str
) -> None:
    """The pages of the gateway and of a meter, and the dialogs behind the gears."""
    texts = texts_of(language)
    devices = await home_assistant.ask("config/device_registry/list")
    names = {device["name"] for device in devices}
    heat_meter = texts["selector.device_type.options.04"]

    async def looks(name: str) -> None:
        """Read what there is to read."""
        await person.take_picture(f"{language}-{name}")
        read = await person.reads()
        said = {line.strip() for line in read.splitlines()}
        assert not ONLY_ENGLISH.findall(read), read
        assert not {
            text
            for path, text in ENGLISH.items()
            if text in said - names
            and text != texts[path]
            and text not in texts.values()
        }

    for device in devices:
        if (
            heat_meter in device["name"]
            or device["model"] == texts["selector.link.options.tcp"]
        ):
            await person.visit(f"config/devices/device/{device['id']}")
            await person.sees_on_page(device["name"])
            await looks("device" if heat_meter in device["name"] else "gateway")

    async def open_gear() -> None:
        await person.configure(
            heat_meter, texts["config_subentries.meter.initiate_flow.reconfigure"]
        )
        await person.sees(texts[f"{METER}reconfigure.menu_options.choose_records"])

    await open_gear()
    await looks("meter")
    for step, sign in (
        ("choose_records", "records.data.records"),
        ("meter_settings", "meter_settings.data.address"),
        ("edit_binding", "edit_binding.data.binding"),
    ):
        await open_gear()
        await person.choose(texts[f"{METER}reconfigure.menu_options.{step}"])
        await person.sees(texts[f"{METER}{sign}"])
        await looks(step)
