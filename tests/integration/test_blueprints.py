"""The blueprints, loaded by Home Assistant and run."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
import shutil
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from tests.simulator import SimulatedBus

from .conftest import CreateEntry, let_poll
from .test_guards import ENERGY, VOLUME, Meter

BLUEPRINTS = Path("blueprints/automation/mbus")
AUTOMATION = "automation.tried"
RAN = "mbus_test_ran"
FIRST = (dt_util.utcnow() + timedelta(days=32)).replace(
    day=1, hour=6, minute=0, second=0, microsecond=0
)


@pytest.fixture(autouse=True)
async def custom_integrations(
    recorder_mock: Recorder,
    enable_custom_integrations: None,
    hass: HomeAssistant,
    tmp_path: Path,
) -> None:
    """Let Home Assistant record, load the integration, and find the blueprints in its configuration."""
    await hass.config.async_set_time_zone("UTC")
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(BLUEPRINTS, tmp_path / "blueprints/automation/mbus")


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter at 7."""
    meter = Meter(7, ENERGY, VOLUME, identification="12345678", medium=7)
    bus.meters = [meter]
    return meter


@pytest.fixture
async def entry(meter: Meter, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with it."""
    return await create_entry(7)


type Automate = Callable[..., Awaitable[list[Event]]]


@pytest.fixture
async def automate(hass: HomeAssistant) -> AsyncIterator[Automate]:
    """Return a function that makes an automation of a blueprint.

    It fires an event with what the blueprint tells, `told`, `into` whichever input; what is fired is returned.
    """

    async def make(blueprint: str, told: str, into: str, **inputs: Any) -> list[Event]:
        events: list[Event] = async_capture_events(hass, RAN)
        data = {name: f"{{{{ {name} }}}}" for name in told.split()}
        blueprint_inputs = {**inputs, into: [{"event": RAN, "event_data": data}]}
        assert await async_setup_component(
            hass,
            "automation",
            {
                "automation": {
                    "alias": "Tried",
                    "use_blueprint": {
                        "path": f"mbus/{blueprint}.yaml",
                        "input": blueprint_inputs,
                    },
                }
            },
        )
        await hass.async_block_till_done()
        # One whose blueprint or inputs are wrong is unavailable.
        state = hass.states.get(AUTOMATION)
        assert state
        assert state.state == "on"
        return events

    yield make
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True
    )


def next_time(time: str) -> datetime:
    """Return when it is that time of the day next."""
    hour, minute, second = map(int, time.split(":"))
    moment = dt_util.now().replace(
        hour=hour, minute=minute, second=second, microsecond=0
    )
    return moment if moment > dt_util.utcnow() else moment + timedelta(days=1)


async def be_at(hass: HomeAssistant, moment: datetime) -> None:
    """Let it be that time."""
    async_fire_time_changed(hass, moment + timedelta(milliseconds=500))
    await hass.async_block_till_done(wait_background_tasks=True)
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
def first_of_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let templates find that it is the first of a month."""
    monkeypatch.setattr(dt_util, "now", lambda time_zone=None: FIRST)


NIGHT = datetime(2026, 1, 15, 5, 1)
VOLUME_SENSOR = "sensor.sim_water_meter_12345678_volume"


def ran_in_hours(hass: HomeAssistant, before: datetime, ran: list[float]) -> None:
    """Let so much water have run in each of the full hours before a moment."""
    hour = before.replace(minute=0, second=0, microsecond=0)
    totals = [sum(ran[:number]) for number in range(len(ran) + 1)]
    async_import_statistics(
        hass,
        StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=None,
            source="recorder",
            statistic_id=VOLUME_SENSOR,
            unit_class="volume",
            unit_of_measurement="m³",
        ),
        [
            StatisticData(
                start=hour - timedelta(hours=len(ran) + 1 - number),
                state=total,
                sum=total,
            )
            for number, total in enumerate(totals)
        ],
    )


@pytest.mark.parametrize(
    ("zone", "end", "ran"),
    [
        ("UTC", NIGHT, [0.01, 0.02, 0.001, 0.005]),
        ("UTC", NIGHT, [0.01, 0.0, 0.02, 0.005]),
        ("UTC", NIGHT, [0.01, 0.02]),
        # What ends at the full hour is counted some seconds later.
        ("UTC", NIGHT.replace(minute=0), [0.01, 0.02, 0.001, 0.005, 0.0]),
        # Off the full hour, and in nights of three and of five hours.
        ("Asia/Kathmandu", NIGHT, [0.01, 0.02, 0.001, 0.005]),
        ("Pacific/Chatham", NIGHT, [0.01, 0.02, 0.001, 0.005]),
        ("Europe/Berlin", datetime(2026, 3, 29, 5, 1), [0.01, 0.02, 0.001, 0.005]),
        ("Europe/Berlin", datetime(2026, 10, 25, 5, 1), [0.01, 0.02, 0.001, 0.005]),
    ],
)
async def test_leak_at_night(
    hass: HomeAssistant,
    automate: Automate,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    end: datetime,
    ran: list[float],
) -> None:
    """Told when water ran in each of the last hours, wherever that is and whatever the clock does."""
    await hass.config.async_set_time_zone(zone)
    moment = end.replace(tzinfo=dt_util.get_default_time_zone())
    ran_in_hours(hass, dt_util.as_utc(moment), ran)
    await async_wait_recording_done(hass)
    events = await automate(
        "leak_at_night",
        "name least_of_all",
        "tell",
        volume=VOLUME_SENSOR,
        end="05:01:00",
    )
    run = next_time("05:01:00")
    monkeypatch.setattr(dt_util, "now", lambda time_zone=None: moment)
    await be_at(hass, run)
    if len(ran) < 4 or min(ran[:4]) < 0.001:
        assert events == []
    else:
        [event] = events
        assert event.data["name"] == "SIM water meter 12345678"
        assert event.data["least_of_all"] == pytest.approx(0.001)


