"""Controls: what kind a writable record gets, and what access does to sensor and control."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.mbus.protocol import parse_telegram
from tests.simulator import (
    ElectricityMeter,
    FixedMeter,
    GasMeter,
    HeatMeter,
    SimulatedBus,
    SimulatedMeter,
    WaterMeter,
)
from tests.simulator.records import headers

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


class CommandMeter(HeatMeter):
    """A meter that also sends what has no control, and what is hard to control."""

    writable = HeatMeter.writable | headers("44 06", "00 FD 62", "44 6D", "0D FD 10")

    def telegrams(self) -> list[bytes]:
        """Return one telegram more."""
        more = (
            "01 7A 05",
            "0C 79 05 00 00 00",
            "02 FD 16 34 12",
            "04 FD 72 00 00 00 00",
            "00 FD 62",
            "44 6D 80 0C 61 33",
            "0D FD 10 C2 34 12",
        )
        return [*super().telegrams(), bytes.fromhex("".join(more))]


@pytest.mark.parametrize(
    ("model", "header", "platform", "before", "service", "data", "after", "memory"),
    [
        (HeatMeter, "02 D9 48", "number", "90.0", SET, {"value": 75.5}, "75.5", "7E 1D"),
        (CommandMeter, "44 06", "number", None, SET, {"value": 12}, "12.0", "0C 00 00 00"),
        (HeatMeter, "42 EC 7E", "date", None, SET, {"date": "2027-03-01"}, "2027-03-01", "61 33"),
        (HeatMeter, "0D FD 11", "text", "Boiler room", SET, {"value": "Attic"}, "Attic", "05 63 69 74 74 41"),
        (WaterMeter, "0C 13", "number", None, SET, {"value": 1234.567}, "1234.567", "67 45 23 01"),
        (ElectricityMeter, "04 AB 48", "number", "11000.0", SET, {"value": 9000}, "9000.0", "28 23 00 00"),
        (ElectricityMeter, "03 FD 65", "time", "06:30:00", SET, {"time": "07:45:10"}, "07:45:10", "0A 2D 07"),
        (ElectricityMeter, "01 FD 1A", "switch", "off", "turn_on", {}, "on", "01"),
        (GasMeter, "01 FD 1F", "switch", "on", "turn_off", {}, "off", "00"),
    ],
)  # fmt: skip
async def test_record_is_written_by_its_nature(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    model: type[SimulatedMeter],
    header: str,
    platform: str,
    before: str | None,
    service: str,
    data: dict[str, Any],
    after: str,
    memory: str,
) -> None:
    """The control shows the record, writes it in the record's own coding, and shows what the meter took."""
    bus.meters.append(meter := model(5))
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, header)
    entity_id = control_of(hass, binding)
    assert entity_id.partition(".")[0] == platform
    if before is not None:
        assert state_of(hass, entity_id) == before

    await call(hass, entity_id, service, **data)

    assert meter.memory == {bytes.fromhex(header): bytes.fromhex(memory)}
    assert state_of(hass, entity_id) == after
    sensor_id = sensor_of(hass, binding)
    assert sensor_id is not None
    assert state_of(hass, sensor_id) != STATE_UNAVAILABLE


async def test_control_stands_beside_the_sensor(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """It has the sensor's name and unit, belongs to the same device and is a matter of configuration."""
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, bus.meters[0], "02 D9 48")
    registry = er.async_get(hass)
    sensor_id = sensor_of(hass, binding)
    assert sensor_id is not None
    sensor = registry.async_get(sensor_id)
    control = registry.async_get(control_of(hass, binding))
    assert sensor is not None
    assert control is not None

    assert control.entity_category is EntityCategory.CONFIG
    assert control.device_id == sensor.device_id
    assert control.config_subentry_id == "meter1"
    sensor_state = hass.states.get(sensor.entity_id)
    control_state = hass.states.get(control.entity_id)
    assert sensor_state is not None
    assert control_state is not None
    assert control_state.name == sensor_state.name
    for attribute in ("unit_of_measurement", "device_class"):
        assert control_state.attributes[attribute] == sensor_state.attributes[attribute]
    # Two bytes, signed, in hundredths.
    assert control_state.attributes["min"] == -327.67
    assert control_state.attributes["max"] == 327.67
    assert control_state.attributes["step"] == 0.01


