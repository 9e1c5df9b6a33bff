"""Reasons and errors, in the words of the translations."""

import ast
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.mbus import protocol
from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from custom_components.mbus.polling.connection import STOPPED_BY_USER
from custom_components.mbus.presentation.reasons import reason_text
from custom_components.mbus.presentation.texts import Texts, async_get_texts
from custom_components.mbus.profiles.catalogue import OWN_FOLDER
from custom_components.mbus.protocol import Identity, MBusError, SecondaryAddress
from tests.simulator import SimulatedBus
from tests.simulator.records import bcd, integer, text

from .conftest import CreateEntry, let_poll
from .controls import bind_record, sensor_of, state_of
from .meter_dialogs import edit_binding
from .test_guards import Meter
from .test_services import device_of
from .wording import ENGLISH, english_words, speak_another_language

FOLDER = Path(protocol.__file__).parents[1]
METER = Identity(identification="12345678", manufacturer="KAM", version=1, medium=4)
OTHER = Identity(identification="87654321", manufacturer="KAM", version=1, medium=4)
FACTS = {
    "address": SecondaryAddress.parse("12345678"),
    "attempts": 3,
    "baud_rate": 2400,
    "errors": (protocol.LinkClosedError(link="/dev/ttyUSB0"),),
    "expected": METER,
    "found": OTHER,
    "kind": "port",
    "length": 255,
    "limit": 250,
    "link": "socket://gateway:10001",
    "delay": 0.7,
    "noise": b"\x00\xff",
    "old_baud_rate": 300,
    "reason": "the other side closed it",
    "shown": datetime(2026, 11, 25, 12, 0),
    "telegrams": 64,
    "timeout": 2.5,
    "value": 1,
    "written": 2,
}
"""A value for each attribute that an error may have."""
PROBLEMS: dict[str, str] = getattr(protocol, "PROBLEMS", {})
OF_OTHERS = {
    "ApplicationError",
    "EncodeError",
    "FrameError",
    "IncompleteTelegramError",
    "MBusError",
    "UnsupportedError",
}
"""Errors that say one of PROBLEMS."""


@pytest.fixture(name="texts")
async def texts_fixture(hass: HomeAssistant) -> Texts:
    """Return the texts in English."""
    return await async_get_texts(hass)


def error_of(kind: type[MBusError]) -> MBusError:
    """Return an error with all the attributes that its kind can have."""
    error = kind.__new__(kind)
    vars(error).update(FACTS)
    return error


KINDS = sorted(
    name
    for name in protocol.__all__
    if name.endswith("Error")
    and issubclass(getattr(protocol, name), MBusError)
    and name not in OF_OTHERS
)


@pytest.mark.parametrize("name", KINDS)
async def test_every_error_has_its_own_text(texts: Texts, name: str) -> None:
    """What it names is put in, and nothing of it is English that a translation doesn't reach."""
    english = {key: f"<{text}>" for key, text in texts.items()}
    text = reason_text(error_of(getattr(protocol, name)), english)
    assert text.startswith("<")
    assert text.endswith(">")
    assert "{" not in text


async def test_words(texts: Texts) -> None:
    """Numbers are written as people do, and meters are told apart by what differs."""
    assert reason_text(error_of(protocol.LinkTimeoutError), texts) == (
        "socket://gateway:10001 does not answer within 2.5 s"
    )
    other = protocol.OtherMeterError(address=5, expected=METER, found=OTHER)
    assert reason_text(other, texts) == "another meter answered at 5: KAM 87654321"
    twin = Identity(identification="12345678", manufacturer="KAM", version=2, medium=10)
    other = protocol.OtherMeterError(address=5, expected=METER, found=twin)
    assert reason_text(other, texts) == (
        "another meter answered at 5: KAM 12345678, version 2, cooling meter"
    )
    lost = protocol.LinkSilentError(link="a")
    closed = protocol.LinkClosedError(link="b")
    neither = protocol.NoWayError(link="a", errors=(lost, closed))
    assert reason_text(neither, texts) == "no meter answers over a; b is closed"


@pytest.mark.parametrize("key", PROBLEMS)
async def test_every_problem_has_a_text(texts: Texts, key: str) -> None:
    """It names what the protocol's own text names, and in English says the same."""
    text = texts[f"component.mbus.selector.problem.options.{key}"]
    assert text == PROBLEMS[key]


# Every reason in the code has a text


_MADE_BY = {
    "ApplicationError": "problem",
    "EncodeError": "problem",
    "FrameError": "problem",
    "InvalidValueError": "problem",
    "Mistake": "profile_mistake",
    "Problem": "problem",
    "Reason": "reason",
    "StepError": "reason",
}
"""What a reason is made by, and where its text stands."""
_GIVEN_BY_ALL = {
    "ApplicationError": {"code"},
    "InvalidValueError": {"value"},
    "StepError": {"value"},
}
"""Facts that are given even where a text has no use for them."""


class _Made(NamedTuple):
    place: str
    kind: str
    key: str
    facts: set[str]


