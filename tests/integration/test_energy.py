"""What a meter's gear says about the Energy dashboard."""

from homeassistant.core import HomeAssistant
import pytest

from tests.simulator import (
    ElectricityMeter,
    GasMeter,
    HeatMeter,
    SimulatedBus,
    SimulatedMeter,
    WaterMeter,
)
from tests.simulator.records import integer

from .conftest import CreateEntry
from .meter_dialogs import configure_meter, options_of, read_meters
from .test_guards import Meter


@pytest.mark.parametrize(
    ("meter", "step", "places"),
    [
        (
            ElectricityMeter(7),
            "energy",
            {
                "Energy, import": "Energy imported from grid",
                "Energy, export": "Energy exported to grid",
                "Power": "Type of power measurement",
            },
        ),
        (
            GasMeter(7),
            "energy",
            {"Volume": "Gas consumption", "Volume flow": "Gas flow rate"},
        ),
        (
            WaterMeter(7),
            "energy",
            {"Volume": "Water consumption", "Volume flow": "Water flow rate"},
        ),
        (
            HeatMeter(7),
            "energy_heat",
            {"Energy": "Gas consumption", "Energy, cooling": "Gas consumption"},
        ),
    ],
    ids=["electricity", "gas", "water", "heat"],
)
async def test_which_sensor_goes_where(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    meter: SimulatedMeter,
    step: str,
    places: dict[str, str],
) -> None:
    """Totals and what goes beside them as a rate, each with the field that takes it; of heat it is said how it is counted."""
    bus.meters = [meter]
    entry = await create_entry(7)
    await read_meters(hass, entry)

    dialog = await configure_meter(hass, entry, "meter7", "energy")

    assert dialog.result["step_id"] == step
    lines = dialog.result["description_placeholders"]["places"].splitlines()
    named = dict(line.removeprefix("- **").split("**: ") for line in lines)
    assert named.keys() == places.keys()
    assert all(f"*{places[name]}*" in place for name, place in named.items())
    assert (await dialog.choose("reconfigure"))["step_id"] == "reconfigure"


async def test_parts_of_it_and_limits_go_nowhere(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """What is a part of a total would be counted twice, and a limit or a maximum is no measurement."""
    bus.meters = [
        Meter(
            7,
            integer("04 06", 12_345),
            integer("04 86 FC 01", 4_115),  # of phase 1
            integer("04 2B", 900),
            integer("04 AB FC 01", 300),
            integer("14 2B", 5_000),  # maximum
            integer("04 AB 48", 9_000),  # upper limit
            medium=2,
        )
    ]
    entry = await create_entry(7)
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    await dialog.submit({"records": [*options_of(dialog.result, "records")]})
    await hass.async_block_till_done()
    await read_meters(hass, entry)

    dialog = await configure_meter(hass, entry, "meter7", "energy")

    lines = dialog.result["description_placeholders"]["places"].splitlines()
    assert [line.partition("**: ")[0] for line in lines] == ["- **Energy", "- **Power"]


async def test_nothing_for_the_dashboard(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter that sends temperatures alone has nothing to be counted."""
    bus.meters = [Meter(7, integer("02 5A", 501))]
    entry = await create_entry(7)
    await read_meters(hass, entry)

    dialog = await configure_meter(hass, entry, "meter7", "energy")

    assert dialog.result["reason"] == "no_energy"