async def test_a_title_names_the_control(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A title given later is shown at once."""
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, bus.meters[0], "02 D9 48")

    await change_binding(hass, entry, binding, title="Highest flow temperature")

    state = hass.states.get(control_of(hass, binding))
    assert state is not None
    assert state.name.endswith("Highest flow temperature")


async def test_access_never_touches_the_sensor(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Whatever access a binding gets, its sensor stays registered, and returns as the one it was."""
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, bus.meters[0], "02 D9 48", "R")
    sensor_id = sensor_of(hass, binding)
    assert sensor_id is not None
    registry = er.async_get(hass)
    registered = registry.async_get(sensor_id)
    assert registered is not None
    assert state_of(hass, sensor_id) == "90.0"
    assert not controls_of(hass, binding)

    async def change_access(access: str) -> None:
        await change_binding(hass, entry, binding, access=access)
        now = registry.async_get(sensor_id)
        assert now is not None
        assert now.id == registered.id
        assert now.entity_category == registered.entity_category
        assert now.disabled_by is None

    await change_access("RW")
    control_id = control_of(hass, binding)
    assert state_of(hass, sensor_id) == "90.0"
    assert state_of(hass, control_id) == "90.0"

    await change_access("W")
    assert state_of(hass, sensor_id) == STATE_UNAVAILABLE
    assert state_of(hass, control_id) == "90.0"

    assert await hass.config_entries.async_reload(entry.entry_id)
    assert state_of(hass, sensor_id) == STATE_UNAVAILABLE
    assert state_of(hass, control_id) == "90.0"

    await change_access("RW")
    assert state_of(hass, sensor_id) == "90.0"
    assert control_of(hass, binding) == control_id

    await change_access("R")
    assert state_of(hass, sensor_id) == "90.0"
    assert not controls_of(hass, binding)
    assert hass.states.get(control_id) is None


async def test_fixed_structure_has_no_control(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The meters of the first edition know no records that could be written."""
    bus.meters.append(meter := FixedMeter(5))
    entry = await create_entry(5)
    header = parse_telegram(meter.peek()[0]).records[0].header

    binding = await bind_record(hass, entry, meter, header.hex())

    assert not controls_of(hass, binding)
    assert sensor_of(hass, binding) is not None


async def test_control_alone_keeps_a_meter_polled(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A control shows the record's value even where no sensor does."""
    meter = bus.meters[0]
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, meter, "0D FD 11", "W")
    subentry = entry.subentries["meter1"]
    alone = [item for item in subentry.data["bindings"] if item["id"] == binding]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "bindings": alone}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert sensor_of(hass, binding) is None
    assert state_of(hass, control_of(hass, binding)) == "Boiler room"

    meter.memory[bytes.fromhex("0D FD 11")] = b"\x01B"
    await let_poll(hass, 301)

    assert state_of(hass, control_of(hass, binding)) == "B"


async def test_date_that_was_never_set(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A record without a valid value has an unknown one, and can get one."""
    bus.meters.append(meter := CommandMeter(5))
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, "44 6D")
    entity_id = control_of(hass, binding)
    assert state_of(hass, entity_id) == STATE_UNKNOWN

    await call(hass, entity_id, SET, datetime="2027-03-01T04:05:00-08:00")

    assert meter.memory == {bytes.fromhex("44 6D"): bytes.fromhex("05 04 61 33")}
    assert state_of(hass, entity_id) == "2027-03-01T12:05:00+00:00"


async def test_number_where_a_text_may_be(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A record of variable length that holds a number is not made a text."""
    bus.meters.append(meter := CommandMeter(5))
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, "0D FD 10")
    entity_id = control_of(hass, binding)
    assert state_of(hass, entity_id) == STATE_UNKNOWN

    with pytest.raises(ServiceValidationError):
        await call(hass, entity_id, SET, value="1235")

    assert not meter.memory


