"""Writing records: the way back through chain and units, and what the meter makes of it."""

from datetime import datetime, timedelta, timezone
from fractions import Fraction
import json
from pathlib import Path
from typing import Any

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.polling.meter_clock import async_set_clock
from custom_components.mbus.profiles.interpretation import Interpretation, ValueRule
from custom_components.mbus.protocol import parse_telegram
from tests.simulator import (
    ElectricityMeter,
    Fault,
    HeatMeter,
    SimulatedBus,
    SimulatedMeter,
    WaterMeter,
)
from tests.simulator.frames import ACK
from tests.simulator.records import headers, integer, real

from .conftest import CreateEntry, let_poll
from .controls import (
    bind_record,
    call,
    change_binding,
    control_of,
    controls_of,
    sensor_of,
    state_of,
)

SET = "set_value"
LIMIT = "02 D9 48"
TEXTS = json.loads(Path("custom_components/mbus/translations/en.json").read_text())
LIMIT_BYTES = bytes.fromhex(LIMIT)


def is_write(request: bytes) -> bool:
    """Match a SND_UD with data for records (CI 51)."""
    return len(request) > 6 and request[6] == 0x51


def writes(bus: SimulatedBus) -> int:
    """Count the writes that were sent."""
    return sum(is_write(bytes(request)) for request in bus.requests)


async def refused(
    hass: HomeAssistant, entity_id: str, service: str = SET, **data: Any
) -> HomeAssistantError:
    """Call a service that fails, and return its error."""
    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, entity_id, service, **data)
    error = caught.value
    if error.translation_domain == DOMAIN:
        text = TEXTS["exceptions"][error.translation_key]["message"]
        assert str(error) == text.format(**error.translation_placeholders or {})
    return error


@pytest.fixture
async def heat(bus: SimulatedBus) -> HeatMeter:
    """Return the heat meter at address 1."""
    [meter] = [meter for meter in bus.meters if isinstance(meter, HeatMeter)]
    return meter


@pytest.fixture
async def entry(create_entry: CreateEntry, heat: HeatMeter) -> MockConfigEntry:
    """Return a connection with the heat meter."""
    return await create_entry(1)


@pytest.fixture
async def binding(hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter) -> str:
    """Return a binding of the limit of its flow temperature, which is 90 °C."""
    return await bind_record(hass, entry, heat, LIMIT)


async def test_written_value_is_read_back(
    hass: HomeAssistant, heat: HeatMeter, bus: SimulatedBus, binding: str
) -> None:
    """One write, and both sensor and control show at once what the meter says then."""
    bus.requests.clear()

    await call(hass, control_of(hass, binding), SET, value=70)

    assert writes(bus) == 1
    assert is_read(bytes(bus.requests[-1]))
    sensor_id = sensor_of(hass, binding)
    assert sensor_id is not None
    assert state_of(hass, sensor_id) == "70.0"
    assert state_of(hass, control_of(hass, binding)) == "70.0"


def is_read(request: bytes) -> bool:
    """Match a REQ_UD2."""
    return request[0] == 0x10 and request[1] in (0x5B, 0x7B)


# What the meter does


@pytest.mark.parametrize(
    ("refusal", "key", "text"),
    [
        ("error", "write_failed", "refuses"),
        ("silent", "write_failed", "no reply"),
        ("acknowledged", "not_taken", "90.0"),
    ],
)
async def test_refusal_is_shown(
    hass: HomeAssistant,
    heat: HeatMeter,
    binding: str,
    refusal: Any,
    key: str,
    text: str,
) -> None:
    """A meter may refuse by an error, by silence, or just not do it: nothing else is shown than what it says."""
    heat.protected = True
    heat.quirks.refusal = refusal

    error = await refused(hass, control_of(hass, binding), value=70)

    assert error.translation_key == key
    assert error.translation_placeholders is not None
    assert text in " ".join(error.translation_placeholders.values())
    assert not heat.memory
    assert state_of(hass, control_of(hass, binding)) == "90.0"


