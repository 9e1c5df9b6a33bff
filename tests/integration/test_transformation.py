"""Chains of transformations, worked by hand, and what always holds for them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
import json
from math import exp, isclose, isfinite
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from hypothesis import given, strategies as st
import pytest

from custom_components.mbus.meters.memory import of_edited_chain
from custom_components.mbus.meters.transformation import (
    STEP_TYPES,
    Outcome,
    inverse,
    run,
)
from custom_components.mbus.presentation.resulting import resulting

from .wording import said

START = datetime(2026, 1, 31, 23, 50, tzinfo=UTC)
PERIOD = timedelta(minutes=15)

type Step = dict[str, Any]

SUM: Step = {"type": "integration", "id": "sum", "time_unit": "h"}
RATE: Step = {"type": "derivative", "id": "rate", "time_unit": "h"}
DAMPER: Step = {"type": "damper", "id": "damper", "lag": 600}


def scaling(factor: float, shift: float = 0) -> Step:
    """Return a scaling step."""
    return {"type": "scaling", "id": "scale", "factor": factor, "shift": shift}


def script(template: str) -> Step:
    """Return a script step."""
    return {"type": "script", "id": "script", "template": template}


def once(steps: list[Step], value: Any, hass: HomeAssistant | None = None) -> Outcome:
    """Run a chain on a first reading."""
    return run(steps, value, START, period=PERIOD, hass=hass)


def outputs(
    steps: list[Step],
    readings: Iterable[tuple[float, Any]],
    period: timedelta | None = PERIOD,
    hass: HomeAssistant | None = None,
) -> list[Any]:
    """Return what a chain makes of readings, given by their minute and value."""
    memory: Mapping[str, Any] | None = None
    values = []
    for minute, value in readings:
        time = START + timedelta(minutes=minute)
        outcome = run(steps, value, time, memory, period=period, hass=hass)
        memory = outcome.memory
        values.append(outcome.value)
    return values


# Each step


@pytest.mark.parametrize(
    ("value", "factor", "shift", "expected"),
    [
        (12345, 0.001, 0, 12.345),
        (7, 2, 1, 15),
        (3, 0.1, 0, 0.3),
        (20.5, 1.8, 32, 68.9),
        (-4, -0.5, 0.25, 2.25),
        (Decimal("12345678901234567.5"), 2, 0, Decimal(24691357802469135)),
        (12345678901234567, 0.001, 0, Decimal("12345678901234.567")),
        (None, 2, 1, None),
    ],
)
def test_scaling(value: Any, factor: float, shift: float, expected: Any) -> None:
    """A decimal factor adds no digits that are not there, and loses none."""
    outcome = once([scaling(factor, shift)], value)
    assert outcome.value == expected
    assert type(outcome.value) is type(expected)
    assert outcome.error is None


@pytest.mark.parametrize(
    ("step", "value", "expected"),
    [
        ({"value": "0", "when": "missing"}, None, 0),
        ({"value": "0", "when": "missing"}, 5, 5),
        ({"value": "0", "when": "always"}, 5, 0),
        ({"value": "2.5", "when": "always"}, None, 2.5),
        ({"value": 2.5, "when": "always"}, None, 2.5),
        ({"value": "none", "when": "missing"}, None, "none"),
        ({"value": "nan", "when": "missing"}, None, "nan"),
        ({"value": "0"}, "text", "text"),
        ({"value": "0"}, None, 0),
    ],
)
def test_default_value(step: Step, value: Any, expected: Any) -> None:
    """It stands in for a missing value unless told to for all."""
    assert once([{"type": "default_value", **step}], value).value == expected


@pytest.mark.parametrize(
    ("limits", "value", "expected"),
    [
        ({"lower": 0, "upper": 100}, -1, 0),
        ({"lower": 0, "upper": 100}, 100.5, 100),
        ({"lower": 0, "upper": 100}, 55.5, 55.5),
        ({"lower": 0}, 1000, 1000),
        ({"upper": -1.5}, 0, -1.5),
        ({"lower": 0}, Decimal("-0.1"), 0),
        ({"lower": 0}, None, None),
    ],
)
def test_limit_control(limits: Step, value: Any, expected: Any) -> None:
    """Either limit may be absent."""
    assert once([{"type": "limit_control", **limits}], value).value == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("h", [0, 375, 1250]),
        ("s", [0, 1_350_000, 4_500_000]),
        ("d", [0, 15.625, 1250 / 24]),
    ],
)
def test_integration(unit: str, expected: list[float]) -> None:
    """The area under straight lines: 1000 to 2000 W in 15 minutes are 375 Wh, 2000 to 1500 in 30 are 875."""
    readings = [(0, 1000), (15, 2000), (45, 1500)]
    assert outputs([SUM | {"time_unit": unit}], readings) == pytest.approx(expected)


def test_integration_leaves_gaps_out() -> None:
    """A value that fails is bridged, up to three periods; a longer gap adds nothing, and the sum stays."""
    steps = [SUM]
    for missing in (None, "?"):
        assert outputs(
            steps, [(0, 1000), (15, 1000), (30, missing), (45, 1000), (60, 1000)]
        ) == [0, 250, None, 750, 1000]
    # With a second to spare: a poll may be a bit late.
    assert outputs(steps, [(0, 1000), (45.02, 1000)])[-1] == pytest.approx(
        750, rel=1e-3
    )
    assert outputs(steps, [(0, 1000), (60, 1000), (75, 1000)]) == [0, 0, 250]


def test_integration_of_a_meter_read_on_demand() -> None:
    """Without a period, no time between readings is too long."""
    assert outputs([SUM], [(0, 1000), (6000, 1000)], period=None) == [0, 100_000]


def test_derivative() -> None:
    """250 Wh in 15 minutes are 1000 W; what is missing is bridged by the next difference."""
    readings = [(0, 1000), (15, 1250), (30, None), (45, 1150), (60, 1150)]
    assert outputs([RATE], readings) == [None, 1000, None, -200, 0]
    assert outputs([RATE | {"time_unit": "d"}], [(0, 12.2), (60, 12.3)]) == [None, 2.4]


def test_derivative_of_long_numbers() -> None:
    """A difference is not lost in the many digits of a total."""
    total = Decimal("123456789012345678.5")
    readings = [(0, total), (60, total + Decimal("0.25")), (120, 123456789012345679)]
    assert outputs([RATE], readings) == [None, 0.25, 0.25]


def test_damper() -> None:
    """A first-order lag: after Tlag, 63 % of a step are there; time alone counts, not the number of readings."""
    assert outputs([DAMPER], [(0, 20), (10, 120), (20, 120)]) == pytest.approx(
        [20, 120 - 100 / exp(1), 120 - 100 / exp(2)]
    )
    often = outputs([DAMPER], [(0, 20), *((minute, 120) for minute in range(1, 21))])
    assert often[-1] == pytest.approx(120 - 100 / exp(2))
    assert outputs([DAMPER], [(0, 20), (5, None), (10, 120)]) == pytest.approx(
        [20, None, 120 - 100 / exp(1)]
    )


def test_clock_set_back() -> None:
    """A reading from before the last one starts anew, and a sum stays."""
    assert outputs([SUM], [(0, 60), (10, 60), (5, 60), (10, 60)]) == [0, 10, 10, 15]
    assert outputs([RATE], [(10, 1), (5, 2), (65, 4)]) == [None, None, 2]
    assert outputs([DAMPER], [(10, 1), (5, 2)]) == [1, 2]


# Scripts


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ value * 2 }}", 42),
        ("{{ value / 8 }}", 2.625),
        ("{{ value / 1e7 }}", 2.1e-06),
        ("{{ {'value': value / 1e7} }}", 2.1e-06),
        ("{{ 'on' if value > 20 else 'off' }}", "on"),
        ("{% if value > 30 %}{{ value }}{% endif %}", None),
        ("{{ none }}", None),
        ("{{ {'value': none} }}", None),
        ("{{ state is none }}", True),
        ("{{ states('sensor.outdoor') | float + value }}", 17.5),
        ("21.5", 21.5),
    ],
)
def test_script(hass: HomeAssistant, template: str, expected: Any) -> None:
    """What a template returns is the value: a number, a text, or none."""
    hass.states.async_set("sensor.outdoor", "-3.5")
    outcome = once([script(template)], 21, hass)
    assert outcome.error is None
    assert outcome.value == expected


def test_script_sees_record_and_meter(hass: HomeAssistant) -> None:
    """The context tells what the value is of."""
    context = {"record": {"unit": "Wh", "storage_number": 1}, "meter": {"address": "5"}}
    template = "{{ context.record.unit }} {{ context.record.storage_number }} {{ context.meter.address }}"
    outcome = run([script(template)], 1, START, context=context, hass=hass)
    assert outcome.value == "Wh 1 5"


def test_script_keeps_its_state(hass: HomeAssistant) -> None:
    """A highest value since the start; without a state in what it returns, the last one stays."""
    steps = [
        script(
            "{% set top = [value, (state or {}).top | default(0)] | max %}"
            "{{ {'value': top, 'state': {'top': top, 'list': [1, (2, 3)]}} if value != 7 else state.top }}"
        )
    ]
    readings = [(0, 5), (15, 9), (30, 7), (45, None), (60, 8), (75, 10)]
    assert outputs(steps, readings, hass=hass) == [5, 9, 9, None, 9, 10]


def test_script_counts_a_reading_once(hass: HomeAssistant) -> None:
    """Seen again, after what else it looks at or the steps above it changed, a reading counts on from the same state."""
    count = script(
        "{% set n = (state or 0) + states('sensor.weight') | int %}{{ {'value': n, 'state': n} }}"
    )
    hass.states.async_set("sensor.weight", "1")
    first = run([count], 7, START, hass=hass)
    second = run([count], 7, START + PERIOD, first.memory, hass=hass)
    assert run([count], 7, START + PERIOD, first.memory, hass=hass) == second
    hass.states.async_set("sensor.weight", "10")
    edited = [scaling(2), count]
    memory = of_edited_chain(edited, first.memory, second.memory, {})
    again = run(edited, 7, START + PERIOD, memory, hass=hass)
    third = run(edited, 7, START + 2 * PERIOD, again.memory, hass=hass)
    assert [first.value, second.value, again.value, third.value] == [1, 2, 11, 21]


def test_state_that_no_file_can_hold(hass: HomeAssistant) -> None:
    """It is an error of that step, and never gets as far as the store of the whole connection."""
    outcome = once([script("{{ {'value': 1, 'state': 2 ** 64} }}")], 1, hass)
    assert outcome.value is None
    assert "64-bit" in said(outcome.error)
    assert outcome.memory == {}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ value.nothing.more }}", "UndefinedError"),
        ("{{ vlaue }}", "'vlaue' is undefined"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ value", "TemplateSyntaxError"),
        ("{{ [1, 2] }}", "neither a number nor text"),
        ("{{ {'state': 1} }}", "no value"),
        ("{{ {'value': [1]} }}", "neither a number nor text"),
        ("{{ {'value': 1e999} }}", "can't be read"),
        ("{{ {'value': 1, 'state': now()} }}", "can't be read"),
        ("{{ 10 ** 400 }}", "not a finite number"),
    ],
)
def test_script_fails(hass: HomeAssistant, template: str, reason: str) -> None:
    """A failing script says why, and the steps after it still run."""
    outcome = once(
        [script(template), {"type": "default_value", "value": "0"}], 21, hass
    )
    assert outcome.trace == (None, 0)
    assert outcome.memory == {}
    assert said(outcome.error).startswith("step 1: ")
    assert reason in said(outcome.error)


# Chains


def test_steps_run_from_top_to_bottom() -> None:
    """The output of one is the input of the next."""
    steps = [scaling(0.1), {"type": "limit_control", "upper": 20}, scaling(1, 5)]
    assert once(steps, 150).trace == (15, 15, 20)
    assert once(steps, 250).trace == (25, 20, 25)
    assert once([], "as it is").value == "as it is"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12", "'12'"),
        (date(2026, 1, 1), "2026-01-01"),
        (b"\x01", "01"),
        (True, "True"),
        (float("nan"), "nan"),
    ],
)
@pytest.mark.parametrize(
    "step", [scaling(2), {"type": "limit_control", "lower": 0}, SUM, RATE, DAMPER]
)
def test_what_is_no_number(step: Step, value: Any, shown: str) -> None:
    """Numeric steps make no number of it."""
    outcome = once([step], value)
    assert outcome.value is None
    assert said(outcome.error) == f"step 1: {shown} is not a number"


def test_unknown_step() -> None:
    """A step of another version is an error, not a value that skips it."""
    outcome = once([{"type": "smoothing"}, scaling(2)], 1)
    assert outcome.value is None
    assert said(outcome.error) == "step 1: there is no such step"


def test_nothing_infinite_comes_out() -> None:
    """A result beyond all numbers is an error."""
    for steps, readings in (
        ([scaling(1e300)], [(0, 1e300)]),
        ([SUM | {"time_unit": "s"}], [(0, 1.5e308), (15, 1.5e308)]),
        ([RATE], [(0, -1.5e308), (0.0001, 1.5e308)]),
    ):
        assert outputs(steps, readings)[-1] is None
    outcome = once([scaling(1e300)], 1e300)
    assert said(outcome.error) == "step 1: inf is not a finite number"


# Memory


def test_edits_leave_the_memory_of_other_steps_alone() -> None:
    """A sum stays with its step, wherever it moves; nothing is compared with what another chain gave."""
    other = SUM | {"id": "other"}
    hour = timedelta(hours=1)
    first = run([SUM, other], 1000, START, period=hour)
    second = run([SUM, other], 1000, START + hour, first.memory, period=hour)
    assert second.trace == (1000, 500)

    def edited(steps: list[Step]) -> tuple[Any, ...]:
        """Return what the last reading gives after an edit, and then the next one."""
        memory = of_edited_chain(steps, first.memory, second.memory, {})
        shown = run(steps, 1000, START + hour, memory, period=hour)
        following = run(steps, 1000, START + 2 * hour, shown.memory, period=hour)
        return shown.trace, following.trace

    assert edited([SUM, other]) == ((1000, 500), (2000, 2000))
    assert edited([SUM]) == ((1000,), (2000,))
    assert edited([other]) == ((500,), (1500,))
    assert edited([SUM | {"time_unit": "s"}]) == ((3_600_000,), (7_200_000,))
    assert edited([scaling(0.001), SUM]) == ((1, 1000), (1, 1001))
    assert edited([RATE, SUM]) == ((None, None), (0, 1000))


def test_total_that_was_set_back() -> None:
    """No difference leads over it, and no area lies below it."""
    hour = timedelta(hours=1)
    steps = [RATE], [SUM], [DAMPER]
    for chain, output in zip(steps, (None, 0, 5), strict=True):
        before = run(chain, 99_999, START, period=hour)
        after = run(chain, 5, START + hour, before.memory, period=hour, breaks_off=True)
        assert after.value == output


def test_another_record_is_another_origin() -> None:
    """A chain on another record compares nothing with the one before."""
    before = run([RATE], 1000, START, context={"record": {"storage_number": 0}})
    after = run(
        [RATE],
        500,
        START + PERIOD,
        before.memory,
        context={"record": {"storage_number": 1}},
    )
    assert after.value is None


NUMBERS = st.one_of(
    st.integers(-(10**12), 10**12),
    st.floats(-1e12, 1e12),
    st.decimals(-(10**12), 10**12, places=3),
)
VALUES = st.one_of(st.none(), NUMBERS)
STEPS = st.lists(
    st.one_of(
        st.builds(scaling, st.floats(-100, 100), st.floats(-100, 100)),
        st.just({"type": "default_value", "value": "1.5", "when": "missing"}),
        st.just({"type": "limit_control", "lower": -1e6, "upper": 1e9}),
        st.sampled_from(["s", "min", "h", "d"]).map(
            lambda unit: SUM | {"time_unit": unit}
        ),
        st.sampled_from(["s", "min", "h", "d"]).map(
            lambda unit: RATE | {"time_unit": unit}
        ),
        st.floats(0.1, 1e6).map(lambda lag: DAMPER | {"lag": lag}),
    ),
    max_size=5,
).map(lambda steps: [step | {"id": str(place)} for place, step in enumerate(steps)])
READINGS = st.lists(st.tuples(st.floats(0.01, 60), VALUES), min_size=2, max_size=8).map(
    lambda steps: [
        (sum(minutes for minutes, _ in steps[: place + 1]), value)
        for place, (_, value) in enumerate(steps)
    ]
)


@given(steps=STEPS, readings=READINGS, cut=st.integers(0, 8))
def test_restart_changes_nothing(
    steps: list[Step], readings: list[tuple[float, Any]], cut: int
) -> None:
    """Two halves, with the memory written down between them and the last reading evaluated anew, equal one run."""
    expected = outputs(steps, readings)
    before: Any = None
    values = []
    for place, (minute, value) in enumerate(readings):
        time = START + timedelta(minutes=minute)
        outcome = run(steps, value, time, before, period=PERIOD)
        if place == cut:
            stored = json.loads(json.dumps(before))
            assert run(steps, value, time, stored, period=PERIOD) == outcome
        before = outcome.memory
        values.append(outcome.value)
    assert values == expected


@given(steps=STEPS, value=st.one_of(st.none(), st.text(), st.floats(), NUMBERS))
def test_outputs_are_finite_numbers_or_missing(steps: list[Step], value: Any) -> None:
    """Whatever goes in, a number that comes out is one."""
    for given_value, output in zip(
        (value, *(trace := once(steps, value).trace)), trace, strict=False
    ):
        if output is not given_value and output is not None:
            assert isfinite(output)


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1), lag=st.floats(0.1, 1e6))
def test_damper_stays_between_its_inputs(values: list[float], lag: float) -> None:
    """It overshoots neither the last output nor the new input."""
    damped = outputs([DAMPER | {"lag": lag}], enumerate(values))
    assert damped[0] == values[0]
    for last, value, output in zip(damped, values[1:], damped[1:], strict=False):
        assert min(last, value) <= output <= max(last, value)


@given(value=NUMBERS, limits=st.tuples(NUMBERS, NUMBERS).map(sorted))
def test_limits_hold(value: Any, limits: list[Any]) -> None:
    """What comes out lies within, and is the value where that does."""
    lower, upper = map(float, limits)
    output = once(
        [{"type": "limit_control", "lower": lower, "upper": upper}], value
    ).value
    assert lower <= output <= upper
    assert output == value or not lower <= value <= upper


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=10),
    cut=st.integers(1, 9),
)
def test_integrals_add_up(values: list[float], cut: int) -> None:
    """The integral over two stretches is the sum of both, and linear in the value."""
    readings = list(enumerate(values))
    cut = min(cut, len(values) - 1)
    whole = outputs([SUM], readings)[-1]
    parts = [outputs([SUM], part)[-1] for part in (readings[: cut + 1], readings[cut:])]
    assert isclose(whole, sum(parts), rel_tol=1e-9, abs_tol=1e-6)
    tripled = outputs([SUM], [(minute, 3 * value) for minute, value in readings])[-1]
    assert isclose(3 * whole, tripled, rel_tol=1e-9, abs_tol=1e-6)


# The way back


def test_inverse() -> None:
    """Scaling is undone in reverse order; an empty chain leaves any value alone."""
    steps = [scaling(0.001), scaling(1.8, 32)]
    assert once(steps, 5000).value == 41
    assert inverse(steps, 41) == 5000
    assert inverse([scaling(0.001)], 12.345) == 12345
    assert inverse([], "text") == "text"


@given(
    value=st.integers(-(10**9), 10**9),
    power=st.integers(-6, 6),
    shift=st.integers(-99, 99),
)
def test_inverse_undoes_scaling(value: int, power: int, shift: int) -> None:
    """What was scaled by powers of ten comes back exactly."""
    steps = [scaling(10.0**power, shift)]
    assert inverse(steps, once(steps, value).value) == value


@pytest.mark.parametrize("kind", sorted(STEP_TYPES.keys() - {"scaling"}))
def test_other_steps_have_no_inverse(kind: str) -> None:
    """They ask for a write template."""
    with pytest.raises(ServiceValidationError) as raised:
        inverse([scaling(2), {"type": kind}], 1)
    assert raised.value.translation_key == "write_template_needed"
    assert raised.value.translation_placeholders == {"step": "2"}
    with pytest.raises(ServiceValidationError):
        inverse([scaling(2)], "text")


# What comes out

ZERO = {"type": "default_value", "value": "0", "when": "missing"}

ENERGY, POWER, VOLUME, FLOW, TEMPERATURE = (
    SensorDeviceClass.ENERGY,
    SensorDeviceClass.POWER,
    SensorDeviceClass.VOLUME,
    SensorDeviceClass.VOLUME_FLOW_RATE,
    SensorDeviceClass.TEMPERATURE,
)
TOTAL, INCREASING, MEASUREMENT = (
    SensorStateClass.TOTAL,
    SensorStateClass.TOTAL_INCREASING,
    SensorStateClass.MEASUREMENT,
)
SECONDS = {"time_unit": "s"}


@pytest.mark.parametrize(
    ("given_is", "steps", "result"),
    [
        (("W", POWER, MEASUREMENT), [SUM], ("Wh", ENERGY, TOTAL)),
        (("kW", POWER, MEASUREMENT), [SUM], ("kWh", ENERGY, TOTAL)),
        (("W", POWER, MEASUREMENT), [SUM | SECONDS], ("J", ENERGY, TOTAL)),
        (("J/h", POWER, MEASUREMENT), [SUM], ("J", ENERGY, TOTAL)),
        # Home Assistant would take each fall of a rising total for a meter that begins anew.
        (("Wh", ENERGY, INCREASING), [DAMPER], ("Wh", ENERGY, TOTAL)),
        (("Wh", ENERGY, INCREASING), [ZERO], ("Wh", ENERGY, TOTAL)),
        (("°C", TEMPERATURE, MEASUREMENT), [DAMPER], ("°C", TEMPERATURE, MEASUREMENT)),
        (("m³/h", FLOW, MEASUREMENT), [SUM], ("m³", VOLUME, TOTAL)),
        (("m³/h", FLOW, MEASUREMENT), [SUM | SECONDS], ("m³/h·s", None, TOTAL)),
        (("kg/h", None, MEASUREMENT), [SUM], ("kg", SensorDeviceClass.WEIGHT, TOTAL)),
        (("°C", TEMPERATURE, MEASUREMENT), [SUM], ("°C·h", None, TOTAL)),
        (("Wh", ENERGY, INCREASING), [RATE], ("W", POWER, MEASUREMENT)),
        (("J", ENERGY, INCREASING), [RATE], ("J/h", None, MEASUREMENT)),
        (("J", ENERGY, INCREASING), [RATE | SECONDS], ("W", POWER, MEASUREMENT)),
        (("m³", VOLUME, INCREASING), [RATE], ("m³/h", FLOW, MEASUREMENT)),
        (("°C", TEMPERATURE, MEASUREMENT), [RATE], ("°C/h", None, MEASUREMENT)),
        ((None, None, INCREASING), [RATE], ("1/h", None, MEASUREMENT)),
        (("°C", TEMPERATURE, MEASUREMENT), [SUM, RATE], ("°C", None, MEASUREMENT)),
        (("W", POWER, MEASUREMENT), [SUM, RATE], ("W", POWER, MEASUREMENT)),
        (("W", POWER, MEASUREMENT), [DAMPER], ("W", POWER, MEASUREMENT)),
        (("Wh", ENERGY, INCREASING), [scaling(1, 500)], ("Wh", ENERGY, INCREASING)),
        (
            ("Wh", ENERGY, INCREASING),
            [{"type": "limit_control", "lower": 0}, {"type": "default_value", "value": "0"}],
            ("Wh", ENERGY, TOTAL),
        ),
    ],
)  # fmt: skip
def test_unit_and_classes_follow(
    given_is: tuple[Any, Any, Any], steps: list[Step], result: tuple[Any, Any, Any]
) -> None:
    """Unit, device class and state class of the output follow from the steps."""
    outcome = resulting(*given_is, steps)
    assert (outcome.unit, outcome.device_class, outcome.state_class) == result
    assert outcome.certain


@pytest.mark.parametrize(
    ("given_is", "step", "result"),
    [
        (("Wh", ENERGY, INCREASING), scaling(0.001), ("kWh", ENERGY, INCREASING)),
        (("m³", VOLUME, INCREASING), scaling(1000), ("L", VOLUME, INCREASING)),
        (("°C", TEMPERATURE, MEASUREMENT), scaling(1.8, 32), ("°F", TEMPERATURE, MEASUREMENT)),
        (("Wh", ENERGY, INCREASING), scaling(0.31), ("Wh", ENERGY, INCREASING)),
        (("Wh", ENERGY, INCREASING), scaling(-1), ("Wh", ENERGY, TOTAL)),
        ((None, None, INCREASING), scaling(0.5), (None, None, INCREASING)),
        (("Wh", ENERGY, INCREASING), script(""), ("Wh", ENERGY, SensorStateClass.TOTAL)),
    ],
)  # fmt: skip
def test_factors_and_scripts_make_the_unit_uncertain(
    given_is: tuple[Any, Any, Any], step: Step, result: tuple[Any, Any, Any]
) -> None:
    """The unit is a proposal then: one of the device class that fits, or the one there was."""
    outcome = resulting(*given_is, [step])
    assert (outcome.unit, outcome.device_class, outcome.state_class) == result
    assert not outcome.certain
    assert not resulting(*given_is, [step, RATE]).certain
