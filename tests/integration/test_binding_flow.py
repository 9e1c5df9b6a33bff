"""Changing a meter's bindings by its gear: settings, writing, and bindings made by number."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.simulator import SimulatedBus
from tests.simulator.records import integer, text

from .conftest import CreateEntry
from .dialogs import Dialog
from .meter_dialogs import (
    bindings_of,
    configure_meter,
    edit_binding,
    options_of,
    read_meters,
    suggested,
    ticked,
)

METER = "meter1"
ENERGY = {"access": "r", "telegram": 0, "index": 1}
"""The settings of the heat meter's energy as they are."""
FOLLOWS = {
    "device_class": "energy",
    "unit": "kWh",
    "state_class": "total_increasing",
    "precision": 0,
}
"""What is proposed of it, as it follows from the record."""


@pytest.fixture
async def entry(hass: HomeAssistant, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with the heat meter, its sensible records bound, read once."""
    entry = await create_entry(1)
    await read_meters(hass, entry)
    return entry


def store(
    hass: HomeAssistant, entry: MockConfigEntry, name: str, **changes: Any
) -> None:
    """Change what is stored of a binding."""
    subentry = entry.subentries[METER]
    bindings = [
        {**item, **changes} if item["name"] == name else item
        for item in subentry.data["bindings"]
    ]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "bindings": bindings}
    )


async def test_pick_a_binding(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Bindings are offered by the place of their record and what they are called."""
    store(hass, entry, "energy", title="Heat")
    dialog = await configure_meter(hass, entry, METER, "edit_binding")
    labels = set(options_of(dialog.result, "binding").values())
    assert {"0.1 · Heat", "0.2 · Volume"} <= labels


async def test_records_chosen_beside_another_dialog(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What another dialog bound while a list was open stays bound, though it is not ticked in that list."""
    dialog = await configure_meter(hass, entry, METER, "choose_records")
    await dialog.wait()
    ticks = ticked(dialog.result, "records")
    free = next(one for one in options_of(dialog.result, "records") if one not in ticks)

    other = await configure_meter(hass, entry, METER, "choose_records")
    await other.wait()
    await other.submit({"records": [*ticks, free]})
    bound = [item["id"] for item in entry.subentries[METER].data["bindings"]]
    assert len(bound) == len(ticks) + 1

    await dialog.submit({"records": ticks})
    assert [item["id"] for item in entry.subentries[METER].data["bindings"]] == bound


async def test_no_bindings(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Without bindings there is none to edit."""
    subentry = entry.subentries[METER]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "bindings": []}
    )
    dialog = await configure_meter(hass, entry, METER, "edit_binding")
    assert dialog.result["reason"] == "no_bindings"