def _facts_of(node: ast.expr, names: Mapping[str, ast.expr]) -> set[str]:
    """Return the names of the facts that a reason is given."""
    match node:
        case ast.Dict(keys=keys):
            return {ast.literal_eval(key) for key in keys if key is not None}
        case ast.BinOp(left=left, right=right):
            return _facts_of(left, names) | _facts_of(right, names)
        case ast.Name(id=name):
            return _facts_of(names[name], names)
    raise AssertionError(f"line {node.lineno}: the facts can't be read here")


def _made_in(path: Path) -> Iterator[_Made]:
    names: dict[str, ast.expr] = {}
    nodes = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.stmt | ast.Call)
    ]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                names[name] = value
            case ast.Call(
                func=ast.Name(id=made_by), args=[ast.Constant(value=str(key)), *others]
            ) if kind := _MADE_BY.get(made_by):
                facts = {word.arg for word in node.keywords if word.arg}
                if others and made_by in ("Problem", "Reason"):
                    facts |= _facts_of(others[0], names)
                yield _Made(
                    f"{path.name}:{node.lineno}",
                    kind,
                    key,
                    facts | _GIVEN_BY_ALL.get(made_by, set()),
                )


MADE = [made for path in FOLDER.rglob("*.py") for made in _made_in(path)]


@pytest.mark.parametrize("made", MADE, ids=lambda made: f"{made.place} {made.key}")
def test_every_reason_has_a_text(made: _Made) -> None:
    """The text names nothing that isn't given."""
    text = ENGLISH[f"component.mbus.selector.{made.kind}.options.{made.key}"]
    named = {name for _, name, _, _ in Formatter().parse(text) if name}
    assert named <= made.facts


def test_every_text_has_a_reason() -> None:
    """None is left over from what isn't told any more."""
    start = "component.mbus.selector.reason.options."
    keys = {key.removeprefix(start) for key in ENGLISH if key.startswith(start)}
    assert keys == {made.key for made in MADE if made.kind == "reason"}


REFUSED = sorted(
    {
        (node.args[0].value, *(word.arg or "" for word in node.keywords))
        for path in (FOLDER / "actions").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "refused"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
)


@pytest.mark.parametrize(("key", "facts"), [(key, facts) for key, *facts in REFUSED])
def test_every_refusal_has_a_text(key: str, facts: list[str]) -> None:
    """It names nothing that isn't given, and all that is."""
    text = ENGLISH[f"component.mbus.exceptions.{key}.message"]
    assert {name for _, name, _, _ in Formatter().parse(text) if name} == set(facts)


# No English is left


def reasons_of(hass: HomeAssistant) -> dict[str, str]:
    """Return what is wrong with each binding, by name."""
    [errors] = [
        state.attributes["errors"]
        for state in hass.states.async_all(Platform.SENSOR)
        if "errors" in state.attributes
    ]
    return dict(errors)


def chain(*steps: dict[str, Any]) -> dict[str, Any]:
    """Return what a binding has of a chain."""
    return {
        "transformations": [
            {"id": str(place), **step} for place, step in enumerate(steps)
        ]
    }


OVERFLOWING = {"type": "scaling", "factor": 1e300, "shift": 0}
BOUND = {
    "04 06": (integer("04 06", 12_345), {}),
    "04 13": (integer("04 13", 6_789), {}),
    "0C 22": (bcd("0C 22", 17), {}),
    "02 2B": (
        integer("02 2B", 1_200),
        chain({"type": "script", "template": "{{ [1] }}"}),
    ),
    "02 5A": (
        integer("02 5A", 677),
        chain({"type": "script", "template": "{{ vlaue }}"}),
    ),
    "02 5E": (integer("02 5E", 600), chain({"type": "smoothing"})),
    "02 FD 48": (integer("02 FD 48", 230), chain(OVERFLOWING, OVERFLOWING)),
}
"""Records of a meter by header, and the chains of their bindings."""
OF_OTHERS_WORDS = {"inf", "twelve", "vlaue", "is", "undefined", "UndefinedError"}
"""What the meter, the template engine and numbers say."""


async def test_no_english_is_left(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, tmp_path: Path
) -> None:
    """Whatever holds a value back is told in the language of Home Assistant, but for what others say."""
    await speak_another_language(hass, tmp_path)
    meter = Meter(7, identification="12345678")
    bus.meters = [meter]
    entry = await create_entry(7)
    meter.records = [record for record, _ in BOUND.values()]
    for header, (_, changes) in BOUND.items():
        await bind_record(hass, entry, meter, header, "R", **changes)
    assert len(bindings := entry.subentries["meter7"].data[CONF_BINDINGS]) == len(BOUND)

    meter.records[0] = text("0D 06", "twelve")
    meter.records[1] = integer("04 3B", 1)
    meter.records[2] = bytes.fromhex("0C 22 1A 00 00 00")
    await let_poll(hass, 301)
    told = reasons_of(hass)
    assert told.keys() == {item["name"] for item in bindings}
    assert all("ж" in reason for reason in told.values())
    assert set(english_words(" ".join(told.values()))) == OF_OTHERS_WORDS

    dialog = await edit_binding(hass, entry, "power", "transformation")
    result = await dialog.choose("check_transformation")
    assert "([1]" in result["description_placeholders"]["values"]
    assert not english_words(result["description_placeholders"]["values"])
    dialog.close()

    meter.records = []
    await let_poll(hass, 602)
    told = reasons_of(hass)
    assert len(told) == len(BOUND)
    assert not english_words(" ".join(told.values()))

    bus.meters = []
    await let_poll(hass, 903)
    last_error = sensor_of(hass, f"{entry.entry_id}_last_error")
    assert last_error is not None
    told = reasons_of(hass) | {"": state_of(hass, last_error)}
    assert len(set(told.values())) == 1
    assert not english_words(told[""])

    entry.runtime_data.async_stop(STOPPED_BY_USER)
    await hass.async_block_till_done()
    told = reasons_of(hass)
    assert len(told) == len(BOUND)
    assert not english_words(" ".join(told.values()))


OF_ACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("write_record", {"header": "xy", "value": 1}),
    ("write_record", {"header": "02 FD 48", "value": ["x"]}),
    ("set_clock", {"datetime": "xy"}),
    ("set_clock", {"datetime": "9999-12-31T23:59:59"}),
    ("application_reset", {"sub_code": 256}),
    ("read_meter", {"device_id": []}),
    ("set_primary_address", {"address": 5}),
    ("set_primary_address", {"address": "xy"}),
    ("set_baud_rate", {"baud_rate": 2401}),
    ("export_readings", {"readings": "xy"}),
    ("export_readings", {"filename": ""}),
    ("import_meters", {}),
    ("import_meters", {"meters": {}}),
    (
        "import_meters",
        {"meters": {"format": "mbus_meters", "version": 1, "meters": [7]}},
    ),
)
"""What can't be done as it is asked for; each is refused by the integration itself."""


