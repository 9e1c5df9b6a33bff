"""Texts of meters: shown as they are, and nothing in them does anything."""

from typing import Any, override

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from custom_components.mbus.presentation.clean_text import clean_text
from tests.simulator import SimulatedBus, SimulatedMeter
from tests.simulator.records import bcd, integer, text

from .conftest import CreateEntry, let_poll
from .controls import bind_record, control_of, sensor_of, state_of
from .test_services import on_meter

TEXT = "0D FD 11"
COUNT = "02 7C 04 0A 68 57 6B"
"""A number in a unit that the meter spells out as text: kWh and a line feed."""


class TalkativeMeter(SimulatedMeter):
    """A meter that says what it is told to."""

    says = ""

    @override
    def telegrams(self) -> list[bytes]:
        return [text(TEXT, self.says) + integer(COUNT, 42)]


@pytest.fixture
async def meter(bus: SimulatedBus) -> TalkativeMeter:
    """Return a meter at address 7."""
    bus.meters.append(meter := TalkativeMeter(7))
    return meter


@pytest.fixture
async def entry(create_entry: CreateEntry, meter: TalkativeMeter) -> MockConfigEntry:
    """Return a connection with it."""
    return await create_entry(7)


async def shown(hass: HomeAssistant, binding: str) -> str:
    """Return the state of the sensor of a binding after a poll."""
    await let_poll(hass, 301)
    entity_id = sensor_of(hass, binding)
    assert entity_id is not None
    return state_of(hass, entity_id)


@pytest.mark.parametrize(
    "said",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "{{ 6 * 7 }}{% set x = 1 %}",
        "{{ states.sensor | list }}",
        "{0} {binding} %s $HOME `id`",
        "[click](javascript:alert(1)) **bold**",
        "[1, 2, 3]",
        "0x2A",
    ],
)
async def test_nothing_is_evaluated(
    hass: HomeAssistant, entry: MockConfigEntry, meter: TalkativeMeter, said: str
) -> None:
    """A text is a text, also where a template of the user passes it on."""
    plain = await bind_record(hass, entry, meter, TEXT, "R")
    scripted = await bind_record(
        hass,
        entry,
        meter,
        TEXT,
        "R",
        transformations=[{"type": "script", "template": "it says {{ value }}"}],
    )
    meter.says = said

    assert await shown(hass, plain) == said
    assert await shown(hass, scripted) == f"it says {said}"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (
            "one\r\ntwo\tthree\x1b[31m\x07",
            "one\ufffd\ufffdtwo\ufffdthree\ufffd[31m\ufffd",
        ),
        ("\x7f\x85\x9f", "\ufffd\ufffd\ufffd"),
        ("Keller\0\0\0", "Keller"),
        ("Zähler 3 m³", "Zähler 3 m³"),
    ],
)
async def test_control_characters(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: TalkativeMeter,
    said: str,
    state: str,
) -> None:
    """None reaches a state, of a sensor or a control, or an answer."""
    binding = await bind_record(hass, entry, meter, TEXT)
    meter.says = said

    assert await shown(hass, binding) == state
    assert state_of(hass, control_of(hass, binding)) == state
    answer: Any = await on_meter(hass, entry, "meter7", "read_meter", answers=True)
    assert answer["telegrams"][0]["records"][0]["value"] == state


async def test_texts_in_place_of_units(
    hass: HomeAssistant, entry: MockConfigEntry, meter: TalkativeMeter
) -> None:
    """Neither the unit nor the name that a meter spells out carries one."""
    binding = await bind_record(hass, entry, meter, COUNT, "R")

    assert float(await shown(hass, binding)) == 42
    entity_id = er.async_get(hass).async_get_entity_id(Platform.SENSOR, DOMAIN, binding)
    assert entity_id is not None
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.attributes["unit_of_measurement"] == "kWh\ufffd"
    assert "\n" not in state.name


@pytest.mark.parametrize(
    "mark",
    [*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"],
)
async def test_marks_that_turn_the_direction(
    hass: HomeAssistant, entry: MockConfigEntry, meter: TalkativeMeter, mark: str
) -> None:
    """No state turns what stands beside it round, whoever put the mark in: a script may do."""
    assert clean_text(f"12{mark}34") == "12\ufffd34"
    binding = await bind_record(
        hass,
        entry,
        meter,
        TEXT,
        "R",
        transformations=[{"type": "script", "template": f"a{mark}{{{{ value }}}}"}],
    )
    meter.says = "b"

    assert await shown(hass, binding) == "a\ufffdb"


NUMBER, SPELT = "0C 13", "0D 13"


class ChangeableMeter(TalkativeMeter):
    """A meter that says something in place of a number."""

    @override
    def telegrams(self) -> list[bytes]:
        return [text(SPELT, self.says) if self.says else bcd(NUMBER, 42)]


async def test_log_and_errors_are_clean(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What came in place of a number is told, and neither turns anything round nor begins a line."""
    bus.meters.append(meter := ChangeableMeter(7))
    entry = await create_entry(7)
    binding = entry.subentries["meter7"].data[CONF_BINDINGS][0]["id"]
    assert await shown(hass, binding) == "0.042"
    meter.says = "12\x1b[31m\n\u0085 {{ 1 }} <b>"

    assert await shown(hass, binding) == "unknown"
    errors = states_with(hass, "errors")
    ours = [one.getMessage() for one in caplog.records if one.name.endswith("mbus")]
    assert any("<b>" in error for error in errors)
    assert any("<b>" in line for line in ours)
    for told in errors + ours:
        assert told.isprintable(), told


def states_with(hass: HomeAssistant, attribute: str) -> list[str]:
    """Return what all states have for an attribute that is a mapping to texts."""
    return [
        str(said)
        for state in hass.states.async_all()
        for said in state.attributes.get(attribute, {}).values()
    ]


def test_what_writing_needs_stays() -> None:
    """Letters of any writing, and what joins them."""
    for kept in ("Wärmezähler", "מונה", "عداد", "可\u200d热", "a b", "👩\u200d🔧"):
        assert clean_text(kept) == kept
