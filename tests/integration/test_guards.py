"""Values of another meter or of another quantity are never published, and how a person mends it."""

from typing import Any, override

from homeassistant.components.repairs import DOMAIN as REPAIRS_DOMAIN
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from tests.simulator import SimulatedBus, SimulatedMeter, is_request_for_data
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter

ENERGY = integer("04 06", 12_345)  # kWh
VOLUME = integer("04 13", 6_789)  # l
FLOW_TEMPERATURE = integer("02 5A", 677)  # 0.1 °C
POWER = integer("04 2B", 4_321)  # W


class Meter(SimulatedMeter):
    """Sends whatever it is told to."""

    def __init__(self, address: int, *records: bytes, **options: Any) -> None:
        """Send these records in one telegram."""
        super().__init__(address, **options)
        self.records = list(records)

    @override
    def telegrams(self) -> list[bytes]:
        return [b"".join(self.records)]


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter at address 7 that sends energy, volume and a temperature."""
    meter = Meter(7, ENERGY, VOLUME, FLOW_TEMPERATURE, identification="12345678")
    bus.meters = [meter]
    return meter


def entity_of(hass: HomeAssistant, name: str) -> str:
    """Return the entity id of the sensor of a binding, or of the meter."""
    (entity_id,) = (
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.platform == DOMAIN
        and entity.domain == Platform.SENSOR
        and entity.entity_id.endswith(f"_{name}")
    )
    return entity_id


def state_of(hass: HomeAssistant, name: str) -> str:
    """Return the state of the sensor of a binding, or of the meter."""
    state = hass.states.get(entity_of(hass, name))
    assert state is not None
    return state.state


def errors_of(hass: HomeAssistant) -> dict[str, str]:
    """Return what is wrong with each binding, by name."""
    (state,) = (
        state
        for state in hass.states.async_all(Platform.SENSOR)
        if state.entity_id.endswith("_binding_state")
    )
    errors: dict[str, str] = state.attributes["errors"]
    return errors


async def test_value_of_another_meter(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """Another number at the same address takes all values away, the right one brings them back."""
    await create_entry(7)
    assert state_of(hass, "energy") == "12345"

    meter.identification = "87654321"
    meter.records[0] = integer("04 06", 99_999)
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == STATE_UNAVAILABLE
    assert state_of(hass, "binding_state") == "another_meter_answered"
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "other_meter_meter7")
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["expected"] == "SIM 12345678"
    assert issue.translation_placeholders["found"] == "SIM 87654321"

    meter.identification = "12345678"
    meter.records[0] = integer("04 06", 12_346)
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == "12346"
    assert ir.async_get(hass).async_get_issue(DOMAIN, "other_meter_meter7") is None


async def test_new_version_is_the_same_meter(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """A difference in version or medium alone is none."""
    await create_entry(7)

    meter.version, meter.medium = meter.version + 1, 0x0C
    meter.records[0] = integer("04 06", 12_346)
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == "12346"


async def test_other_exponent_and_width_are_the_same_record(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """The value is scaled by the header just received."""
    await create_entry(7)

    meter.records[0] = integer("06 03", 12_346_789)  # Wh
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == "12346.789"


async def test_value_of_another_quantity(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """A record that moved is no value; the neighbours that stayed keep theirs."""
    await create_entry(7)

    meter.records[0] = POWER
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == STATE_UNAVAILABLE
    assert state_of(hass, "volume") == "6.789"
    assert state_of(hass, "binding_state") == "record_changed"
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "records_changed_meter7")
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert "energy" in issue.translation_placeholders["bindings"]
    assert "volume" not in issue.translation_placeholders["bindings"]
    assert errors_of(hass) == {
        "energy": "record 0 of telegram 0 is now Power, it was Energy"
    }

    meter.records[0] = ENERGY
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == "12345"
    assert ir.async_get(hass).async_get_issue(DOMAIN, "records_changed_meter7") is None


async def test_total_that_comes_as_text(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """It is no value, whether it was a number when it was bound or not; the neighbours go on."""
    await create_entry(7)
    meter.records[0] = bytes.fromhex("0D 06 03 41 42 43")
    await let_poll(hass, 301)
    assert state_of(hass, "energy") == STATE_UNKNOWN
    assert state_of(hass, "volume") == "6.789"
    assert state_of(hass, "binding_state") == "invalid_value"


async def test_total_that_was_a_text_from_the_start(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """A sensor that adds up numbers has none to show."""
    meter.records[0] = bytes.fromhex("0D 06 03 41 42 43")
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    bindings = [*subentry.data[CONF_BINDINGS]]
    text = {
        **bindings[0],
        "id": "text",
        "name": "text",
        "index": 0,
        "signature": {
            **bindings[0]["signature"],
            "quantity": "energy",
            "dimension": "energy",
        },
        "unit": "Wh",
        "header": "0d06",
    }
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: [text, *bindings]}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert state_of(hass, "volume") == "6.789"
    assert state_of(hass, "text") == STATE_UNKNOWN


async def test_record_that_is_not_sent_any_more(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """It is asked about, as one that changed is."""
    await create_entry(7)
    meter.records.pop()
    await let_poll(hass, 301)
    assert state_of(hass, "binding_state") == "no_record_at_index"
    assert ir.async_get(hass).async_get_issue(DOMAIN, "records_changed_meter7")

    meter.records.append(FLOW_TEMPERATURE)
    await let_poll(hass, 301)
    assert not ir.async_get(hass).async_get_issue(DOMAIN, "records_changed_meter7")


async def test_one_of_two_alike_that_went(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """Where records look alike the whole telegram has to be as it was."""
    meter.records = [ENERGY, integer("04 06", 777), VOLUME]
    entry = await create_entry(7)
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    await dialog.submit({"records": ["0.0", "0.1", "0.2"]})
    await let_poll(hass)
    assert state_of(hass, "energy_2") == "777"

    meter.records = [integer("04 06", 777), VOLUME]
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == STATE_UNAVAILABLE
    assert state_of(hass, "energy_2") == STATE_UNAVAILABLE
    assert errors_of(hass)["energy"].startswith("telegram 0 has other records")


async def test_total_that_falls_is_read_again(
    hass: HomeAssistant, bus: SimulatedBus, meter: Meter, create_entry: CreateEntry
) -> None:
    """A total set back is published once two readings agree."""
    await create_entry(7)
    bus.requests.clear()

    meter.records[0] = integer("04 06", 5)
    await let_poll(hass, 301)

    assert sum(request[1] in (0x5B, 0x7B) for request in bus.requests) == 2
    assert state_of(hass, "energy") == "5"


async def test_total_that_falls_and_goes_on_counting(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """Two readings agree although the total rose between them."""
    await create_entry(7)
    readings = iter([integer("04 06", 5), integer("04 06", 6)])
    sent = meter.records

    def telegrams() -> list[bytes]:
        return [b"".join([next(readings), *sent[1:]])]

    meter.telegrams = telegrams  # type: ignore[method-assign]
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == "6"


async def test_total_that_falls_after_an_invalid_one(
    hass: HomeAssistant, bus: SimulatedBus, meter: Meter, create_entry: CreateEntry
) -> None:
    """The last valid total is what a new one is held against."""
    await create_entry(7)
    meter.records[0] = bytes.fromhex("04 06 00 00 00 80")
    await let_poll(hass, 301)
    bus.requests.clear()

    meter.records[0] = integer("04 06", 5)
    await let_poll(hass, 301)

    assert sum(request[1] in (0x5B, 0x7B) for request in bus.requests) == 2
    assert state_of(hass, "energy") == "5"


async def test_total_below_zero(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """What only counts up is never there, and what comes after is held against the total before."""
    await create_entry(7)
    seen: list[str] = []
    async_track_state_change_event(
        hass,
        [entity_of(hass, "energy")],
        lambda event: seen.append(state_of(hass, "energy")),
    )
    meter.records[0] = integer("04 06", -5)
    await let_poll(hass, 301)
    assert state_of(hass, "binding_state") == "total_fell"
    assert state_of(hass, "volume") == "6.789"
    readings = iter([12_300, 12_346])
    sent = meter.records

    def telegrams() -> list[bytes]:
        return [b"".join([integer("04 06", next(readings)), *sent[1:]])]

    meter.telegrams = telegrams  # type: ignore[method-assign]
    await let_poll(hass, 301)
    assert seen == [STATE_UNKNOWN, "12346"]


async def test_register_that_is_below_zero_when_it_is_bound(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """It counts both ways: it is no rising total, and each of its values is shown."""
    meter.records[1] = integer("04 13", -5)
    await create_entry(7)
    state = hass.states.get(entity_of(hass, "volume"))
    assert state is not None
    assert state.attributes["state_class"] == "total"
    for litres in (-7, 2, -3):
        meter.records[1] = integer("04 13", litres)
        await let_poll(hass, 301)
        assert float(state_of(hass, "volume")) == litres / 1000


async def test_total_that_falls_over_a_restart(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
) -> None:
    """The last total is remembered although it is too old to be shown."""
    entry = await create_entry(7)
    assert await hass.config_entries.async_unload(entry.entry_id)
    kept = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]["meters"]["meter7"]
    kept["time"] = kept["due"] = "2026-01-01T00:00:00+00:00"
    meter.records[0] = integer("04 06", 5)
    bus.requests.clear()

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)

    assert sum(request[1] in (0x5B, 0x7B) for request in bus.requests) == 2
    assert state_of(hass, "energy") == "5"


async def test_register_below_zero_is_not_read_again(
    hass: HomeAssistant, bus: SimulatedBus, meter: Meter, create_entry: CreateEntry
) -> None:
    """A register below zero counts both ways: it is shown at once when it is less, and so is all else."""
    meter.records[1] = integer("04 13", -6_000)
    await create_entry(7)
    meter.records[:2] = [integer("04 06", 12_346), integer("04 13", -6_001)]
    bus.requests.clear()
    await let_poll(hass, 301)
    assert sum(map(is_request_for_data, bus.requests)) == 1
    assert (state_of(hass, "energy"), state_of(hass, "volume")) == ("12346", "-6.001")
    assert state_of(hass, "binding_state") == "ok"


async def test_total_that_falls_in_one_reading_only(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """A single low reading is never published, and its neighbours are."""
    await create_entry(7)
    seen: list[str] = []
    async_track_state_change_event(
        hass,
        [entity_of(hass, "energy")],
        lambda event: seen.append(str(state_of(hass, "energy"))),
    )
    readings = iter([integer("04 06", 5), integer("04 06", 12_346)])
    volumes = iter([integer("04 13", 6_790), integer("04 13", 6_791)])

    def telegrams() -> list[bytes]:
        return [next(readings) + next(volumes) + FLOW_TEMPERATURE]

    meter.telegrams = telegrams  # type: ignore[method-assign]
    await let_poll(hass, 301)

    assert seen == [STATE_UNKNOWN, "12346"]
    assert state_of(hass, "volume") == "6.791"


async def test_total_that_fell_waits_for_the_next_reading(
    hass: HomeAssistant, meter: Meter, create_entry: CreateEntry
) -> None:
    """Twice in a row it fell further: no value, a reason of its own, and the neighbours go on."""
    await create_entry(7)
    falling = iter(range(900, 0, -1))

    def telegrams() -> list[bytes]:
        energy, volume = integer("04 06", next(falling)), integer("04 13", 6_790)
        return [energy + volume + FLOW_TEMPERATURE]

    meter.telegrams = telegrams  # type: ignore[method-assign]
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == STATE_UNKNOWN
    assert state_of(hass, "volume") == "6.79"
    assert state_of(hass, "binding_state") == "total_fell"
    assert errors_of(hass).keys() == {"energy"}


async def fix(
    hass: HomeAssistant,
    client: ClientSessionGenerator,
    issue_id: str,
    *inputs: dict[str, Any],
) -> dict[str, Any]:
    """Go through the flow of an issue as the browser does; return its last result."""
    assert await async_setup_component(hass, REPAIRS_DOMAIN, {})
    http = await client()
    response = await http.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id}
    )
    assert response.status == 200
    result: dict[str, Any] = await response.json()
    for user_input in inputs:
        response = await http.post(
            f"/api/repairs/issues/fix/{result['flow_id']}", json=user_input
        )
        assert response.status == 200
        result = await response.json()
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


async def test_adopting_the_new_meter(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """The entities stay and go on with the values of the meter that answers."""
    entry = await create_entry(7)
    before = {
        entity.unique_id: entity.entity_id
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }
    meter.identification = "87654321"
    meter.records[0] = integer("04 06", 3)
    await let_poll(hass, 301)

    result = await fix(
        hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {}
    )
    assert result["type"] == "create_entry"
    await let_poll(hass, 301)

    assert state_of(hass, "energy") == "3"
    assert ir.async_get(hass).async_get_issue(DOMAIN, "other_meter_meter7") is None
    assert before == {
        entity.unique_id: entity.entity_id
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }


async def test_not_adopting_the_new_meter(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Nothing changes, the issue stays."""
    await create_entry(7)
    meter.identification = "87654321"
    await let_poll(hass, 301)

    result = await fix(
        hass, hass_client, "other_meter_meter7", {"next_step_id": "keep"}
    )

    assert result["type"] == "abort"
    assert result["reason"] == "kept"
    await let_poll(hass, 301)
    assert state_of(hass, "energy") == STATE_UNAVAILABLE
    assert ir.async_get(hass).async_get_issue(DOMAIN, "other_meter_meter7") is not None


