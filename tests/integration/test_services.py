"""Actions on meters and connections, by their names in Home Assistant."""

import asyncio
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.const import (
    ATTR_CONFIG_ENTRY_ID,
    ATTR_DEVICE_ID,
    CONF_ADDRESS,
    CONF_NAME,
    CONF_PORT,
    CONF_TYPE,
)
from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.mbus.const import (
    CONF_BACKUP,
    CONF_BAUD_RATE,
    CONF_DATA_BITS,
    CONF_PARITY,
    CONF_STOP_BITS,
    DOMAIN,
    TYPE_SERIAL,
)
from tests.simulator import SimulatedBus, WaterMeter
from tests.simulator.records import parse_date

from .conftest import CreateEntry, let_poll

DUE_DATE = bytes.fromhex("42 EC 7E")


def device_of(hass: HomeAssistant, entry: MockConfigEntry, meter: str) -> str:
    """Return the id of a meter's device."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, meter), entry.entry_id
    )
    assert device is not None
    return device.id


async def on_meter(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: str,
    action: str,
    *,
    answers: bool = False,
    **data: Any,
) -> Any:
    """Call an action on a meter."""
    device_id = device_of(hass, entry, meter)
    response = await hass.services.async_call(
        DOMAIN,
        action,
        {ATTR_DEVICE_ID: device_id, **data},
        blocking=True,
        return_response=answers,
    )
    return response[device_id] if response else None


async def on_connection(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    action: str,
    *,
    answers: bool = False,
    **data: Any,
) -> Any:
    """Call an action on a connection."""
    return await hass.services.async_call(
        DOMAIN,
        action,
        {ATTR_CONFIG_ENTRY_ID: entry.entry_id, **data},
        blocking=True,
        return_response=answers,
    )


async def test_reading_a_meter(hass: HomeAssistant, create_entry: CreateEntry) -> None:
    """Every telegram comes back decoded, whatever is bound."""
    entry = await create_entry(1)

    answer = await on_meter(hass, entry, "meter1", "read_meter", answers=True)

    assert len(answer["telegrams"]) == 3
    records = [
        record for telegram in answer["telegrams"] for record in telegram["records"]
    ]
    assert len(records) >= 20
    (energy,) = (record for record in records if record["name"] == "Energy")
    assert energy["unit"] == "Wh"
    assert energy["value"] > 0


async def test_reading_without_asking_for_an_answer(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """An automation that only wants fresh values needs no variable for what comes back."""
    entry = await create_entry(2)
    bus.requests.clear()

    assert await on_meter(hass, entry, "meter2", "read_meter") is None

    assert bus.requests


async def test_reading_several_meters(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Each has its reading or its error: a silent one doesn't cost the others."""
    bus.meters.append(WaterMeter(3))
    entry = await create_entry(1, 2, 3)
    del bus.meters[1]
    devices = [device_of(hass, entry, f"meter{address}") for address in (1, 2, 3)]

    answer: Any = await hass.services.async_call(
        DOMAIN,
        "read_meter",
        {ATTR_DEVICE_ID: devices},
        blocking=True,
        return_response=True,
    )

    heat, silent, water = (answer[device] for device in devices)
    assert len(heat["telegrams"]) == 3
    assert len(water["telegrams"]) == 1
    assert silent.keys() == {"error"}
    assert entry.subentries["meter2"].title in silent["error"]
    assert "no reply" in silent["error"]