@pytest.mark.parametrize("lost", [1, 2])
async def test_lost_acknowledgement_is_no_failure(
    hass: HomeAssistant,
    heat: HeatMeter,
    bus: SimulatedBus,
    binding: str,
    lost: int,
) -> None:
    """Whether the write was done tells the value that is read back; two are all attempts there are."""
    bus.faults.once(*[Fault.DROP] * lost, matches=is_write)

    await call(hass, control_of(hass, binding), SET, value=70)

    assert bus.faults.counts[Fault.DROP] == lost
    assert heat.memory == {LIMIT_BYTES: (7000).to_bytes(2, "little")}
    assert state_of(hass, control_of(hass, binding)) == "70.0"


async def test_lost_command_is_a_failure(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter
) -> None:
    """Nothing that is read tells whether a peak was cleared, so the acknowledgement has to."""
    binding = await bind_record(hass, entry, heat, "14 2D")
    heat.protected = True
    heat.quirks.refusal = "silent"

    error = await refused(hass, control_of(hass, binding), "press")

    assert error.translation_key == "write_failed"


async def test_lost_write_is_a_failure(
    hass: HomeAssistant, heat: HeatMeter, bus: SimulatedBus, binding: str
) -> None:
    """A meter that never heard of the value says the old one."""
    bus.faults.once(Fault.REQUEST_LOST, Fault.REQUEST_LOST, matches=is_write)

    error = await refused(hass, control_of(hass, binding), value=70)

    assert error.translation_key == "write_failed"
    assert not heat.memory
    assert state_of(hass, control_of(hass, binding)) == "90.0"


async def test_another_meter_is_not_written_to(
    hass: HomeAssistant, bus: SimulatedBus, heat: HeatMeter, binding: str
) -> None:
    """A meter that was exchanged since the last poll is left alone."""
    other = HeatMeter(1, identification="87654321")
    bus.meters[bus.meters.index(heat)] = other

    error = await refused(hass, control_of(hass, binding), value=70)

    assert error.translation_placeholders is not None
    assert "another meter" in error.translation_placeholders["error"]
    assert not other.memory
    assert not writes(bus)


async def test_another_record_is_not_written_to(
    hass: HomeAssistant, bus: SimulatedBus, heat: HeatMeter, binding: str
) -> None:
    """Where the record has moved since the last poll, nothing is written."""
    telegrams = heat.telegrams
    heat.telegrams = lambda: [  # type: ignore[method-assign]
        telegrams()[0],
        integer("44 06", 1) + telegrams()[1],
    ]

    error = await refused(hass, control_of(hass, binding), value=70)

    assert error.translation_key == "write_failed"
    assert not writes(bus)


async def test_silent_meter(
    hass: HomeAssistant, bus: SimulatedBus, heat: HeatMeter, binding: str
) -> None:
    """A meter that is gone can't be written to."""
    bus.meters.remove(heat)

    error = await refused(hass, control_of(hass, binding), value=70)

    assert error.translation_placeholders is not None
    assert "no reply" in error.translation_placeholders["error"]


async def test_value_that_cannot_be_read_back(
    hass: HomeAssistant, bus: SimulatedBus, heat: HeatMeter, binding: str
) -> None:
    """A meter that falls silent after the write leaves it open what it has done."""
    take = heat.take

    def take_and_leave(command: Any) -> bytes | None:
        reply = take(command)
        heat.address = 99
        return reply

    heat.take = take_and_leave  # type: ignore[method-assign]

    error = await refused(hass, control_of(hass, binding), value=70)

    assert error.translation_key == "write_failed"


async def test_stopped_connection_writes_nothing(
    hass: HomeAssistant, bus: SimulatedBus, heat: HeatMeter, binding: str
) -> None:
    """What is stopped leaves the bus alone."""
    control_id = control_of(hass, binding)
    await call(hass, "switch.cellar_polling", "turn_off")
    bus.requests.clear()

    await call(hass, control_id, SET, value=70)

    assert not bus.requests
    assert not heat.memory


