"""Editing a chain of transformations by dialog, and what Home Assistant shows of it afterwards."""

from datetime import date
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.sensor import ATTR_STATE_CLASS
from homeassistant.const import ATTR_DEVICE_CLASS, ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.flows.step_forms import STEP_FORMS, summary
from custom_components.mbus.presentation.texts import option_key
from tests.simulator import SimulatedBus
from tests.simulator.records import day, integer, text

from .conftest import CreateEntry
from .controls import bind_record
from .dialogs import Dialog
from .meter_dialogs import bindings_of, edit_binding, options_of, read_meters, suggested
from .test_guards import Meter

ENERGY = integer("04 06", 12_345)  # kWh
POWER = integer("04 2B", 4_321)  # W
LOCATION = text("0D FD 10", "Cellar")

STEPS: dict[str, dict[str, Any]] = {
    "scaling": {"factor": 0.001, "shift": 0},
    "default_value": {"value": "0", "when": "missing"},
    "limit_control": {"lower": 0},
    "integration": {"time_unit": "h"},
    "derivative": {"time_unit": "h"},
    "damper": {"lag": 60},
    "script": {"template": "{{ value }}"},
}
"""The parameters of a step of each type."""


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter that sends energy, power and where it is."""
    meter = Meter(7, ENERGY, POWER, LOCATION, identification="12345678")
    bus.meters = [meter]
    return meter


@pytest.fixture
async def entry(meter: Meter, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection to the meter."""
    return await create_entry(7)