async def test_history_without_a_recorder(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """Where nothing is recorded there is no history, which is told."""
    entry = await create_entry(1)
    answer = await on_meter(hass, entry, "meter1", "import_history", answers=True)
    assert answer["sensors"]
    for sensor in answer["sensors"]:
        assert sensor["taken"] == []
        assert "does not record" in sensor["reason"]


@pytest.mark.parametrize("silent", [[2], [1, 2]])
async def test_failing_to_read_several_meters(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    silent: list[int],
) -> None:
    """Where nobody looks at the answer, the error names those that failed, after all had their turn."""
    bus.meters.append(WaterMeter(3))
    entry = await create_entry(1, 2, 3)
    bus.meters = [meter for meter in bus.meters if meter.address not in silent]
    bus.requests.clear()

    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(
            DOMAIN,
            "read_meter",
            {ATTR_DEVICE_ID: [device_of(hass, entry, f"meter{n}") for n in (1, 2, 3)]},
            blocking=True,
        )

    for address in (1, 2, 3):
        title = entry.subentries[f"meter{address}"].title
        assert (title in str(caught.value)) is (address in silent)
        assert any(
            request[:3] == bytes((0x10, 0x7B, address)) for request in bus.requests
        ) is (address not in silent)
    assert caught.value.translation_domain == DOMAIN


async def test_reading_a_silent_meter(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The error names the meter."""
    entry = await create_entry(2)
    bus.meters.clear()

    with pytest.raises(HomeAssistantError, match=entry.subentries["meter2"].title):
        await on_meter(hass, entry, "meter2", "read_meter")


async def test_writing_a_record(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A date is written as the record codes it, and comes back."""
    entry = await create_entry(1)

    answer = await on_meter(
        hass,
        entry,
        "meter1",
        "write_record",
        answers=True,
        header="42 EC 7E",
        value="2027-03-31",
    )

    assert answer == {"value": "2027-03-31"}
    assert parse_date(bus.meters[0].memory[DUE_DATE]).isoformat() == "2027-03-31"


async def test_writing_a_number_entered_as_text(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The form of the action gives text, whatever the record holds."""
    entry = await create_entry(1, 2)

    await on_meter(
        hass, entry, "meter2", "write_record", header="0C 13", value="123.456"
    )

    assert bus.meters[1].memory[b"\x0c\x13"] == bytes.fromhex("56 34 12 00")


async def test_writing_what_does_not_fit(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Nothing is sent of a value that the record can't hold."""
    entry = await create_entry(1)

    with pytest.raises(ServiceValidationError):
        await on_meter(
            hass, entry, "meter1", "write_record", header="42 EC 7E", value="soon"
        )

    assert DUE_DATE not in bus.meters[0].memory


async def test_writing_without_hex_digits(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """What is no header is named."""
    entry = await create_entry(1)

    for header in ("energy", "", 5):
        with pytest.raises(
            ServiceValidationError, match=f"^{header!r} is not bytes in hex digits"
        ):
            await on_meter(
                hass, entry, "meter1", "write_record", header=header, value=1
            )


async def test_refused_write(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The error of the meter is shown."""
    entry = await create_entry(1)
    bus.meters[0].protected = True

    with pytest.raises(HomeAssistantError, match="access denied"):
        await on_meter(
            hass, entry, "meter1", "write_record", header="42 EC 7E", value="2027-03-31"
        )


async def test_setting_the_primary_address(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The meter is read at its new address from then on, as the meter it was."""
    entry = await create_entry(1, 2)

    await on_meter(hass, entry, "meter2", "set_primary_address", address=17)
    await hass.async_block_till_done()

    assert bus.meters[1].address == 17
    assert entry.subentries["meter2"].data[CONF_ADDRESS] == 17
    assert entry.subentries["meter2"].unique_id == "meter-17"
    await let_poll(hass, 301)
    assert entry.runtime_data.coordinators["meter2"].last_update_success


async def test_setting_an_address_that_is_taken(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Neither that of a configured meter nor of one that merely answers is given away."""
    entry = await create_entry(1, 2)
    bus.meters.append(WaterMeter(3))

    with pytest.raises(ServiceValidationError, match="1"):
        await on_meter(hass, entry, "meter2", "set_primary_address", address=1)
    with pytest.raises(HomeAssistantError, match="3"):
        await on_meter(hass, entry, "meter2", "set_primary_address", address=3)

    assert bus.meters[1].address == 2
    assert entry.subentries["meter2"].data[CONF_ADDRESS] == 2


async def test_setting_the_baud_rate_behind_a_gateway(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The rate behind a gateway is the gateway's: nothing is sent."""
    entry = await create_entry(2)
    bus.requests.clear()

    with pytest.raises(HomeAssistantError, match="rate"):
        await on_meter(hass, entry, "meter2", "set_baud_rate", baud_rate=9600)

    assert not bus.requests


@pytest.mark.parametrize("over_backup", [False, True])
async def test_setting_the_baud_rate_of_a_serial_bus(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    over_backup: bool,
) -> None:
    """The meter follows, and the port is opened at its rate from then on."""
    water = bus.meters[1]
    water.baud_rate = 2400
    entry = await create_entry(2, setup=False)
    serial = {
        CONF_TYPE: TYPE_SERIAL,
        CONF_PORT: await bus.serve_pty(),
        CONF_BAUD_RATE: 2400,
        CONF_PARITY: "E",
        CONF_DATA_BITS: 8,
        CONF_STOP_BITS: 1,
    }
    if over_backup:
        hass.config_entries.async_update_entry(
            entry, options={**entry.options, CONF_BACKUP: serial}
        )
        await bus.gateways[0].close()
    else:
        hass.config_entries.async_update_entry(
            entry, data={CONF_NAME: "Cellar", **serial}
        )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)

    await on_meter(hass, entry, "meter2", "set_baud_rate", baud_rate=9600)
    await hass.async_block_till_done()

    stored = entry.options[CONF_BACKUP] if over_backup else entry.data
    assert stored[CONF_BAUD_RATE] == 9600
    await let_poll(hass, 301)
    assert entry.runtime_data.coordinators["meter2"].last_update_success
    assert water.baud_rate == 9600


async def test_setting_the_clock(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The clock is set to standard time, which is the default."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    entry = await create_entry(1)

    await on_meter(
        hass, entry, "meter1", "set_clock", datetime="2026-07-01T12:00:00+00:00"
    )

    answer = await on_meter(hass, entry, "meter1", "read_meter", answers=True)
    shown = [
        record["value"]
        for telegram in answer["telegrams"]
        for record in telegram["records"]
        if record["name"] == "Date and time"
    ]
    assert shown
    assert all(value.startswith("2026-07-01T13:00") for value in shown)


async def test_setting_the_clock_on_a_busy_bus(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time that was asked for has moved on by the time that the meter is told."""
    await hass.config.async_set_time_zone("UTC")
    entry = await create_entry(2)

    utcnow = dt_util.utcnow
    async with entry.runtime_data.connection.turn():
        asked = hass.async_create_task(
            on_meter(hass, entry, "meter2", "set_clock", datetime="2026-07-01 15:00:00")
        )
        await asyncio.sleep(0)
        monkeypatch.setattr(dt_util, "utcnow", lambda: utcnow() + timedelta(seconds=50))
    await asked

    late = bus.meters[1].now() - datetime(2026, 7, 1, 15)
    assert timedelta(seconds=50) <= late < timedelta(seconds=110)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59"])
async def test_setting_the_clock_to_what_it_cannot_show(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, moment: str
) -> None:
    """The meter is told nothing."""
    entry = await create_entry(2)
    bus.requests.clear()

    with pytest.raises(ServiceValidationError):
        await on_meter(hass, entry, "meter2", "set_clock", datetime=moment)

    assert not bus.requests


async def test_resetting_the_application(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The sub-code selects an application."""
    entry = await create_entry(1)

    await on_meter(hass, entry, "meter1", "application_reset", sub_code=0x50)

    assert bus.meters[0].application == 0x50


async def test_searching(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """All meters come back, configured or not."""
    for number, meter in enumerate(bus.meters):
        meter.identification = f"{number}2345678"
    entry = await create_entry(1)

    answer = await on_connection(
        hass, entry, "search", answers=True, method="secondary"
    )

    assert [meter["address"] for meter in answer["meters"]] == [1, 2]
    assert answer["meters"][0]["identification"] == "02345678"
    assert answer["problems"] == []


@pytest.mark.parametrize(("classic", "code"), [(False, 0x5C), (True, 0x54)])
async def test_synchronising(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    classic: bool,
    code: int,
) -> None:
    """A broadcast goes out."""
    entry = await create_entry(2)
    bus.requests.clear()

    await on_connection(hass, entry, "synchronise", classic=classic)

    assert [(request[5], request[6]) for request in bus.requests] == [(0xFF, code)]


async def test_sending_a_raw_frame(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """What answers comes back as it is."""
    entry = await create_entry(2)

    answer = await on_connection(
        hass, entry, "send_raw_frame", answers=True, frame="10 40 02 42 16"
    )

    assert answer == {"reply": "E5"}


async def test_trace(hass: HomeAssistant, create_entry: CreateEntry) -> None:
    """The trace tells what went over the line until it is cleared."""
    entry = await create_entry(2)

    answer = await on_connection(hass, entry, "get_trace", answers=True)
    assert answer["exchanges"][0]["request"] == "10 40 02 42 16"
    assert answer["exchanges"][0]["reply"] == "e5"

    await on_connection(hass, entry, "clear_trace")
    answer = await on_connection(hass, entry, "get_trace", answers=True)
    assert answer["exchanges"] == []


async def test_device_that_is_no_meter(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """The gateway's device can't be read as a meter."""
    entry = await create_entry(2)

    with pytest.raises(ServiceValidationError):
        await on_meter(hass, entry, entry.entry_id, "read_meter", answers=True)


async def test_one_device_that_is_no_meter(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Nothing is done with any then."""
    entry = await create_entry(2)
    meter = device_of(hass, entry, "meter2")
    bus.requests.clear()

    for devices in ([meter, "nothing"], []):
        with pytest.raises(ServiceValidationError):
            await hass.services.async_call(
                DOMAIN, "read_meter", {ATTR_DEVICE_ID: devices}, blocking=True
            )

    assert not bus.requests


METER, CONNECTION = ATTR_DEVICE_ID, ATTR_CONFIG_ENTRY_ID
ACTIONS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "read_meter": (METER, {}),
    "write_record": (METER, {"header": "0C 13", "value": 1}),
    "set_primary_address": (METER, {"address": 5}),
    "set_baud_rate": (METER, {"baud_rate": 300}),
    "set_clock": (METER, {}),
    "application_reset": (METER, {}),
    "import_history": (METER, {}),
    "export_meters": (CONNECTION, {"filename": "www/meters.json"}),
    "import_meters": (CONNECTION, {"filename": "www/meters.json"}),
    "take_readings": (CONNECTION, {}),
    "export_readings": (CONNECTION, {"filename": "www/readings.csv"}),
    "search": (CONNECTION, {}),
    "synchronise": (CONNECTION, {}),
    "send_raw_frame": (CONNECTION, {"frame": "10 40 02 42 16"}),
    "get_trace": (CONNECTION, {}),
    "get_bus_table": (CONNECTION, {}),
    "clear_trace": (CONNECTION, {}),
    "reload_profiles": (None, {}),
}
"""Every action, what it is for, and what else it needs."""

OPEN_TO_USERS = {"read_meter"}
"""What those may do who may press the meter's button; all else is the administrators'."""

ANSWERS = {
    "read_meter": SupportsResponse.OPTIONAL,
    "write_record": SupportsResponse.OPTIONAL,
    "set_primary_address": SupportsResponse.NONE,
    "set_baud_rate": SupportsResponse.NONE,
    "set_clock": SupportsResponse.NONE,
    "application_reset": SupportsResponse.NONE,
    "import_history": SupportsResponse.OPTIONAL,
    "export_meters": SupportsResponse.OPTIONAL,
    "import_meters": SupportsResponse.OPTIONAL,
    "take_readings": SupportsResponse.OPTIONAL,
    "export_readings": SupportsResponse.OPTIONAL,
    "search": SupportsResponse.ONLY,
    "synchronise": SupportsResponse.NONE,
    "send_raw_frame": SupportsResponse.OPTIONAL,
    "get_trace": SupportsResponse.ONLY,
    "get_bus_table": SupportsResponse.ONLY,
    "clear_trace": SupportsResponse.NONE,
    "reload_profiles": SupportsResponse.NONE,
}
"""Who is answered: always, when asked to, or never."""


async def test_actions(hass: HomeAssistant, create_entry: CreateEntry) -> None:
    """There are these and no others, and each answers as it should."""
    await create_entry(2)

    services = hass.services.async_services_for_domain(DOMAIN)

    assert services.keys() == ACTIONS.keys()
    assert {
        name: service.supports_response for name, service in services.items()
    } == ANSWERS


def target_of(
    hass: HomeAssistant, entry: MockConfigEntry, kind: str | None
) -> dict[str, str]:
    """Return the part of an action's data that names the meter or the connection."""
    if kind is None:
        return {}
    return {kind: device_of(hass, entry, "meter2") if kind == METER else entry.entry_id}


async def call_as(
    hass: HomeAssistant, entry: MockConfigEntry, name: str, user: MockUser
) -> None:
    """Call an action as a user."""
    kind, fields = ACTIONS[name]
    await hass.services.async_call(
        DOMAIN,
        name,
        {**target_of(hass, entry, kind), **fields},
        blocking=True,
        context=Context(user_id=user.id),
        return_response=ANSWERS[name] is SupportsResponse.ONLY,
    )


@pytest.mark.parametrize("name", ACTIONS)
async def test_rights_of_read_only_users(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_read_only_user: MockUser,
    name: str,
) -> None:
    """They may do nothing that changes a meter, costs battery, takes the bus or shows numbers."""
    entry = await create_entry(2)
    bus.requests.clear()

    with pytest.raises(Unauthorized):
        await call_as(hass, entry, name, hass_read_only_user)

    assert not bus.requests


@pytest.mark.parametrize("name", sorted(ACTIONS.keys() - OPEN_TO_USERS))
async def test_rights_of_users(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, name: str
) -> None:
    """They may do no more than what a button of the meter does."""
    entry = await create_entry(2)
    user = MockUser(groups=[await hass.auth.async_get_group(GROUP_ID_USER)])
    user.add_to_hass(hass)
    bus.requests.clear()

    with pytest.raises(Unauthorized):
        await call_as(hass, entry, name, user)

    assert not bus.requests


@pytest.mark.parametrize(
    ("policy", "may_read"),
    [
        ({"domains": {"button": True}}, True),
        ({"domains": {"sensor": True}}, False),
        ({"domains": {"button": {"read": True}}}, False),
        ({"all": {"read": True}}, False),
        ({"all": True}, True),
    ],
)
async def test_reading_by_the_right_to_press_the_button(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    policy: dict[str, Any],
    may_read: bool,
) -> None:
    """Whoever may press the meter's button may have it read; nobody else."""
    entry = await create_entry(2)
    user = MockUser()
    user.mock_policy({"entities": policy})
    user.add_to_hass(hass)
    bus.requests.clear()

    with nullcontext() if may_read else pytest.raises(Unauthorized):
        await call_as(hass, entry, "read_meter", user)

    assert bool(bus.requests) is may_read


async def test_nobody_may_read(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A user that there is no more may nothing."""
    entry = await create_entry(2)
    bus.requests.clear()

    with pytest.raises(Unauthorized):
        await call_as(hass, entry, "read_meter", MockUser())

    assert not bus.requests