async def test_meter_by_secondary_address(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter without a primary address of its own is selected first."""
    meter = HeatMeter(0, identification="11223344")
    bus.meters.append(meter)
    entry = await create_entry("11223344FFFFFFFF")
    [subentry_id] = entry.subentries
    binding = await bind_record(hass, entry, meter, LIMIT, subentry_id=subentry_id)

    await call(hass, control_of(hass, binding), SET, value=70)

    assert list(meter.memory) == [LIMIT_BYTES]


@pytest.mark.parametrize("model", [HeatMeter, WaterMeter])
async def test_clock_is_set_by_its_button(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    model: type[SimulatedMeter],
) -> None:
    """A meter gets the present time, with seconds if it sends them."""
    bus.meters.append(meter := model(5))
    meter.clock_offset = timedelta(days=-40)
    entry = await create_entry(5)
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(
        Platform.BUTTON, DOMAIN, "meter5_synchronise_clock"
    )
    assert entity_id is not None
    registry.async_update_entity(entity_id, disabled_by=None)
    assert await hass.config_entries.async_reload(entry.entry_id)

    await call(hass, entity_id, "press")

    tolerance = timedelta(seconds=5 if model is WaterMeter else 65)
    assert abs(meter.now() - meter_now()) < tolerance


def meter_now() -> datetime:
    """Return what a clock on standard time shows now in the time zone of the test's Home Assistant."""
    return datetime.now(tz=timezone(timedelta(hours=-8))).replace(tzinfo=None)


async def test_clock_that_is_not_set(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter
) -> None:
    """A meter that keeps its own time is told of."""
    heat.clock_offset = timedelta(days=-40)
    heat.protected = True
    coordinator = entry.runtime_data.coordinators["meter1"]

    with pytest.raises(HomeAssistantError) as caught:
        await async_set_clock(coordinator)

    assert caught.value.translation_key == "set_clock_failed"
    assert heat.clock_offset == timedelta(days=-40)


class PaddingMeter(HeatMeter):
    """A meter whose texts have four characters."""

    def take(self, command: Any) -> bytes | None:
        """Put blanks behind the text."""
        reply = super().take(command)
        self.memory = {
            header: b"\x04" + data[1:].rjust(4) for header, data in self.memory.items()
        }
        return reply


class TroubledMeter(HeatMeter):
    """A meter that marks the record as wrong until it is written."""

    error = ""

    def telegrams(self) -> list[bytes]:
        """Return one telegram with the record."""
        header = f"02 D9 C8 {self.error}" if self.error else LIMIT
        return [integer(header, 9000)]

    def take(self, command: Any) -> bytes | None:
        """Find nothing wrong any more."""
        reply = super().take(command)
        self.error = "" if reply == ACK else self.error
        return reply


async def test_error_of_a_record_does_not_go_back(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The code 07 is an error from the meter, but to it an order to clear the record."""
    bus.meters.append(meter := TroubledMeter(5))
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, LIMIT)
    meter.error = "07"
    await let_poll(hass, 301)
    assert state_of(hass, control_of(hass, binding)) == "unknown"

    await call(hass, control_of(hass, binding), SET, value=70)

    assert meter.memory == {LIMIT_BYTES: (7000).to_bytes(2, "little")}
    assert state_of(hass, control_of(hass, binding)) == "70.0"


async def test_record_only_known_by_its_error(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A record that was in error when it was bound, and is, is not written."""
    bus.meters.append(meter := TroubledMeter(5))
    meter.error = "07"
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, "02 D9 C8 07")

    error = await refused(hass, control_of(hass, binding), value=70)

    assert error.translation_placeholders is not None
    assert error.translation_placeholders["error"] == "data size not implemented"
    assert not writes(bus)


# What is entered


async def test_limits_of_the_coding(
    hass: HomeAssistant, bus: SimulatedBus, binding: str
) -> None:
    """What two bytes can't hold is refused, with the limits named, before anything is sent."""
    bus.requests.clear()

    error = await refused(hass, control_of(hass, binding), value=327.68)

    assert isinstance(error, ServiceValidationError)
    assert error.translation_placeholders is not None
    assert error.translation_placeholders["min_value"] == "-327.67"
    assert error.translation_placeholders["max_value"] == "327.67"
    assert not bus.requests


async def test_limits_of_the_binding(
    hass: HomeAssistant, entry: MockConfigEntry, bus: SimulatedBus, heat: HeatMeter
) -> None:
    """Limits set for writing narrow those of the coding."""
    binding = await bind_record(
        hass, entry, heat, LIMIT, writing={"minimum": 40, "maximum": 1000}
    )
    entity_id = control_of(hass, binding)
    state = hass.states.get(entity_id)
    assert state is not None
    assert (state.attributes["min"], state.attributes["max"]) == (40, 327.67)

    error = await refused(hass, entity_id, value=39.99)

    assert isinstance(error, ServiceValidationError)
    assert not writes(bus)


async def test_a_number_between_two_steps(
    hass: HomeAssistant, heat: HeatMeter, binding: str
) -> None:
    """The nearest number that the record can hold is written."""
    await call(hass, control_of(hass, binding), SET, value=70.004)

    assert heat.memory == {LIMIT_BYTES: (7000).to_bytes(2, "little")}


async def test_scaling_is_inverted(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter
) -> None:
    """Value and limits are those that come out of the chain."""
    steps = [
        {"type": "scaling", "factor": 2, "shift": 10},
        {"type": "scaling", "factor": -1, "shift": 0},
    ]
    binding = await bind_record(hass, entry, heat, LIMIT, transformations=steps)
    entity_id = control_of(hass, binding)
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.state == "-190.0"
    assert state.attributes["min"] == -665.34
    assert state.attributes["max"] == 645.34
    assert state.attributes["step"] == 0.02

    await call(hass, entity_id, SET, value=-150)

    assert heat.memory == {LIMIT_BYTES: (7000).to_bytes(2, "little")}
    assert state_of(hass, entity_id) == "-150.0"


def read_otherwise(meter: SimulatedMeter, **rule: Any) -> dict[str, Any]:
    """Return what a binding stores of a profile that has such a rule for the limit of a meter."""
    [record] = [
        record
        for frame in meter.peek()
        for record in parse_telegram(frame).records
        if record.header == LIMIT_BYTES
    ]
    return Interpretation(
        profile="own",
        entry="limit",
        signature=record.signature,
        unit=record.unit,
        rule=ValueRule(**rule),
    ).as_dict()


async def test_the_factor_of_a_profile_is_inverted(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter
) -> None:
    """What is entered is what is shown: the meter holds a tenth of it."""
    meaning = read_otherwise(heat, factor=Fraction(10))
    binding = await bind_record(hass, entry, heat, LIMIT, interpretation=meaning)
    sensor_id = sensor_of(hass, binding)
    assert sensor_id is not None
    assert float(state_of(hass, sensor_id)) == 900
    control = hass.states.get(control_of(hass, binding))
    assert control is not None
    # Two bytes hold up to 327.67 °C.
    assert control.attributes["max"] == pytest.approx(3276.7)

    await call(hass, control_of(hass, binding), SET, value=700)

    assert float(state_of(hass, sensor_id)) == 700
    assert heat.memory == {LIMIT_BYTES: (7000).to_bytes(2, "little")}


@pytest.mark.parametrize(
    "rule",
    [
        {"coding": "bcd"},
        {"conversion": "four_quadrant_power_factor"},
        {"resolution_of": "energy"},
        {"data_field_factors": ((2, Fraction(10)),)},
    ],
)
async def test_no_control_for_what_only_a_profile_can_read(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter, rule: dict[str, Any]
) -> None:
    """There is no way back from what is shown to what the meter holds."""
    meaning = read_otherwise(heat, **rule)
    binding = await bind_record(hass, entry, heat, LIMIT, interpretation=meaning)

    assert sensor_of(hass, binding)
    assert not controls_of(hass, binding)


async def test_other_steps_need_a_template(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter, bus: SimulatedBus
) -> None:
    """Without one the error names the step; with one it says what is written."""
    steps = [{"type": "script", "template": "{{ value / 3 }}"}]
    binding = await bind_record(hass, entry, heat, LIMIT, transformations=steps)
    entity_id = control_of(hass, binding)
    assert state_of(hass, entity_id) == "30.0"

    error = await refused(hass, entity_id, value=20)

    assert isinstance(error, ServiceValidationError)
    assert error.translation_key == "write_template_needed"
    assert not writes(bus)

    await change_binding(hass, entry, binding, writing={"template": "{{ value * 3 }}"})
    await call(hass, entity_id, SET, value=20)

    assert heat.memory == {LIMIT_BYTES: (6000).to_bytes(2, "little")}
    assert state_of(hass, entity_id) == "20.0"


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{{ value * 1000 }}", "out_of_range"),
        ("{{ 'much' }}", "not_codable"),
        ("{{ nothing.there }}", "not_codable"),
    ],
)
async def test_template_that_gives_nothing_to_write(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    heat: HeatMeter,
    bus: SimulatedBus,
    template: str,
    key: str,
) -> None:
    """What a template gives is held to the record's coding."""
    binding = await bind_record(
        hass, entry, heat, LIMIT, writing={"template": template}
    )

    error = await refused(hass, control_of(hass, binding), value=20)

    assert isinstance(error, ServiceValidationError)
    assert error.translation_key == key
    if key == "out_of_range":
        assert error.translation_placeholders == {
            "value": "20000.0 °C",
            "minimum": "-327.67",
            "maximum": "327.67 °C",
        }
    assert not writes(bus)