async def test_writing_is_for_writable_bindings(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A binding that only reads has nothing to say about writing."""
    for access, options in (
        ("R", ["binding_settings", "transformation"]),
        ("W", ["binding_settings", "transformation", "writing"]),
        ("RW", ["binding_settings", "transformation", "writing"]),
    ):
        store(hass, entry, "energy", access=access)
        [binding_id] = [
            item["id"]
            for item in entry.subentries[METER].data["bindings"]
            if item["name"] == "energy"
        ]
        dialog = await configure_meter(hass, entry, METER, "edit_binding")
        result = await dialog.submit({"binding": binding_id})
        assert result["menu_options"] == options


async def test_title_and_presentation(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What is set shows in the sensor, under the same entity id; what is cleared follows from the record again."""
    before = bindings_of(entry, METER)
    entity_id = er.async_get(hass).async_get_entity_id(
        "sensor", "mbus", before["energy"]["id"]
    )
    assert entity_id
    dialog = await edit_binding(hass, entry, "energy", "binding_settings")
    assert suggested(dialog.result) == ENERGY | FOLLOWS

    result = await dialog.submit(
        ENERGY | FOLLOWS | {"title": "Heat", "unit": "GJ", "precision": 2.0}
    )

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    after = bindings_of(entry, METER)
    assert after.pop("energy") == before.pop("energy") | {
        "title": "Heat",
        "presentation": {"unit": "GJ", "precision": 2},
    }
    assert after == before
    await hass.async_block_till_done(wait_background_tasks=True)
    state = hass.states.get(entity_id)
    assert state
    assert state.attributes["friendly_name"].endswith(" Heat")
    assert state.attributes["unit_of_measurement"] == "GJ"

    dialog = await edit_binding(hass, entry, "energy", "binding_settings")
    assert suggested(dialog.result) == ENERGY | FOLLOWS | {
        "title": "Heat",
        "unit": "GJ",
        "precision": 2,
    }
    await dialog.submit(ENERGY)
    stored = bindings_of(entry, METER)["energy"]
    assert (stored["title"], stored["presentation"]) == (None, {})


@pytest.mark.parametrize(
    ("name", "presentation", "errors", "named"),
    [
        # 2 kWh are no m³, whatever a person says.
        ("energy", {"unit": "m³"}, {"unit": "unit_not_convertible"}, "kWh"),
        ("energy", {"unit": "blue"}, {"unit": "unit_not_convertible"}, "kWh"),
        (
            "energy",
            {"device_class": "gas"},
            {"device_class": "unit_not_for_device_class"},
            "m³",
        ),
        (
            "energy",
            {"device_class": "power", "unit": "GJ"},
            {"unit": "unit_not_for_device_class"},
            "kW",
        ),
        (
            "energy",
            {"state_class": "measurement"},
            {"state_class": "state_class_not_possible"},
            "Total, Total increasing",
        ),
        (
            "volume_flow",
            {"state_class": "measurement_angle"},
            {"state_class": "state_class_not_possible"},
            "Measurement",
        ),
        (
            "energy",
            {"device_class": "timestamp"},
            {"device_class": "device_class_not_numeric"},
            "",
        ),
    ],
)
async def test_impossible_presentation(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    name: str,
    presentation: dict[str, str],
    errors: dict[str, str],
    named: str,
) -> None:
    """What Home Assistant would not take, or would make a wrong number, is refused on its field."""
    before = dict(entry.subentries[METER].data)
    dialog = await edit_binding(hass, entry, name, "binding_settings")
    form = suggested(dialog.result)
    result = await dialog.submit(form | presentation)

    assert result["errors"] == errors
    assert named in " ".join(result["description_placeholders"].values())
    assert suggested(result) == form | presentation
    assert entry.subentries[METER].data == before
    result = await dialog.submit(form)
    assert result["reason"] == "reconfigure_successful"


@pytest.mark.parametrize(
    ("name", "presentation"),
    [
        ("energy", {"unit": "MWh", "state_class": "total"}),
        ("volume", {"device_class": "water", "unit": "L"}),
        ("volume", {"device_class": "volume_storage", "state_class": "measurement"}),
        ("flow_temperature", {"unit": "K"}),
        ("power", {"unit": "BTU/h", "precision": 0}),
    ],
)
async def test_possible_presentation(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    name: str,
    presentation: dict[str, Any],
) -> None:
    """What fits together is taken."""
    dialog = await edit_binding(hass, entry, name, "binding_settings")
    result = await dialog.submit(suggested(dialog.result) | presentation)

    assert result["type"] is FlowResultType.ABORT
    assert bindings_of(entry, METER)[name]["presentation"] == presentation


async def bind(hass: HomeAssistant, entry: MockConfigEntry, index: int) -> Dialog:
    """Bind a record of the first telegram and return the form of its settings."""
    dialog = await configure_meter(hass, entry, METER, "add_binding")
    await dialog.submit({"telegram": 0, "index": index})
    name = list(bindings_of(entry, METER))[-1]
    return await edit_binding(hass, entry, name, "binding_settings")


@pytest.mark.parametrize("index", [0, 10])
async def test_no_number_has_no_unit(
    hass: HomeAssistant, entry: MockConfigEntry, index: int
) -> None:
    """A number on a plate and a time are no numbers to compute with: nothing of the kind can be set."""
    dialog = await bind(hass, entry, index)
    form = suggested(dialog.result)
    result = await dialog.submit(form | {"unit": "kWh", "precision": 1})

    assert result["errors"] == {"unit": "not_a_number", "precision": "not_a_number"}
    result = await dialog.submit(form | {"title": "A note"})
    assert result["reason"] == "reconfigure_successful"


async def test_plain_number(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A number without a unit may be given one, and a state class that goes with it."""
    dialog = await bind(hass, entry, 11)
    form = suggested(dialog.result)
    result = await dialog.submit(form | {"state_class": "measurement_angle"})

    assert result["errors"] == {"state_class": "state_class_not_possible"}
    possible = result["description_placeholders"]["state_classes"]
    assert possible == "Measurement, Total, Total increasing"
    given = {"unit": "°", "state_class": "measurement_angle"}
    result = await dialog.submit(form | given)
    assert result["reason"] == "reconfigure_successful"


async def test_move_binding(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A binding moved to another record keeps its id and means what that record means."""
    before = bindings_of(entry, METER)["energy"]
    dialog = await edit_binding(hass, entry, "energy", "binding_settings")
    await dialog.submit(ENERGY | {"telegram": 1, "index": 2, "access": "rw"})

    after = bindings_of(entry, METER)["energy"]
    assert after["id"] == before["id"]
    assert (after["telegram"], after["index"], after["access"]) == (1, 2, "RW")
    assert after["signature"] == before["signature"] | {"storage_number": 1}


async def test_record_without_control(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Write access that could bring no control is refused; of a record never read nobody knows."""
    bus.meters[0].telegrams = lambda: [  # type: ignore[method-assign]
        integer("04 06", 12_345) + text("0D FD 16", "sesame") + integer("01 7A", 1)
    ]
    entry = await create_entry(1)
    await read_meters(hass, entry)
    for index, errors in ((0, None), (1, "not_writable"), (2, "not_writable")):
        dialog = await bind(hass, entry, index)
        form = suggested(dialog.result) | {"access": "rw"}
        result = await dialog.submit(form)
        if errors is None:
            assert result["reason"] == "reconfigure_successful"
        else:
            assert result["errors"] == {"access": errors}
            result = await dialog.submit(form | {"access": "r"})
            assert result["reason"] == "reconfigure_successful"


@pytest.mark.parametrize(
    ("telegram", "index", "errors"),
    [
        (0, 12, {"index": "no_such_record"}),
        (1, 14, {"index": "no_such_record"}),
        (3, 0, {"telegram": "no_such_telegram"}),
    ],
)
async def test_no_such_place(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    telegram: int,
    index: int,
    errors: dict[str, str],
) -> None:
    """Where the last whole readout has nothing, there is nothing to bind."""
    place = {"telegram": telegram, "index": index}
    dialog = await edit_binding(hass, entry, "energy", "binding_settings")
    result = await dialog.submit(ENERGY | place)
    assert result["errors"] == errors
    dialog = await configure_meter(hass, entry, METER, "add_binding")
    result = await dialog.submit(place)
    assert result["errors"] == errors

    result = await dialog.submit({"telegram": 1, "index": 13})
    assert result["reason"] == "reconfigure_successful"


@pytest.mark.parametrize("field", ["telegram", "index"])
async def test_numbers_have_limits(
    hass: HomeAssistant, entry: MockConfigEntry, field: str
) -> None:
    """Numbers that no telegram or record can have never reach the flow."""
    dialog = await configure_meter(hass, entry, METER, "add_binding")
    with pytest.raises(InvalidData) as error:
        await dialog.submit({"telegram": 0, "index": 0} | {field: -1})
    assert field in error.value.schema_errors


async def test_add_binding_by_number(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A record that was read is bound as if it had been ticked; a second time too, under another name."""
    dialog = await configure_meter(hass, entry, METER, "add_binding")
    await dialog.submit({"telegram": 1.0, "index": 2.0})
    dialog = await configure_meter(hass, entry, METER, "add_binding")
    await dialog.submit({"telegram": 0, "index": 1, "title": "Energy again"})

    bindings = bindings_of(entry, METER)
    assert bindings["energy_storage_1"]["signature"]["storage_number"] == 1
    assert type(bindings["energy_storage_1"]["index"]) is int
    again = bindings["energy_2"]
    assert again["title"] == "Energy again"
    assert again["signature"] == bindings["energy"]["signature"]
    assert again["id"] != bindings["energy"]["id"]


async def test_add_binding_to_an_unread_record(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A record never read is bound by its numbers alone; the first reading says what it means."""
    entry = await create_entry(1, setup=False)
    meters, bus.meters = bus.meters, []
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    for _ in range(2):
        dialog = await configure_meter(hass, entry, METER, "add_binding")
        result = await dialog.submit({"telegram": 1, "index": 2})
        assert result["reason"] == "reconfigure_successful"

    bindings = bindings_of(entry, METER)
    for name in ("telegram_1_record_2", "telegram_1_record_2_2"):
        assert bindings[name]["signature"] is None
        assert (bindings[name]["telegram"], bindings[name]["index"]) == (1, 2)

    # Its unit is not known, so none can be given to it.
    dialog = await edit_binding(hass, entry, "telegram_1_record_2", "binding_settings")
    form = suggested(dialog.result)
    result = await dialog.submit(form | {"unit": "kWh"})
    assert result["errors"] == {"unit": "not_read_yet"}

    bus.meters = meters
    await read_meters(hass, entry)
    stored = bindings_of(entry, METER)["telegram_1_record_2"]
    assert stored["signature"]["quantity"] == "energy"
    assert stored["signature"]["storage_number"] == 1


class TestWriting:
    """Limits and write template."""

    async def dialog(
        self, hass: HomeAssistant, entry: MockConfigEntry, index: int, **changes: Any
    ) -> Dialog:
        """Return the form for a writable binding to a record of the second telegram."""
        dialog = await configure_meter(hass, entry, METER, "add_binding")
        await dialog.submit({"telegram": 1, "index": index})
        self.name = list(bindings_of(entry, METER))[-1]
        store(hass, entry, self.name, access="RW", **changes)
        return await edit_binding(hass, entry, self.name, "writing")

    def stored(self, entry: MockConfigEntry) -> dict[str, Any]:
        """Return what is stored for writing."""
        writing: dict[str, Any] = bindings_of(entry, METER)[self.name]["writing"]
        return writing

    async def test_limits(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        """A temperature limit (two bytes, hundredths of a degree) carries up to 327.67 °C."""
        dialog = await self.dialog(hass, entry, 11)
        for form, errors in (
            ({"minimum": 50, "maximum": 50}, {"maximum": "maximum_not_above_minimum"}),
            ({"maximum": 328}, {"maximum": "not_codable"}),
            (
                {"minimum": -400, "maximum": 400},
                {"minimum": "not_codable", "maximum": "not_codable"},
            ),
        ):
            result = await dialog.submit(form)
            assert result["errors"] == errors
            assert suggested(result) == form
        await dialog.submit({"minimum": 20, "maximum": 90.5})
        assert self.stored(entry) == {"minimum": 20, "maximum": 90.5}

        dialog = await edit_binding(hass, entry, self.name, "writing")
        assert suggested(dialog.result) == {"minimum": 20, "maximum": 90.5}
        await dialog.submit({})
        assert self.stored(entry) == {}

    async def test_text_has_no_limits(
        self, hass: HomeAssistant, entry: MockConfigEntry
    ) -> None:
        """For a text there is only the template."""
        dialog = await self.dialog(hass, entry, 13)
        assert list(dialog.result["data_schema"].schema) == ["template"]
        await dialog.submit({"template": "{{ value | upper }}"})
        assert self.stored(entry) == {"template": "{{ value | upper }}"}

    async def test_template_needed(
        self, hass: HomeAssistant, entry: MockConfigEntry
    ) -> None:
        """A chain that can't be undone needs a template; then any limits will do."""
        damper = {"type": "damper", "id": "1", "lag": 60}
        dialog = await self.dialog(hass, entry, 11, transformations=[damper])
        result = await dialog.submit({"maximum": 1000})
        assert result["errors"] == {"template": "write_template_needed"}
        await dialog.submit({"maximum": 1000, "template": "{{ value / 10 }}"})
        assert self.stored(entry) == {"maximum": 1000, "template": "{{ value / 10 }}"}

    async def test_bad_template(
        self, hass: HomeAssistant, entry: MockConfigEntry
    ) -> None:
        """A template that is none is refused on its field."""
        dialog = await self.dialog(hass, entry, 11)
        result = await dialog.submit({"template": "{{ value"})
        assert result["errors"] == {"template": "invalid_template"}

    async def test_never_read(
        self, hass: HomeAssistant, entry: MockConfigEntry
    ) -> None:
        """Of a record that was never read nobody knows what it carries: all can be entered."""
        dialog = await self.dialog(
            hass, entry, 11, header="", signature=None, unit=None
        )
        await dialog.submit({"minimum": -1e6, "maximum": 1e6})
        assert self.stored(entry) == {"minimum": -1e6, "maximum": 1e6}
