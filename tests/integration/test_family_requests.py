"""What a profile says of how its family is read: requests of their own, an application, values that are none yet."""

from pathlib import Path
from typing import Any, override

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.protocol import long_frame
from tests.simulator import SimulatedBus, SimulatedMeter
from tests.simulator.records import integer, unsigned

from .conftest import CreateEntry, let_poll
from .dialogs import Dialog, add_meter
from .meter_dialogs import configure_meter, options_of, ticked
from .test_guards import Meter, errors_of, fix, state_of
from .test_meter_settings import form_of
from .test_profiles import own_folder  # noqa: F401

B1 = long_frame(0x53, 7, 0xB1)


class Eastron(Meter):
    """Sends energy by itself, and voltages when asked with CI B1."""

    @override
    def instantaneous(self) -> bytes:
        return unsigned("02 FD 48", 2301) + unsigned("02 FD 48", 2302)


@pytest.fixture
def eastron(bus: SimulatedBus) -> Eastron:
    """Return an SDM630 at address 7."""
    meter = Eastron(
        7,
        integer("04 03", 90_130),
        identification="12345678",
        manufacturer="PAD",
        version=1,
        medium=2,
    )
    bus.meters = [meter]
    return meter


def sent(bus: SimulatedBus, frame: bytes) -> int:
    """Return how often a frame was sent."""
    return sum(request == frame for request in bus.requests)


async def add(hass: HomeAssistant, entry: MockConfigEntry, address: str) -> Dialog:
    """Enter an address, and wait for the list of records."""
    dialog = await add_meter(hass, entry)
    await dialog.choose("address")
    await dialog.submit({"address": address})
    await dialog.wait()
    return dialog


async def test_records_that_a_meter_sends_on_request(
    hass: HomeAssistant, bus: SimulatedBus, eastron: Eastron, create_entry: CreateEntry
) -> None:
    """They are offered as a telegram after the meter's own, and asked for as long as one of them is wanted."""
    entry = await create_entry()
    dialog = await add(hass, entry, "7")
    assert options_of(dialog.result, "records") == {
        "0.0": "0.0 · Energy · 90.13 kWh",
        "1.0": "1.0 · Voltage · 230.1 V",
        "1.1": "1.1 · Voltage, no. 2 · 230.2 V",
    }
    assert ticked(dialog.result, "records") == ["0.0"]
    await dialog.submit({"records": ["0.0", "1.1"]})
    await let_poll(hass)
    assert state_of(hass, "12345678_energy") == "90.13"
    assert state_of(hass, "12345678_voltage") == "230.2"

    [meter_id] = entry.subentries
    dialog = await configure_meter(hass, entry, meter_id, "choose_records")
    await dialog.wait()
    await dialog.submit({"records": ["0.0"]})
    await let_poll(hass)
    bus.requests.clear()
    await let_poll(hass, 301)
    assert bus.requests
    assert B1 not in bus.requests
    assert state_of(hass, "12345678_energy") == "90.13"