@pytest.mark.parametrize(
    ("model", "header", "data", "template", "memory"),
    [
        (HeatMeter, "42 EC 7E", {"date": "2027-03-15"}, "{{ value.replace(day=1) }}", "61 33"),
        (HeatMeter, "0D FD 11", {"value": "a"}, "{{ value | upper }}{{ 1 }}", "02 31 41"),
        (HeatMeter, "0D FD 11", {"value": "a"}, "{{ 12 }}", "02 32 31"),
        (ElectricityMeter, "03 FD 65", {"time": "07:45:10"}, "{{ value.replace(second=0) }}", "00 2D 07"),
    ],
)  # fmt: skip
async def test_template_for_what_is_no_number(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    model: Any,
    header: str,
    data: dict[str, str],
    template: str,
    memory: str,
) -> None:
    """What a template gives is read as what the record holds."""
    bus.meters.append(meter := model(5))
    entry = await create_entry(5)
    binding = await bind_record(
        hass, entry, meter, header, writing={"template": template}
    )

    await call(hass, control_of(hass, binding), SET, **data)

    assert meter.memory == {bytes.fromhex(header): bytes.fromhex(memory)}


async def test_text_that_cannot_be_sent(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter, bus: SimulatedBus
) -> None:
    """M-Bus knows the characters of Latin-1."""
    binding = await bind_record(hass, entry, heat, "0D FD 11")

    error = await refused(hass, control_of(hass, binding), value="Ω")

    assert isinstance(error, ServiceValidationError)
    assert error.translation_key == "not_codable"
    assert not writes(bus)


