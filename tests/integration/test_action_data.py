"""Whatever an action is given: it is done, or refused in words that Home Assistant can show; nothing else happens."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
import json
import logging
from pathlib import Path
from typing import Any

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util.yaml import load_yaml_dict
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components import mbus
from custom_components.mbus.const import DOMAIN
from custom_components.mbus.polling.connection import STOPPED_BY_USER
from tests.simulator import SimulatedBus

from .conftest import CreateEntry
from .test_services import ACTIONS, ANSWERS, device_of, target_of

on_one_bus = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

numbers = st.one_of(
    st.integers(),
    st.integers(-5, 300),
    st.floats(),
    st.booleans(),
    st.sampled_from([10**400, 1e300, 5.7, 4.0]),
)
texts = st.one_of(
    st.text(),
    st.text("0123456789abcdefABCDEF "),
    st.text("0123456789-+:.TZeE ", max_size=30),
    st.sampled_from(
        [
            "NaN",
            "sNaN",
            "-Infinity",
            "1e999999999",
            "1e-999999999",
            "9" * 5000,
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-02-30T25:61:00",
            "2026-07-01T12:00:00+02:00",
            "24:00",
            "0000-0-0T0:0",
            "none",
            "{{ 1 / 0 }}",
        ]
    ),
)
junk = st.recursive(
    st.none() | numbers | texts | st.binary(max_size=4) | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
headers = st.one_of(
    st.sampled_from(
        [
            "0C 13",
            "42 EC 7E",
            "04 6D",
            "06 6D",
            "0D FD 11",
            "05 2B",
            "02 D9 48",
            "0E 78",
        ]
    ),
    st.sampled_from(
        ["0C 79", "07 79", "04 FD 1B", "01 7A", "0D 06", "04 FF 01", "00 13"]
    ),
    st.binary(min_size=1, max_size=40).map(bytes.hex),
)


SERVICES = Path(mbus.__file__).with_name("services.yaml")
FIELDS = {
    action: sorted((said or {}).get("fields", {}))
    for action, said in load_yaml_dict(str(SERVICES)).items()
}
"""What each action takes, as its form says."""


async def call(
    hass: HomeAssistant, action: str, data: Mapping[str, Any]
) -> HomeAssistantError | vol.Invalid | None:
    """Call an action, and return how it was refused."""
    try:
        await hass.services.async_call(
            DOMAIN,
            action,
            dict(data),
            blocking=True,
            return_response=ANSWERS[action] is SupportsResponse.ONLY,
        )
    except (HomeAssistantError, vol.Invalid) as err:
        refused: HomeAssistantError | vol.Invalid = err
    else:
        return None
    if isinstance(refused, HomeAssistantError):
        assert refused.translation_domain
        assert refused.translation_key
        assert str(refused) != refused.translation_key
    return refused


@pytest.fixture
async def entry(create_entry: CreateEntry, bus: SimulatedBus) -> MockConfigEntry:
    """Return a connection with a heat meter and a water meter that takes nothing."""
    entry = await create_entry(1, 2)
    for meter in bus.meters:
        meter.protected = True
    return entry


@pytest.mark.parametrize("action", ACTIONS)
@on_one_bus
@given(data=st.data())
async def test_any_data(
    hass: HomeAssistant,
    bus: SimulatedBus,
    entry: MockConfigEntry,
    action: str,
    data: st.DataObject,
) -> None:
    """Nothing but errors with a text come out of an action; none is needed of a connection that is stopped."""
    entry.runtime_data.async_stop(STOPPED_BY_USER)
    kind, fields = ACTIONS[action]
    given_data: dict[str, Any] = {**target_of(hass, entry, kind)}
    given_data |= {field: data.draw(junk | headers) for field in fields}
    if known := FIELDS[action]:
        given_data |= data.draw(
            st.dictionaries(st.sampled_from(known), junk | headers, max_size=3)
        )
    given_data |= data.draw(
        st.dictionaries(
            st.sampled_from([ATTR_DEVICE_ID, ATTR_CONFIG_ENTRY_ID, "x"]),
            junk,
            max_size=1,
        )
    )
    bus.requests.clear()

    await call(hass, action, given_data)

    assert not bus.requests


def test_every_field_is_tried() -> None:
    """No action has escaped."""
    assert FIELDS.keys() == ACTIONS.keys()


type Place = tuple[Any, Any]
"""Something that holds others, and the key or index of one of them."""


def places(content: Any) -> Iterator[Place]:
    """Give every place of something read from JSON, the outer ones first."""
    keys = (
        [*content]
        if isinstance(content, dict)
        else range(len(content))
        if isinstance(content, list)
        else ()
    )
    for key in keys:
        yield content, key
        yield from places(content[key])


@pytest.fixture
async def exported(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    """Return the set-up of two meters as if they were at addresses that are still free."""
    answer: Any = await hass.services.async_call(
        DOMAIN,
        "export_meters",
        {ATTR_CONFIG_ENTRY_ID: entry.entry_id},
        blocking=True,
        return_response=True,
    )
    meters: dict[str, Any] = json.loads(json.dumps(answer["meters"]))
    for number, meter in enumerate(meters["meters"]):
        meter["address"] = 11 + number
        meter.pop("identity", None)
    return meters


@on_one_bus
@given(data=st.data())
async def test_any_set_up_of_meters(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    exported: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    data: st.DataObject,
) -> None:
    """A damaged file is refused in words, or what it says is taken over and can be used: no other error comes of it."""
    meters = deepcopy(exported)
    for _ in range(data.draw(st.integers(0, 3))):
        found = [*places(meters)]
        where, key = found[data.draw(st.integers(0, len(found) - 1))]
        if data.draw(st.booleans()):
            where[key] = data.draw(junk | headers)
        elif isinstance(where, dict):
            del where[key]
        else:
            where.append(where[key])
    before = {*entry.subentries}
    caplog.clear()

    try:
        await call(
            hass,
            "import_meters",
            {ATTR_CONFIG_ENTRY_ID: entry.entry_id, "meters": meters, "apply": True},
        )
        await hass.async_block_till_done()
        assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
        assert entry.runtime_data.coordinators.keys() == entry.subentries.keys()
    finally:
        for added in entry.subentries.keys() - before:
            hass.config_entries.async_remove_subentry(entry, added)
        await hass.async_block_till_done()


@pytest.mark.parametrize(
    "content", [b"", b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe", b"1e999", b"null"]
)
async def test_file_that_holds_no_meters(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path, content: bytes
) -> None:
    """It is refused, whatever it is."""
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    file = tmp_path / "meters.json"
    file.write_bytes(content)

    assert await call(
        hass,
        "import_meters",
        {ATTR_CONFIG_ENTRY_ID: entry.entry_id, "filename": str(file)},
    )


@on_one_bus
@given(header=headers, value=numbers | texts)
async def test_any_value_of_any_record(
    hass: HomeAssistant,
    bus: SimulatedBus,
    entry: MockConfigEntry,
    header: str,
    value: Any,
) -> None:
    """What can't be coded is refused before anything is sent, and what can be is sent as it is."""
    bus.requests.clear()
    device = device_of(hass, entry, "meter2")

    refused = await call(
        hass,
        "write_record",
        {ATTR_DEVICE_ID: device, "header": header, "value": value},
    )

    if isinstance(refused, ServiceValidationError | vol.Invalid):
        assert not bus.requests
    for request in bus.requests:
        if len(request) > 6 and request[6] == 0x51:
            assert request[7:].startswith(bytes.fromhex(header))


