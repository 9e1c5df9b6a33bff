"""A profile that changes the size of values makes no consumption: with the real recorder."""

from datetime import timedelta
from pathlib import Path

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import DOMAIN
from tests.simulator import SimulatedBus
from tests.simulator.records import integer, real

from .conftest import CreateEntry, let_poll
from .recorder import compile_statistics, rows, window
from .test_guards import Meter, fix, state_of
from .test_profiles import ISSUE, fix as begin, own_folder, set_up_before_profiles  # noqa: F401

ENERGY = "sensor.sec_electricity_meter_12345678_energy"


@pytest.fixture(autouse=True)
def custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None
) -> None:
    """Let Home Assistant record, which it must before anything else, and load the integration."""


def schneider(*records: bytes) -> Meter:
    """Return an iEM3155 at address 7."""
    return Meter(
        7,
        *records,
        identification="12345678",
        manufacturer="SEC",
        version=0x15,
        medium=2,
    )


async def sums(hass: HomeAssistant, entity_id: str) -> list[float]:
    """Return the sums of the statistics, the oldest first."""
    return [row["sum"] for row in await rows(hass, entity_id, "5minute", "sum")]


async def test_a_total_in_another_size(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Shown a thousand times too low before, it jumps; what is counted is what the meter counts from then on."""
    meter = schneider(real("05 03", 376_074.5))
    bus.meters = [meter]
    await set_up_before_profiles(hass, create_entry, monkeypatch)
    assert state_of(hass, "12345678_energy") == "376.0745"
    start = window()
    await compile_statistics(hass, start)

    result = await fix(hass, hass_client, ISSUE)
    assert result["description_placeholders"]["changed"] == (
        "- Energy: 376.0745 kWh → Energy: 376,074.5 kWh"
    )
    result = await fix(hass, hass_client, ISSUE, {})
    assert result["type"] == "create_entry"
    assert state_of(hass, "12345678_energy") == "376074.5"
    await compile_statistics(hass, start + timedelta(minutes=5))
    assert await sums(hass, ENERGY) == [0.0, pytest.approx(0.0, abs=1e-6)]

    meter.records[0] = real("05 03", 376_080.5)
    await let_poll(hass, 301)
    assert state_of(hass, "12345678_energy") == "376080.5"
    await compile_statistics(hass, start + timedelta(minutes=10))
    assert await sums(hass, ENERGY) == [
        0.0,
        pytest.approx(0.0, abs=1e-6),
        pytest.approx(6.0),
    ]
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None


async def test_a_reading_between_offer_and_confirmation(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was counted meanwhile is what was shown meanwhile, and nothing of the size."""
    meter = schneider(real("05 03", 376_074.5))
    bus.meters = [meter]
    await set_up_before_profiles(hass, create_entry, monkeypatch)
    start = window()
    await compile_statistics(hass, start)
    submit = await begin(hass, hass_client, ISSUE)
    meter.records[0] = real("05 03", 376_080.5)
    await let_poll(hass, 301)
    later = dt_util.utcnow() + timedelta(minutes=5)
    with monkeypatch.context() as patch:
        patch.setattr(dt_util, "utcnow", lambda: later)
        await submit({})
    assert state_of(hass, "12345678_energy") == "376080.5"
    await compile_statistics(hass, start + timedelta(minutes=5))
    assert await sums(hass, ENERGY) == [0.0, pytest.approx(0.006)]


@pytest.mark.parametrize("minute", [45, 50, 55])
async def test_no_hour_has_the_step(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
    minute: int,
) -> None:
    """Wherever in an hour the size changes, also in the five minutes with which Home Assistant sums the hour up."""
    meter = schneider(real("05 03", 376_074.5))
    bus.meters = [meter]
    await set_up_before_profiles(hass, create_entry, monkeypatch)
    start = window().replace(minute=minute) + timedelta(hours=1)
    await compile_statistics(hass, start)
    await fix(hass, hass_client, ISSUE, {})
    await compile_statistics(hass, start + timedelta(minutes=5))
    meter.records[0] = real("05 03", 376_080.5)
    await let_poll(hass, 301)
    for number in range(2, 16):
        await compile_statistics(hass, start + timedelta(minutes=5 * number))
    hours = [row["sum"] for row in await rows(hass, ENERGY, "hour", "sum")]
    assert len(hours) == 2 if minute != 55 else 3
    assert all(-1e-6 < counted < 6 + 1e-6 for counted in hours)
    assert hours[-1] == pytest.approx(6.0)


async def test_a_smaller_size_by_ones_own_file(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    own_folder: Path,  # noqa: F811
) -> None:
    """A changed file changes nothing until the repair is confirmed, and then makes no consumption of what looks like a reset."""
    meter = schneider(integer("07 03", 5_000_000))
    bus.meters = [meter]
    own = own_folder / "tenths.yaml"
    text = "name: Tenths\nmatch: [{manufacturer: SEC}]\nrecords:\n"
    text += "  - {key: energy, vif: '03', factor: 0.1}\n"
    await create_entry(7)
    start = window()
    await compile_statistics(hass, start)
    own.write_text(text)
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    await let_poll(hass, 301)
    assert state_of(hass, "12345678_energy") == "5000"

    await fix(hass, hass_client, ISSUE, {})
    assert state_of(hass, "12345678_energy") == "500"
    await compile_statistics(hass, start + timedelta(minutes=5))
    meter.records[0] = integer("07 03", 5_000_200)
    await let_poll(hass, 301)
    await compile_statistics(hass, start + timedelta(minutes=10))
    assert await sums(hass, ENERGY) == [
        0.0,
        pytest.approx(0.0, abs=1e-6),
        pytest.approx(0.02),
    ]


async def test_a_total_of_another_quantity(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reactive energy that was energy before: nothing of the one is counted as the other."""
    bus.meters = [schneider(integer("87 40 03", 5_000_000))]
    await set_up_before_profiles(hass, create_entry, monkeypatch)
    entity = f"{ENERGY}_subunit_1"
    start = window()
    await compile_statistics(hass, start)
    await fix(hass, hass_client, ISSUE, {})
    state = hass.states.get(entity)
    assert state is not None
    assert state.attributes["unit_of_measurement"] == "kvarh"
    await compile_statistics(hass, start + timedelta(minutes=5))
    assert set(await sums(hass, entity)) == {0.0}