async def test_text_that_is_cleared(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter
) -> None:
    """The meter sends no characters then, which is what was asked for."""
    binding = await bind_record(hass, entry, heat, "0D FD 11")

    await call(hass, control_of(hass, binding), SET, value="")

    assert heat.memory == {bytes.fromhex("0D FD 11"): b"\x00"}


async def test_text_that_is_filled_up(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter with room for so many characters may send them all."""
    bus.meters.append(meter := PaddingMeter(5))
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, "0D FD 11")

    await call(hass, control_of(hass, binding), SET, value="A")

    assert state_of(hass, control_of(hass, binding)).strip() == "A"


async def test_date_that_cannot_be_sent(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter, bus: SimulatedBus
) -> None:
    """Two digits of a year end in 2080."""
    binding = await bind_record(hass, entry, heat, "42 EC 7E")

    error = await refused(hass, control_of(hass, binding), date="2081-01-01")

    assert isinstance(error, ServiceValidationError)
    assert error.translation_placeholders is not None
    assert "2080" in error.translation_placeholders["error"]
    assert not writes(bus)


# Units


class UnitsMeter(HeatMeter):
    """A meter with settings in units that are not shown, and one of any size."""

    writable = headers("02 2E", "04 30", "05 3E", "02 D9 48")
    exponent = 0x59

    def telegrams(self) -> list[bytes]:
        """Return one telegram of settings."""
        records = (
            integer("02 2E", 5),
            integer("04 30", 7_200_000),
            real("05 3E", 0.25),
            integer(f"02 {self.exponent | 0x80:02X} 48", 9000),
        )
        return [b"".join(records)]


@pytest.mark.parametrize(
    ("header", "shown", "unit", "value", "memory"),
    [
        # kW, shown so for heat; J/h, unknown to Home Assistant; m³/h as a real number.
        ("02 2E", 5, "kW", 12, "0C 00"),
        ("04 30", 2, "kW", 3.6, "00 C1 C5 00"),
        ("05 3E", 0.25, "m³/h", 0.5, "00 00 00 3F"),
    ],
)
async def test_units_are_converted_back(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    header: str,
    shown: float,
    unit: str,
    value: float,
    memory: str,
) -> None:
    """The record gets the number in its own unit and power of ten."""
    bus.meters.append(meter := UnitsMeter(5))
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, header)
    entity_id = control_of(hass, binding)
    state = hass.states.get(entity_id)
    assert state is not None
    assert float(state.state) == shown
    assert state.attributes["unit_of_measurement"] == unit

    await call(hass, entity_id, SET, value=value)

    assert meter.memory == {bytes.fromhex(header): bytes.fromhex(memory)}
    assert float(state_of(hass, entity_id)) == value


async def test_degrees_of_the_house(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter
) -> None:
    """A house in °F enters °F; the nearest hundredth of a °C is written."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    binding = await bind_record(hass, entry, heat, LIMIT)
    entity_id = control_of(hass, binding)
    assert float(state_of(hass, entity_id)) == 194

    await call(hass, entity_id, SET, value=160)

    assert heat.memory == {LIMIT_BYTES: (7111).to_bytes(2, "little")}
    assert float(state_of(hass, entity_id)) == pytest.approx(160, abs=0.01)


async def test_unit_that_was_set(
    hass: HomeAssistant, entry: MockConfigEntry, heat: HeatMeter
) -> None:
    """The control is in the unit that was set for the binding."""
    binding = await bind_record(hass, entry, heat, LIMIT, presentation={"unit": "K"})
    entity_id = control_of(hass, binding)
    assert float(state_of(hass, entity_id)) == 363.15

    await call(hass, entity_id, SET, value=300)

    assert heat.memory == {LIMIT_BYTES: (2685).to_bytes(2, "little")}


async def test_power_of_ten_of_the_last_readout(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter that changed the resolution of a record is written in the new one."""
    bus.meters.append(meter := UnitsMeter(5))
    meter.writable = headers("02 DA 48")
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, LIMIT)
    meter.exponent = 0x5A
    await let_poll(hass, 301)
    assert state_of(hass, control_of(hass, binding)) == "900.0"

    await call(hass, control_of(hass, binding), SET, value=85.4)

    assert meter.memory == {bytes.fromhex("02 DA 48"): (854).to_bytes(2, "little")}