@pytest.mark.parametrize("hours", [24, 23])
async def test_meter_silent(
    hass: HomeAssistant,
    automate: Automate,
    entry: MockConfigEntry,
    bus: SimulatedBus,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    """Told a day after it fell silent, not before."""
    events = await automate("meter_silent", "meters", "tell", at="08:00:00")
    morning = next_time("08:00:00")
    await be_at(hass, morning)
    assert events == []
    bus.meters = []
    await let_poll(hass, 301)
    later = dt_util.now() + timedelta(hours=hours, minutes=1)
    monkeypatch.setattr(dt_util, "now", lambda time_zone=None: later)
    await be_at(hass, morning + timedelta(days=1))
    if hours < 24:
        assert events == []
    else:
        [event] = events
        assert event.data["meters"] == ["SIM water meter 12345678"]


async def test_status_error(
    hass: HomeAssistant, automate: Automate, entry: MockConfigEntry, meter: Meter
) -> None:
    """Told of errors that are new, by the meter's device; not of those that go, nor of other bits."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        ("mbus", "meter7"), entry.entry_id
    )
    assert device
    events = await automate(
        "status_error",
        "name errors",
        "tell",
        meters={"device_id": device.id},
    )
    for status in (0x20, 0x24, 0x2C, 0x04, 0x00):
        meter.status = status
        await let_poll(hass, 301)
    assert [event.data["errors"] for event in events] == [
        ["power_low"],
        ["permanent_error"],
    ]
    assert {event.data["name"] for event in events} == {"SIM water meter 12345678"}


async def test_monthly_bill(
    hass: HomeAssistant,
    automate: Automate,
    entry: MockConfigEntry,
    first_of_month: None,
) -> None:
    """On the first, with the table and the month it is for."""
    events = await automate(
        "monthly_bill",
        "csv month missing",
        "send",
        at="06:00:00",
        decimal_comma=True,
    )
    await be_at(hass, next_time("06:00:00"))
    [event] = events
    assert event.data["month"] == f"{FIRST - timedelta(days=1):%Y-%m}"
    assert event.data["missing"] == []
    assert event.data["csv"].startswith("meter,name,serial_number")
    assert ',"6,789",m³,' in event.data["csv"]


async def test_monthly_bill_of_an_area(
    hass: HomeAssistant,
    automate: Automate,
    entry: MockConfigEntry,
    first_of_month: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only the meters there, of which there is none."""
    events = await automate(
        "monthly_bill", "csv", "send", at="06:00:00", areas=["cellar"]
    )
    await be_at(hass, next_time("06:00:00"))
    assert events == []
    assert "There are no readings of these meters" in caplog.text


@pytest.mark.parametrize("blueprint", ["monthly_bill", "take_readings"])
async def test_other_days(
    hass: HomeAssistant,
    automate: Automate,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    blueprint: str,
) -> None:
    """Not on any other day than the first."""
    monkeypatch.setattr(
        dt_util, "now", lambda time_zone=None: FIRST + timedelta(days=1)
    )
    inputs: dict[str, Any] = (
        {"connection": entry.entry_id} if blueprint == "take_readings" else {}
    )
    into = "tell" if blueprint == "take_readings" else "send"
    events = await automate(blueprint, "this", into, at="06:00:00", **inputs)
    await be_at(hass, next_time("06:00:00"))
    assert events == []


async def test_take_readings(
    hass: HomeAssistant,
    automate: Automate,
    entry: MockConfigEntry,
    meter: Meter,
    first_of_month: None,
) -> None:
    """On the first, kept for the bill."""
    events = await automate(
        "take_readings",
        "readings skipped errors",
        "tell",
        connection=entry.entry_id,
        at="06:00:00",
    )
    await be_at(hass, next_time("06:00:00"))
    [event] = events
    assert [row["value"] for row in event.data["readings"]] == ["12345", "6.789"]
    assert event.data["skipped"] == {}
    assert event.data["errors"] == {}
    assert entry.runtime_data.store.notes.taken.keys() == {"meter7"}


def test_every_blueprint_has_a_link() -> None:
    """The README offers each for import, by the address that it names itself."""
    readme = Path("README.md").read_text()
    files = sorted(BLUEPRINTS.glob("*.yaml"))
    assert len(files) == 5
    for file in files:
        blueprint = load_yaml_dict(str(file))["blueprint"]
        assert blueprint["source_url"].endswith(str(file))
        quoted = blueprint["source_url"].replace(":", "%3A").replace("/", "%2F")
        assert f"blueprint_import/?blueprint_url={quoted})" in readme
        # A test for each runs it.
        assert f"test_{file.stem}" in globals()