async def test_a_meter_that_answers_no_request_of_its_family(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Its own telegrams are there all the same."""
    bus.meters = [
        Meter(
            7,
            integer("04 03", 90_130),
            identification="12345678",
            manufacturer="PAD",
            version=1,
            medium=2,
        )
    ]
    entry = await create_entry()
    dialog = await add(hass, entry, "7")
    assert dialog.result["step_id"] == "records_incomplete"
    assert list(options_of(dialog.result, "records")) == ["0.0"]
    await dialog.submit({"records": ["0.0"]})
    await let_poll(hass)
    assert state_of(hass, "12345678_energy") == "90.13"
    assert errors_of(hass) == {}


async def test_no_profile_no_request(
    hass: HomeAssistant, eastron: Eastron, create_entry: CreateEntry
) -> None:
    """With the profile goes what it asks for, but not what a person entered."""
    entry = await create_entry()
    dialog = await add(hass, entry, "7")
    await dialog.submit({"records": ["0.0"]})
    await let_poll(hass)
    [meter_id] = entry.subentries
    quirks: list[dict[str, Any]] = []
    for profile in ("none", "automatic"):
        dialog = await configure_meter(hass, entry, meter_id, "meter_settings")
        form = form_of(dialog)
        entered = form["quirks"] | {"pause": {"seconds": 1}}
        await dialog.submit(form | {"profile": profile, "quirks": entered})
        await let_poll(hass)
        quirks.append(dict(entry.subentries[meter_id].data["quirks"]))
    assert [item["requests"] for item in quirks] == [[], ["b1"]]
    assert [item["pause"] for item in quirks] == [1.0, 1.0]


async def silent_since_start(
    hass: HomeAssistant, entry: MockConfigEntry, bus: SimulatedBus
) -> list[SimulatedMeter]:
    """Load the connection while no meter answers and no reading is kept; return the meters."""
    meters, bus.meters = bus.meters, []
    [meter_id] = entry.subentries
    entry.runtime_data.store.forget_meter(meter_id)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)
    assert state_of(hass, "12345678_energy") == STATE_UNAVAILABLE
    return meters


async def choose_profile(
    hass: HomeAssistant, entry: MockConfigEntry, profile: str
) -> dict[str, str]:
    """Choose a profile for the only meter; return what could be chosen."""
    [meter_id] = entry.subentries
    dialog = await configure_meter(hass, entry, meter_id, "meter_settings")
    options = options_of(dialog.result, "profile")
    await dialog.submit(form_of(dialog) | {"profile": profile})
    await let_poll(hass)
    return options


async def test_no_profile_for_a_silent_meter(
    hass: HomeAssistant, bus: SimulatedBus, eastron: Eastron, create_entry: CreateEntry
) -> None:
    """What the profile gave is taken away, too, where nothing was heard that tells which profile it was."""
    entry = await create_entry()
    dialog = await add(hass, entry, "7")
    await dialog.submit({"records": ["0.0", "1.0"]})
    await let_poll(hass)
    bus.meters = await silent_since_start(hass, entry, bus)
    options = await choose_profile(hass, entry, "none")
    assert options["automatic"] == "Automatic (–)"
    bus.requests.clear()
    await let_poll(hass, 301)
    assert state_of(hass, "12345678_energy") == "90.13"
    assert sent(bus, B1) == 0


async def test_the_best_profile_for_a_silent_meter(
    hass: HomeAssistant, bus: SimulatedBus, eastron: Eastron, create_entry: CreateEntry
) -> None:
    """It is given what its profile gives once it is heard."""
    entry = await create_entry()
    dialog = await add(hass, entry, "7")
    await dialog.submit({"records": ["0.0", "1.0"]})
    await let_poll(hass)
    await choose_profile(hass, entry, "none")
    bus.meters = await silent_since_start(hass, entry, bus)
    await choose_profile(hass, entry, "automatic")
    await let_poll(hass, 301)
    bus.requests.clear()
    await let_poll(hass, 301)
    assert sent(bus, B1) == 1
    assert state_of(hass, "12345678_voltage") == "230.1"


async def test_no_profile_after_its_file_is_gone(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    own_folder: Path,  # noqa: F811
) -> None:
    """What it gave is known without it."""
    own = own_folder / "asked.yaml"
    own.write_text(
        'name: Asked\nmatch: [{manufacturer: SIM}]\nshortest_period: 900\nquirks: {requests: ["b1"], pause: 2}\n'
    )
    bus.meters = [Meter(7, integer("04 03", 1), identification="12345678")]
    entry = await create_entry()
    dialog = await add(hass, entry, "7")
    await dialog.submit({"records": ["0.0"]})
    await let_poll(hass)
    [subentry] = entry.subentries.values()
    assert subentry.data["quirks"]["pause"] == 2
    assert subentry.data["shortest_period"] == 900
    own.unlink()
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    await choose_profile(hass, entry, "none")
    assert subentry.data["quirks"]["pause"] == 0
    assert subentry.data["quirks"]["requests"] == []
    assert subentry.data["shortest_period"] is None


async def test_a_meter_of_another_family_in_its_place(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    eastron: Eastron,
    create_entry: CreateEntry,
) -> None:
    """It is asked for nothing that only the old one's family sends; one of the same family still is."""
    entry = await create_entry()
    dialog = await add(hass, entry, "7")
    await dialog.submit({"records": ["0.0", "1.0"]})
    await let_poll(hass)
    [meter_id] = entry.subentries
    issue = f"other_meter_{meter_id}"

    eastron.identification = "22222222"
    await let_poll(hass, 301)
    await fix(hass, hass_client, issue, {"next_step_id": "adopt"}, {})
    bus.requests.clear()
    await let_poll(hass, 301)
    assert sent(bus, B1) == 1
    assert state_of(hass, "12345678_voltage") == "230.1"

    bus.meters = [
        Meter(
            7,
            integer("04 03", 50),
            identification="87654321",
            manufacturer="SIM",
            medium=2,
        )
    ]
    await let_poll(hass, 301)
    await fix(hass, hass_client, issue, {"next_step_id": "adopt"}, {})
    await let_poll(hass, 301)
    bus.requests.clear()
    await let_poll(hass, 301)
    assert sent(bus, B1) == 0
    assert state_of(hass, "12345678_energy") == "0.05"


OWN = """
name: A meter with applications
match:
  - {manufacturer: SIM}
quirks:
  application_reset: "50"
"""


async def test_application_taken_away(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    own_folder: Path,  # noqa: F811
) -> None:
    """The sub-code goes before each reading; once it is taken away, CI 50 without one, and only once."""
    (own_folder / "applications.yaml").write_text(OWN)
    heat_meter = bus.meters[0]
    entry = await create_entry()
    dialog = await add(hass, entry, "1")
    assert len(options_of(dialog.result, "records")) == 5
    await dialog.submit({"records": ["0.0"]})
    bus.requests.clear()
    await let_poll(hass)
    chosen, usual = long_frame(0x53, 1, 0x50, b"\x50"), long_frame(0x53, 1, 0x50)
    assert [sent(bus, chosen), sent(bus, usual)] == [1, 0]

    [meter_id] = entry.subentries
    dialog = await configure_meter(hass, entry, meter_id, "meter_settings")
    await dialog.submit(form_of(dialog) | {"profile": "none"})
    bus.meters = []
    await let_poll(hass, 301)
    bus.meters = [heat_meter]
    bus.requests.clear()
    await let_poll(hass, 301)
    assert [sent(bus, chosen), sent(bus, usual)] == [0, 1]
    assert not entry.subentries[meter_id].data["quirks"]["usual_application"]
    await let_poll(hass, 301)
    assert [sent(bus, chosen), sent(bus, usual)] == [0, 1]


@pytest.mark.parametrize(
    ("vif", "name", "number", "average"),
    [
        ("65", "external_temperature_hour_average", 2190, "21.9"),
        ("FC 03 48 52 25 74", "relative_humidity_hour_average", 5986, "59.86"),
    ],
)
async def test_an_average_that_is_none_yet(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    vif: str,
    name: str,
    number: int,
    average: str,
) -> None:
    """Bound while it is marked as one during an error, it has a value once its time is over."""
    meter = Meter(
        7,
        integer(f"02 {vif}", 2210),
        integer(f"72 {vif}", 0),
        identification="12345678",
        manufacturer="ELV",
        version=0x16,
        medium=0x1B,
    )
    bus.meters = [meter]
    entry = await create_entry(7)
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    await dialog.submit({"records": ["0.0", "0.1"]})
    await let_poll(hass)
    await let_poll(hass, 301)
    assert state_of(hass, name) == STATE_UNKNOWN
    assert state_of(hass, "binding_state") == "invalid_value"

    meter.records[1] = integer(f"42 {vif}", number)
    await let_poll(hass, 301)
    assert state_of(hass, name) == average
    assert errors_of(hass) == {}
    assert ir.async_get(hass).async_get_issue(DOMAIN, "records_changed_meter7") is None