@on_one_bus
@given(
    action=st.sampled_from(
        ["set_primary_address", "set_baud_rate", "set_clock", "application_reset"]
    ),
    value=st.one_of(
        numbers.filter(
            lambda number: isinstance(number, bool) or not 0 <= number <= 255
        ),
        st.text("xyz?"),
        st.lists(st.integers()),
    ),
)
async def test_refused_data(
    hass: HomeAssistant,
    bus: SimulatedBus,
    entry: MockConfigEntry,
    action: str,
    value: Any,
) -> None:
    """Nothing is sent, be the connection ready for it."""
    field = {
        "set_primary_address": "address",
        "set_baud_rate": "baud_rate",
        "set_clock": "datetime",
        "application_reset": "sub_code",
    }[action]
    bus.requests.clear()

    refused = await call(
        hass, action, {ATTR_DEVICE_ID: device_of(hass, entry, "meter2"), field: value}
    )

    assert isinstance(refused, ServiceValidationError)
    assert not bus.requests


@pytest.mark.parametrize("address", [5.7, True, "5.7", float("inf"), float("nan")])
async def test_half_an_address(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry, address: Any
) -> None:
    """No number is made another one to fit."""
    bus.requests.clear()

    refused = await call(
        hass,
        "set_primary_address",
        {ATTR_DEVICE_ID: device_of(hass, entry, "meter2"), "address": address},
    )

    assert isinstance(refused, ServiceValidationError)
    assert not bus.requests


async def test_time_of_another_zone(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """A moment is written as the meter's clock shows it, which is on standard time."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    meter = bus.meters[0]
    meter.protected = False

    assert not await call(
        hass,
        "write_record",
        {
            ATTR_DEVICE_ID: device_of(hass, entry, "meter1"),
            "header": "04 6D",
            "value": "2026-07-01T12:00:00-04:00",
        },
    )

    assert f"{meter.now():%Y-%m-%d %H:%M}" == "2026-07-01 17:00"