@pytest.mark.parametrize(("action", "data"), OF_ACTIONS)
async def test_what_is_entered_is_refused_without_english(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    tmp_path: Path,
    action: str,
    data: Mapping[str, Any],
) -> None:
    """What can't be entered is told by a text of the integration, which names it, and nothing is sent."""
    await speak_another_language(hass, tmp_path)
    entry = await create_entry(1, 2)
    devices = [device_of(hass, entry, meter_id) for meter_id in ("meter1", "meter2")]
    if action not in ("set_primary_address", "set_baud_rate") or data == {"address": 5}:
        target = {"device_id": devices}
    else:
        target = {"device_id": devices[:1]}
    if action.endswith(("readings", "meters")):
        target = {"config_entry_id": entry.entry_id}
    bus.requests.clear()
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(
            DOMAIN, action, {**target, **data}, blocking=True
        )
    assert caught.value.translation_domain == DOMAIN
    text = ENGLISH[f"component.mbus.exceptions.{caught.value.translation_key}.message"]
    told = caught.value.translation_placeholders or {}
    assert str(caught.value) == text.format(**told)
    assert not bus.requests


async def test_a_file_of_ones_own_is_refused_without_english(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, tmp_path: Path
) -> None:
    """What is wrong in a profile and in a list of meters is told but for the words of the files."""
    await speak_another_language(hass, tmp_path)
    hass.config.config_dir = str(tmp_path)
    folder = tmp_path / OWN_FOLDER
    folder.mkdir()
    (folder / "pump.yaml").write_text("match: []\n")
    entry = await create_entry(1)
    [issue] = ir.async_get(hass).issues.values()
    assert issue.translation_placeholders
    said = issue.translation_placeholders["reason"]
    assert said.startswith("match: ж")
    assert english_words(said) == ["match"]

    meters = {"format": "mbus_meters", "version": 1, "meters": [{"name": "Flat"}]}
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(
            DOMAIN,
            "import_meters",
            {"config_entry_id": entry.entry_id, "meters": meters},
            blocking=True,
        )
    assert caught.value.translation_placeholders
    said = caught.value.translation_placeholders["problems"]
    assert english_words(said) == ["area"]


async def test_what_is_refused_is_told_without_english(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, tmp_path: Path
) -> None:
    """An action names what is wrong with what was entered, and with several meters what each failed of."""
    await speak_another_language(hass, tmp_path)
    entry = await create_entry(1, 2)
    devices = [device_of(hass, entry, meter_id) for meter_id in ("meter1", "meter2")]

    async def refused(action: str, **data: Any) -> str:
        with pytest.raises(HomeAssistantError) as caught:
            await hass.services.async_call(
                DOMAIN, action, {"device_id": devices, **data}, blocking=True
            )
        placeholders = caught.value.translation_placeholders or {}
        return " ".join(placeholders.values())

    told = await refused("write_record", header="02 FD 48", value="x")
    assert english_words(told) == []
    assert "'x'" in told

    bus.meters = []
    told = await refused("read_meter")
    assert told.count(";") == 1
    assert not set(english_words(told)) - {"SIM"}