async def test_new_meter_that_is_silent_again(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """The form stays open and says why."""
    await create_entry(7)
    meter.identification = "87654321"
    await let_poll(hass, 301)
    bus.meters = []

    result = await fix(
        hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {}
    )

    assert result["type"] == "form"
    assert result["errors"] == {"base": "read_failed"}


async def test_binding_records_where_they_are_now(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Records that moved are bound again together; what becomes of one that is gone is asked, and it stays in error."""
    entry = await create_entry(7)
    meter.records = [FLOW_TEMPERATURE, POWER, VOLUME]
    await let_poll(hass, 301)
    assert state_of(hass, "volume") == STATE_UNAVAILABLE

    result = await fix(hass, hass_client, "records_changed_meter7", {})

    assert result["step_id"] == "not_found"
    assert state_of(hass, "volume") == "6.789"
    assert state_of(hass, "flow_temperature") == "67.7"
    assert state_of(hass, "energy") == STATE_UNAVAILABLE
    places = {
        binding["name"]: binding["index"]
        for binding in entry.subentries["meter7"].data[CONF_BINDINGS]
    }
    assert places == {"energy": 0, "volume": 2, "flow_temperature": 0}


async def test_binding_records_of_a_silent_meter(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Without an answer there is nothing to bind to."""
    await create_entry(7)
    meter.records[0] = POWER
    await let_poll(hass, 301)
    bus.meters = []

    result = await fix(hass, hass_client, "records_changed_meter7")

    assert result["type"] == "abort"
    assert result["reason"] == "read_failed"