@pytest.fixture
async def power(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Return the dialog at the steps of the meter's power."""
    return await edit_binding(hass, entry, "power", "transformation")


async def add_step(dialog: Dialog, kind: str, **parameters: Any) -> dict[str, Any]:
    """Add a step to the end of the chain."""
    await dialog.choose("add_step")
    await dialog.choose(kind)
    return await dialog.submit(STEPS[kind] | parameters)


def steps_of(dialog: Dialog) -> list[str]:
    """Return the steps as the dialog lists them."""
    shown = dialog.result["description_placeholders"]
    options = dialog.result["menu_options"]
    return [shown[option] for option in options if option.startswith("step_")]


async def test_each_type_has_its_form(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """Steps of all types are added, shown in short, and stored in their order."""
    assert power.result["menu_options"] == ["add_step"]
    assert STEPS.keys() == STEP_FORMS.keys()
    for kind in STEPS:
        result = await add_step(power, kind)
        assert result["step_id"] == "transformation"
    assert steps_of(power) == [
        "1. Scaling: × 0.001",
        "2. Default value: 0",
        "3. Limit control: 0 … ∞",
        "4. Integration: h",
        "5. Derivative: h",
        "6. Damper: 60 s",
        "7. Script",
    ]
    await power.choose("check_transformation")
    await power.choose("save_transformation")
    result = await power.submit({"unit": "kW"})
    assert result["type"] is FlowResultType.ABORT
    stored = bindings_of(entry, "meter7")["power"]["transformations"]
    assert [step | {"id": None} for step in stored] == [
        {"type": kind, "id": None, **parameters} for kind, parameters in STEPS.items()
    ]
    assert len({step["id"] for step in stored}) == len(stored)


@pytest.mark.parametrize(
    ("kind", "parameters", "errors"),
    [
        ("scaling", {"factor": 0, "shift": 1}, {"factor": "factor_zero"}),
        ("scaling", {"factor": 1e999}, {"factor": "not_finite"}),
        ("scaling", {"shift": float("-inf")}, {"shift": "not_finite"}),
        ("default_value", {"value": "n/a"}, {"value": "default_not_a_number"}),
        ("default_value", {"value": "inf"}, {"value": "default_not_a_number"}),
        ("damper", {"lag": 0}, {"lag": "not_positive"}),
        ("damper", {"lag": -1}, {"lag": "not_positive"}),
        ("limit_control", {"lower": 2, "upper": 1}, {"upper": "upper_below_lower"}),
        ("script", {"template": "{{ value"}, {"template": "invalid_template"}),
        ("script", {"template": "{% if %}"}, {"template": "invalid_template"}),
    ],
)
async def test_errors_on_fields(
    power: Dialog, kind: str, parameters: dict[str, Any], errors: dict[str, str]
) -> None:
    """What can't be is said at its field, and what was entered stays."""
    result = await add_step(power, kind, **parameters)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    entered = suggested(result)
    assert {key: entered[key] for key in parameters} == parameters
    result = await power.submit(STEPS[kind])
    assert result["step_id"] == "transformation"


async def test_text_is_nothing_to_compute_with(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """A step that computes is refused where it would get a text; a script may make a number of it first."""
    meter.records = [LOCATION]
    entry = await create_entry(7)
    await bind_record(hass, entry, meter, "0D FD 10", access="R")
    [name] = bindings_of(entry, "meter7")
    dialog = await edit_binding(hass, entry, name, "transformation")
    result = await add_step(dialog, "damper")
    assert result["errors"] == {"base": "step_needs_number"}
    assert result["description_placeholders"]["value"] == "Cellar"

    dialog = await edit_binding(hass, entry, name, "transformation")
    result = await add_step(dialog, "default_value", value=" ")
    assert result["errors"] == {"value": "value_needed"}
    await dialog.submit(STEPS["default_value"])
    await add_step(dialog, "script", template="{{ value | length }}")
    await add_step(dialog, "damper")
    await dialog.choose("arrange_steps")
    first, second, third = suggested(dialog.result)["steps"]
    result = await dialog.submit({"steps": [third, first, second]})
    assert result["errors"] == {"steps": "step_needs_number"}
    await dialog.submit({"steps": [first, second, third]})
    result = await dialog.choose("check_transformation")
    assert result["description_placeholders"]["values"].endswith("→ **6**")


async def test_limits_need_one(power: Dialog) -> None:
    """A limit control without any limit is none."""
    await power.choose("add_step")
    await power.choose("limit_control")
    result = await power.submit({})
    assert result["errors"] == {"base": "no_limit"}
    await power.submit({"upper": -1.5, "lower": -2})
    assert steps_of(power) == ["1. Limit control: -2 … -1.5"]


async def test_change_a_step(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """A step's form shows what it has; its place and what ties it to its memory stay."""
    await add_step(power, "integration")
    await add_step(power, "default_value", value="-1.5", when="always")
    await add_step(power, "scaling", factor=2.0, shift=-5)
    assert steps_of(power)[1:] == ["2. Default value: = -1.5", "3. Scaling: × 2 − 5"]
    result = await power.choose("step_1")
    assert result["step_id"] == "integration"
    assert suggested(result) == {"time_unit": "h"}
    await power.submit({"time_unit": "min"})
    await power.choose("step_2")
    assert suggested(power.result) == {"value": "-1.5", "when": "always"}
    await power.submit({"value": "0", "when": "missing"})
    assert steps_of(power)[:2] == ["1. Integration: min", "2. Default value: 0"]


async def test_arrange_steps(power: Dialog) -> None:
    """The list is put in order, and what is taken out of it is deleted."""
    for kind in ("scaling", "limit_control", "damper"):
        await add_step(power, kind)
    result = await power.choose("arrange_steps")
    first, second, third = suggested(result)["steps"]
    assert options_of(result, "steps")[second] == "2. Limit control: 0 … ∞"
    await power.submit({"steps": [third, first, third]})
    assert steps_of(power) == ["1. Damper: 60 s", "2. Scaling: × 0.001"]
    await power.choose("arrange_steps")
    result = await power.submit({})
    assert steps_of(power) == []
    assert result["menu_options"] == ["add_step"]


async def test_menu_takes_nine_steps(power: Dialog) -> None:
    """A tenth can't be added; one that is deleted makes room."""
    for _ in range(9):
        await add_step(power, "scaling", factor=1)
    assert "add_step" not in power.result["menu_options"]

    await power.choose("arrange_steps")
    await power.submit({"steps": suggested(power.result)["steps"][1:]})
    assert len(steps_of(power)) == 8
    assert "add_step" in power.result["menu_options"]


# The check, and how the result is shown


async def test_check_has_a_line_with_unit_for_each_step(power: Dialog) -> None:
    """Watts by a thousandth are kilowatts, and those by hours kilowatt-hours; what a factor makes else isn't known."""
    await add_step(power, "scaling", factor=0.001)
    await add_step(power, "integration")
    await add_step(power, "scaling", factor=7)
    await add_step(power, "limit_control")

    shown = (await power.choose("check_transformation"))["description_placeholders"]

    assert shown["raw"] == "4,321 W"
    assert shown["values"].splitlines() == [
        "1. Scaling: × 0.001 → **4.321 kW**",
        "2. Integration: h → **0 kWh**",
        "3. Scaling: × 7 → **0**",
        "4. Limit control: 0 … ∞ → **0**",
    ]


async def store(dialog: Dialog) -> dict[str, Any]:
    """Store the chain; the form of the result may come before it is."""
    await dialog.choose("check_transformation")
    return await dialog.choose("save_transformation")


def sensor(hass: HomeAssistant, name: str) -> State:
    """Return the state of the sensor of a binding."""
    state = hass.states.get(f"sensor.sim_meter_12345678_{name}")
    assert state is not None, hass.states.async_entity_ids("sensor")
    return state


def shown(state: State) -> tuple[str, str | None, str | None, str | None]:
    """Return value, unit, device class and state class."""
    keys = (ATTR_UNIT_OF_MEASUREMENT, ATTR_DEVICE_CLASS, ATTR_STATE_CLASS)
    unit, device_class, state_class = (state.attributes.get(key) for key in keys)
    return state.state, unit, device_class, state_class


async def test_check_shows_the_value_after_each_step(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """The value of the last reading goes through the draft; nothing of it is stored."""
    await add_step(power, "scaling", factor=0.1)
    await add_step(power, "limit_control", upper=400)
    await add_step(power, "derivative")
    await add_step(power, "script", template="{{ value / 0 }}")
    await add_step(power, "default_value", value="7")
    result = await power.choose("check_transformation")
    placeholders = result["description_placeholders"]
    assert placeholders["raw"] == "4,321 W"
    assert [
        line.partition(" → ")[2] for line in placeholders["values"].split("\n")
    ] == [
        "**432.1**",
        "**400**",
        "**–**",
        "**–**",
        "**7**",
    ]
    assert placeholders["problem"] == ""
    assert sensor(hass, "power").state == "4321"
    assert "transformations" not in bindings_of(entry, "meter7")["power"]

    await power.choose("transformation")
    await power.choose("arrange_steps")
    script = suggested(power.result)["steps"][3]
    await power.submit({"steps": [script]})
    result = await power.choose("check_transformation")
    placeholders = result["description_placeholders"]
    assert placeholders["values"].startswith("1. Script → **–** (")
    assert "division by zero" in placeholders["values"]
    assert placeholders["problem"] == ""


async def test_check_without_a_reading(
    hass: HomeAssistant, bus: SimulatedBus, meter: Meter, create_entry: CreateEntry
) -> None:
    """There is nothing to show, but the steps can be stored."""
    entry = await create_entry(7, setup=False)
    bus.meters = []
    assert await hass.config_entries.async_setup(entry.entry_id)
    dialog = await edit_binding(hass, entry, "power", "transformation")
    await add_step(dialog, "damper")
    result = await dialog.choose("check_transformation")
    assert result["description_placeholders"]["raw"] == "–"
    assert result["description_placeholders"]["values"] == "1. Damper: 60 s → **–**"
    result = await dialog.choose("save_transformation")
    assert result["reason"] == "reconfigure_successful"


@pytest.mark.parametrize(
    ("record", "raw"),
    [
        (text("0D FD 16", "sesame"), "••••"),
        (text("0D FD 10", "Attic"), "Attic"),
        (bytes.fromhex("0D FD 10 E9 01 02 03 04 05 06 07 08 AB"), "0102030405060708AB"),
        (integer("04 2D", 43), "4,300 W"),
    ],
)
async def test_check_shows_the_record_as_people_read_it(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    record: bytes,
    raw: str,
) -> None:
    """Bytes are hex digits, and passwords are not shown."""
    meter.records = [record]
    entry = await create_entry(7)
    header = record[: 2 if record[0] == 4 else 3].hex()
    if not bindings_of(entry, "meter7"):
        await bind_record(hass, entry, meter, header, access="R")
    [name] = bindings_of(entry, "meter7")
    dialog = await edit_binding(hass, entry, name, "transformation")
    await add_step(dialog, "default_value")
    result = await dialog.choose("check_transformation")
    placeholders = result["description_placeholders"]
    assert placeholders["raw"] == raw
    assert placeholders["values"].endswith(f"**{raw}**")


async def test_what_stays_the_same_is_not_asked(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """Steps that leave the unit alone are stored at once, and seen at once."""
    await add_step(power, "limit_control", upper=4000)
    await add_step(power, "damper")
    result = await store(power)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert shown(sensor(hass, "power")) == ("4000.0", "W", "power", "measurement")


async def test_integration_proposes_energy(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """W summed up are Wh, a total, which the Energy dashboard takes."""
    await add_step(power, "integration")
    result = await store(power)
    assert result["step_id"] == "transformation_result"
    assert suggested(result) == {
        "unit": "Wh",
        "device_class": "energy",
        "state_class": "total",
    }
    assert suggested(await power.refresh()) == suggested(result)
    await power.submit(suggested(result))
    await hass.async_block_till_done()
    assert shown(sensor(hass, "power")) == ("0.0", "Wh", "energy", "total")


@pytest.mark.parametrize("step", ["damper", "default_value", "script"])
async def test_total_that_can_fall(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog, step: str
) -> None:
    """A total that may fall for a while is not one that only rises: the form says so."""
    await add_step(power, "integration")
    await add_step(power, step)
    form = suggested(await store(power))
    result = await power.submit(form | {"state_class": "total_increasing"})
    assert result["errors"] == {"state_class": "total_can_fall"}
    result = await power.submit(form)
    assert result["reason"] == "reconfigure_successful"


async def test_step_that_can_fall_added_to_a_total_that_only_rises(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """What was set before does not go with it, though unit and class are as before."""
    await add_step(power, "integration")
    form = suggested(await store(power)) | {"state_class": "total_increasing"}
    result = await power.submit(form)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()

    dialog = await edit_binding(hass, entry, "power", "transformation")
    await add_step(dialog, "damper")
    result = await store(dialog)
    assert result["step_id"] == "transformation_result"
    assert result["errors"] == {"state_class": "total_can_fall"}
    await dialog.submit(form | {"state_class": "total"})
    await hass.async_block_till_done()
    assert shown(sensor(hass, "power"))[-1] == "total"


async def test_sum_of_what_can_fall_rises(power: Dialog) -> None:
    """A damper before the sum takes nothing away from it."""
    await add_step(power, "damper")
    await add_step(power, "integration")
    form = suggested(await store(power))
    result = await power.submit(form | {"state_class": "total_increasing"})
    assert result["reason"] == "reconfigure_successful"


async def test_derivative_takes_the_total_away(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Wh per hour are W, and no total any more."""
    dialog = await edit_binding(hass, entry, "energy", "transformation")
    await add_step(dialog, "derivative")
    result = await store(dialog)
    assert suggested(result) == {
        "unit": "W",
        "device_class": "power",
        "state_class": "measurement",
    }
    result = await dialog.submit(suggested(result) | {"state_class": "total"})
    assert result["errors"] == {"state_class": "state_class_not_possible"}
    await dialog.submit(suggested(result) | {"state_class": "measurement"})
    await hass.async_block_till_done()
    assert shown(sensor(hass, "energy")) == ("unknown", "W", "power", "measurement")


async def test_factor_asks_for_the_unit(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """A factor leaves no unit to follow from; one that fits is proposed, and asked again when the factor changes."""
    await add_step(power, "scaling")
    result = await store(power)
    assert suggested(result)["unit"] == "kW"
    result = await power.submit({"precision": 2})
    assert result["errors"] == {"unit": "unit_needed"}
    await power.submit({"unit": "kW", "precision": 2})
    await hass.async_block_till_done()
    assert shown(sensor(hass, "power")) == ("4.321", "kW", "power", "measurement")

    again = await edit_binding(hass, entry, "power", "transformation")
    await add_step(again, "limit_control", upper=4)
    result = await store(again)
    assert suggested(result) == {"unit": "kW", "precision": 2}
    await again.submit(suggested(result))
    await hass.async_block_till_done()
    assert shown(sensor(hass, "power")) == ("4", "kW", "power", "measurement")


@pytest.mark.freeze_time("2026-01-10 12:01:00", tick=True, real_asyncio=True)
@pytest.mark.parametrize(
    ("record", "steps", "unit", "value"),
    [
        ("04 03", [("script", {"template": "{{ value / 1000 }}"})], "kWh", 5),
        ("04 03", [("scaling", {"factor": 0.5})], "kWh", 2500),
        ("04 03", [("scaling", {"factor": 0.001})], "kWh", 5),
        ("04 03", [("scaling", {}), ("derivative", {})], "kW", 5),
    ],
)
async def test_the_unit_of_a_factor_outlives_the_settings(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    meter: Meter,
    create_entry: CreateEntry,
    record: str,
    steps: list[tuple[str, dict[str, Any]]],
    unit: str,
    value: float,
) -> None:
    """What a person said of the number stays true when another dialog is sent as it is."""
    meter.records = [integer(record, 0)]
    entry = await create_entry(7)
    chain = await edit_binding(hass, entry, "energy", "transformation")
    for kind, parameters in steps:
        await add_step(chain, kind, **parameters)
    await store(chain)
    await chain.submit({"unit": unit})
    await hass.async_block_till_done()

    settings = await edit_binding(hass, entry, "energy", "binding_settings")
    await settings.submit(suggested(settings.result))
    await hass.async_block_till_done()
    meter.records = [integer(record, 5000)]
    freezer.tick(3600)
    await read_meters(hass, entry)

    state = sensor(hass, "energy")
    assert float(state.state) == pytest.approx(value, rel=0.02)
    assert state.attributes[ATTR_UNIT_OF_MEASUREMENT] == unit


async def test_without_steps_the_record_is_shown_again(
    hass: HomeAssistant, entry: MockConfigEntry, power: Dialog
) -> None:
    """When the steps are deleted, what was set for their result is proposed no more."""
    await add_step(power, "integration")
    await power.submit(suggested(await store(power)))
    await hass.async_block_till_done()

    again = await edit_binding(hass, entry, "power", "transformation")
    await again.choose("arrange_steps")
    result = await again.submit({"steps": []})
    assert result["menu_options"] == ["add_step", "check_transformation"]
    result = await store(again)
    assert suggested(result) == {}
    await again.submit({})
    await hass.async_block_till_done()
    assert shown(sensor(hass, "power")) == ("4321", "W", "power", "measurement")
    assert bindings_of(entry, "meter7")["power"]["transformations"] == []


async def test_script_makes_a_number_of_a_date(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """What a script returns may be another kind of value than the record's."""
    meter.records[2] = day("02 6C", date(2026, 1, 1))
    entry = await create_entry(7)
    await bind_record(hass, entry, meter, "02 6C", access="R")
    [name] = bindings_of(entry, "meter7").keys() - {"energy", "power"}
    dialog = await edit_binding(hass, entry, name, "transformation")
    await add_step(dialog, "script", template="{{ value.month * 31 + value.day }}")
    result = await store(dialog)
    result = await dialog.submit({"device_class": "duration", "unit": "d"})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert shown(sensor(hass, name)) == ("32", "d", "duration", None)


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ({"type": "scaling", "factor": 2.5, "shift": -1000}, "× 2,5 − 1.000"),
        ({"type": "limit_control", "lower": 0.5}, "0,5 … ∞"),
        ({"type": "damper", "lag": 1200.5}, "1.200,5 s"),
    ],
)
def test_numbers_of_a_step(step: dict[str, Any], shown: str) -> None:
    """They are written as the language writes them, as are the values beside them: 2.500 is not 2,5."""
    texts = {option_key("number", "pattern"): "1.234,5"}
    assert summary(step, texts) == shown