async def test_another_record_gets_another_control(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Binding a text in place of a number exchanges the control."""
    meter = bus.meters[0]
    entry = await create_entry(1)
    number = await bind_record(hass, entry, meter, "02 D9 48")
    text = await bind_record(hass, entry, meter, "0D FD 11")
    [record] = [
        item
        for item in entry.subentries["meter1"].data["bindings"]
        if item["id"] == text
    ]
    number_id = control_of(hass, number)

    place = {
        key: record[key] for key in ("telegram", "index", "signature", "unit", "header")
    }
    await change_binding(hass, entry, number, **place)

    assert hass.states.get(number_id) is None
    assert control_of(hass, number).startswith("text.")
    assert state_of(hass, control_of(hass, number)) == "Boiler room"


async def test_limits_say_whether_there_is_more_than_on_and_off(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """An output with eight bits in use is a number, a number with limits 0 and 1 a switch."""
    bus.meters.append(meter := ElectricityMeter(5))
    entry = await create_entry(5)
    output = await bind_record(hass, entry, meter, "01 FD 1A", writing={"maximum": 255})
    flags = await bind_record(
        hass, entry, meter, "02 FD 17", writing={"minimum": 0, "maximum": 1}
    )

    await call(hass, control_of(hass, output), SET, value=129)

    assert meter.memory == {bytes.fromhex("01 FD 1A"): b"\x81"}
    assert state_of(hass, control_of(hass, flags)) == "off"


async def test_record_without_data_is_a_button(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Pressing it sends the header alone."""
    bus.meters.append(meter := CommandMeter(5))
    entry = await create_entry(5)
    binding = await bind_record(hass, entry, meter, "00 FD 62", "W")
    entity_id = control_of(hass, binding)

    await call(hass, entity_id, "press")

    assert entity_id.startswith("button.")
    assert meter.memory == {bytes.fromhex("00 FD 62"): b""}


async def test_peak_is_cleared_by_a_button(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A highest value is not set but cleared."""
    meter = bus.meters[0]
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, meter, "14 2D")
    entity_id = control_of(hass, binding)
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.name.endswith(" Clear: Power, maximum")

    await call(hass, entity_id, "press")

    # DIF 10, VIF 2D with a VIFE, action 07 (EN 13757-3, object actions).
    assert any(b"\x51\x10\xad\x07" in bytes(request) for request in bus.requests)
    assert meter.memory == {bytes.fromhex("14 2D"): bytes(4)}
    sensor_id = sensor_of(hass, binding)
    assert sensor_id is not None
    assert float(state_of(hass, sensor_id)) == 0


@pytest.mark.parametrize("header", ["01 7A", "0C 79", "02 FD 16", "04 FD 72"])
async def test_some_records_have_no_control(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, header: str
) -> None:
    """What the meter is found or guarded by is not changed in passing, and what isn't understood not at all."""
    bus.meters.append(meter := CommandMeter(5))
    entry = await create_entry(5)

    binding = await bind_record(hass, entry, meter, header)

    assert not controls_of(hass, binding)
    assert sensor_of(hass, binding) is not None


async def test_control_appears_when_the_record_is_known(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A binding made by number alone has no control until its record was read."""
    meter = bus.meters[0]
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, meter, "02 D9 48", "R")
    unread = {"signature": None, "header": "", "unit": None}
    await change_binding(hass, entry, binding, access="RW", **unread)
    assert not controls_of(hass, binding)

    await let_poll(hass, 301)

    assert state_of(hass, control_of(hass, binding)) == "90.0"


async def test_control_goes_with_its_binding(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A binding that is removed leaves nothing."""
    entry = await create_entry(1)
    binding = await bind_record(hass, entry, bus.meters[0], "02 D9 48")
    entity_id = control_of(hass, binding)
    subentry = entry.subentries["meter1"]
    kept = [item for item in subentry.data["bindings"] if item["id"] != binding]

    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "bindings": kept}
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not controls_of(hass, binding)
    assert hass.states.get(entity_id) is None


async def test_control_of_a_silent_meter_is_unavailable(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """It comes and goes as the sensor does."""
    entry = await create_entry(1)
    meter = bus.meters[0]
    binding = await bind_record(hass, entry, meter, "02 D9 48")
    entity_id = control_of(hass, binding)

    bus.meters.remove(meter)
    await let_poll(hass, 301)
    assert state_of(hass, entity_id) == STATE_UNAVAILABLE

    bus.meters.append(meter)
    await let_poll(hass, 602)
    assert state_of(hass, entity_id) == "90.0"


@pytest.mark.parametrize(
    ("meter_clock", "entered", "shown", "summer_time"),
    [
        ("standard_time", "2027-07-01T12:00:00+02:00", datetime(2027, 7, 1, 11), False),
        ("summer_time", "2027-07-01T12:00:00+02:00", datetime(2027, 7, 1, 12), True),
        ("standard_time", "2027-01-01T12:00:00+01:00", datetime(2027, 1, 1, 12), False),
        ("summer_time", "2027-01-01T12:00:00+01:00", datetime(2027, 1, 1, 12), False),
    ],
)
@pytest.mark.parametrize(
    ("model", "header"), [(HeatMeter, "04 6D"), (WaterMeter, "06 6D")]
)
async def test_clock_is_written_as_the_meter_counts(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    model: type[SimulatedMeter],
    header: str,
    meter_clock: str,
    entered: str,
    shown: datetime,
    summer_time: bool,
) -> None:
    """Date and time go to the meter and come back by its setting Meter clock, types F and I."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    bus.meters.append(meter := model(5))
    entry = await create_entry(5)
    subentry = entry.subentries["meter5"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "meter_clock": meter_clock}
    )
    binding = await bind_record(hass, entry, meter, header)
    entity_id = control_of(hass, binding)

    await call(hass, entity_id, SET, datetime=entered)

    assert shown <= meter.now() < shown + timedelta(minutes=1)
    assert meter.summer_time is summer_time
    state = datetime.fromisoformat(state_of(hass, entity_id))
    assert timedelta() <= state - datetime.fromisoformat(entered) < timedelta(minutes=1)
