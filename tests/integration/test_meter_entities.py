"""A meter's own entities, what they say of it, and when it is read."""

from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.polling.connection import STOPPED_BY_USER
from tests.simulator import HeatMeter, SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .test_guards import Meter

RESET = bytes.fromhex("10 40 02 42 16")


class ShortMeter(HeatMeter):
    """A heat meter that leaves out what it is told to."""

    telegrams_left = 2
    cut_off = 0

    def telegrams(self) -> list[bytes]:
        """Return the telegrams that are left, the first of them without its last bytes."""
        first, *others = super().telegrams()
        return [first[: len(first) - self.cut_off], *others][: self.telegrams_left]


def state_of(hass: HomeAssistant, platform: Platform, unique_id: str) -> State:
    """Return the state of an entity by its unique id."""
    entity_id = er.async_get(hass).async_get_entity_id(platform, DOMAIN, unique_id)
    assert entity_id is not None
    state = hass.states.get(entity_id)
    assert state is not None
    return state


def change_meter(
    hass: HomeAssistant, entry: MockConfigEntry, meter_id: str, **changes: Any
) -> None:
    """Change settings of a meter as its dialog does."""
    subentry = entry.subentries[meter_id]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **changes}
    )


async def read_now(hass: HomeAssistant, meter_id: str) -> None:
    """Press the meter's button."""
    entity_id = state_of(hass, Platform.BUTTON, f"{meter_id}_read_now").entity_id
    await hass.services.async_call(
        Platform.BUTTON, "press", {"entity_id": entity_id}, blocking=True
    )


def volume_of(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return the volume of the water meter at 2."""
    volume = next(
        binding
        for binding in entry.subentries["meter2"].data["bindings"]
        if binding["name"] == "volume"
    )
    return state_of(hass, Platform.SENSOR, volume["id"]).state


@pytest.mark.parametrize(
    ("status", "problem", "battery", "text"),
    [
        (0x00, "off", "off", "ok"),
        (0x01, "off", "off", "application_busy"),
        (0x02, "on", "off", "application_error"),
        (0x03, "off", "off", "alarm"),
        (0x04, "off", "on", "power_low"),
        (0x08, "on", "off", "permanent_error"),
        (0x10, "on", "off", "temporary_error"),
        (0x1E, "on", "on", "permanent_error"),
        (0xE0, "off", "off", "ok"),
    ],
)
async def test_status_byte(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    status: int,
    problem: str,
    battery: str,
    text: str,
) -> None:
    """It is told as a problem, a battery where that is low, and the gravest of what it says."""
    bus.meters[1].status = status
    await create_entry(2)

    binary = Platform.BINARY_SENSOR
    assert state_of(hass, binary, "meter2_problem").state == problem
    battery_low = er.async_get(hass).async_get_entity_id(
        binary, DOMAIN, "meter2_battery_low"
    )
    assert (battery_low is not None) == (battery == "on")
    if battery_low:
        assert state_of(hass, binary, "meter2_battery_low").state == battery
    sensor = state_of(hass, Platform.SENSOR, "meter2_status")
    assert sensor.state == text
    assert sensor.attributes["status"] == f"{status:02X}"


async def test_read_now(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The button reads at once, says why that failed, and can be pressed while the meter is silent."""
    entry = await create_entry(2)
    water = bus.meters[1]
    water.memory[bytes.fromhex("0C 13")] = bytes.fromhex("67 45 23 01")
    await read_now(hass, "meter2")
    assert volume_of(hass, entry) == "1234.567"

    bus.meters.remove(water)
    with pytest.raises(HomeAssistantError, match="no reply from 2"):
        await read_now(hass, "meter2")
    assert volume_of(hass, entry) == STATE_UNAVAILABLE
    state = state_of(hass, Platform.SENSOR, "meter2_binding_state")
    assert state.state == "unavailable_address"
    assert "no reply from 2" in state.attributes["errors"]["volume"]

    bus.meters.append(water)
    await read_now(hass, "meter2")
    assert volume_of(hass, entry) == "1234.567"


async def test_meter_that_is_read_on_demand(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """It is read once after it was added, and then when asked to; a reload shows what there is."""
    entry = await create_entry(2, setup=False)
    change_meter(hass, entry, "meter2", on_demand=True)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    value = volume_of(hass, entry)
    assert float(value) > 0
    bus.requests.clear()

    await let_poll(hass, 90_000)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass, 90_000)
    assert not bus.requests
    assert volume_of(hass, entry) == value

    await read_now(hass, "meter2")
    assert bus.requests


async def test_own_period(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter with a longer one is left alone while the others are read."""
    entry = await create_entry(1, 2)
    change_meter(hass, entry, "meter2", period=3_600_000)
    await hass.async_block_till_done()
    bus.requests.clear()

    await let_poll(hass, 301)
    assert {request[2] for request in bus.requests if request[0] == 0x10} == {1}

    await let_poll(hass, 3601)
    assert RESET in bus.requests


@pytest.mark.parametrize(
    ("left", "cut_off", "state", "error"),
    [
        (1, 0, "no_telegram", "no telegram 1"),
        (2, 27, "no_record_at_index", "no record at index 7"),
    ],
)
async def test_missing_records(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    left: int,
    cut_off: int,
    state: str,
    error: str,
) -> None:
    """What is missing is named; what is there goes on."""
    bus.meters = [meter := ShortMeter(1)]
    await create_entry(1)
    meter.telegrams_left, meter.cut_off = left, cut_off
    await let_poll(hass, 301)

    sensor = state_of(hass, Platform.SENSOR, "meter1_binding_state")
    assert sensor.state == state
    assert error in sensor.attributes["errors"].values()


async def test_max_package_length_is_named(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """A telegram that is longer is refused with an error that names the setting."""
    await create_entry(2, options={"max_package_length": 50})

    state = state_of(hass, Platform.SENSOR, "meter2_binding_state")
    assert state.state != "ok"
    assert "max. package length" in state.attributes["errors"]["volume"].lower()


async def test_quirks_are_heeded(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Initial requests go out before each reading, and no reset does where there is to be none."""
    entry = await create_entry(2)
    initial = bytes.fromhex("68 03 03 68 53 02 54 A9 16")
    quirks = {"initial_frames": [initial.hex()], "reset": "never"}
    change_meter(hass, entry, "meter2", quirks=quirks)
    await hass.async_block_till_done()
    bus.requests.clear()

    await let_poll(hass, 301)

    assert initial in bus.requests
    assert RESET not in bus.requests


def problem_of(hass: HomeAssistant, meter_id: str = "meter2") -> tuple[str, str | None]:
    """Return whether a meter has a problem, and which."""
    state = state_of(hass, Platform.BINARY_SENSOR, f"{meter_id}_problem")
    return state.state, state.attributes.get("reason")


async def test_problem_says_what_is_wrong(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """An error that the meter reports, a silent meter, a sensor that lost its value; and nothing else."""
    await create_entry(2)
    water = bus.meters[1]
    assert problem_of(hass) == ("off", None)

    water.status = 0x18
    await read_now(hass, "meter2")
    assert problem_of(hass) == ("on", "Permanent error; Temporary error")

    water.status = 0x00
    water.memory[bytes.fromhex("0C 13")] = bytes.fromhex("1A 00 00 00")
    await read_now(hass, "meter2")
    state, reason = problem_of(hass)
    assert state == "on"
    assert reason is not None and reason.startswith("Volume: not numeric")

    bus.meters.remove(water)
    with pytest.raises(HomeAssistantError):
        await read_now(hass, "meter2")
    state, reason = problem_of(hass)
    assert (state, reason) == ("on", "no reply from 2 in 2 attempts")
    sensor = state_of(hass, Platform.SENSOR, "meter2_status")
    assert sensor.state == STATE_UNAVAILABLE


async def test_no_value_is_no_problem(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter that has no value for a record says so; that is nothing wrong with it."""
    bus.meters = [meter := Meter(7, integer("04 13", 6_789))]
    await create_entry(7)
    meter.records = [bytes.fromhex("04 13 00 00 00 80")]
    await read_now(hass, "meter7")
    state = state_of(hass, Platform.SENSOR, "meter7_binding_state")
    assert "volume" in state.attributes["errors"]
    assert problem_of(hass, "meter7") == ("off", None)


async def test_a_bus_that_is_gone_is_no_problem_of_its_meters(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Nothing is known of them then, nor while the connection is stopped."""
    entry = await create_entry(2)
    entry.runtime_data.async_stop(STOPPED_BY_USER)
    assert problem_of(hass)[0] == STATE_UNAVAILABLE
    entry.runtime_data.async_start()
    assert problem_of(hass)[0] == "off"
    await bus.close()
    with pytest.raises(HomeAssistantError):
        await read_now(hass, "meter2")
    assert problem_of(hass)[0] == STATE_UNAVAILABLE


@pytest.mark.parametrize("address", ["2", "00000002FFFFFFFF"])
async def test_addresses_are_seen(
    hass: HomeAssistant, create_entry: CreateEntry, address: str
) -> None:
    """Both of them, whichever the meter is asked at."""
    await create_entry(address)
    state = state_of(hass, Platform.SENSOR, f"meter{address}_address")
    assert state.state == address
    assert state.attributes["primary_address"] == 2
    assert state.attributes["secondary_address"] == "000000022D4D0107"
    assert state.attributes["profile"] is None


async def test_alarm(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter that announces an alarm is asked for it once, and it is a problem until it has none."""
    meter = bus.meters[1]
    meter.alarm = 0b00100100
    entry = await create_entry(2)

    def problem() -> State:
        return state_of(hass, Platform.BINARY_SENSOR, "meter2_problem")

    assert problem().state == "on"
    assert problem().attributes["alarm"] == "00100100"

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert problem().attributes["alarm"] == "00100100"

    bus.requests.clear()
    await read_now(hass, "meter2")
    asked = [request for request in bus.requests if request[1] & 0x0F == 0x0A]
    assert [request[2] for request in asked] == [2]

    meter.alarm = None
    await read_now(hass, "meter2")
    assert problem().state == "off"
    assert problem().attributes["alarm"] is None
