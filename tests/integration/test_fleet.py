"""The set-up of meters as a file, taken over on another connection."""

from copy import deepcopy
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import area_registry as ar, device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN
from tests.simulator import SimulatedBus

from .conftest import CreateEntry, let_poll
from .meter_dialogs import bindings_of
from .test_family_requests import add
from .test_guards import ENERGY, VOLUME, Meter
from .test_profiles import own_folder  # noqa: F401
from .test_readings import call
from .test_services import device_of

SCALING = {"id": "1", "type": "scaling", "factor": 2, "shift": 0}


@pytest.fixture
async def entry(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> MockConfigEntry:
    """Return a connection with two meters, one of them with settings of its own."""
    bus.meters = [
        Meter(7, ENERGY, VOLUME, identification="77777777"),
        Meter(8, ENERGY, identification="88888888"),
    ]
    entry = await create_entry(7, 8)
    subentry = entry.subentries["meter7"]
    bindings = [dict(item) for item in subentry.data["bindings"]]
    bindings[0] |= {"title": "Heat", "transformations": [SCALING]}
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        title="Flat 1",
        data={**subentry.data, "bindings": bindings, "period": 600_000},
    )
    cellar = ar.async_get(hass).async_create("Cellar")
    dr.async_get(hass).async_update_device(
        device_of(hass, entry, "meter7"), area_id=cellar.id
    )
    await hass.async_block_till_done()
    return entry


@pytest.fixture
async def other(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Return another connection, without meters."""
    other = MockConfigEntry(
        domain=DOMAIN, title="Attic", data=entry.data, options=entry.options
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    return other


async def exported(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    """Return what is exported of a connection."""
    answer = await call(hass, "export_meters", config_entry_id=entry.entry_id)
    meters: dict[str, Any] = answer["meters"]
    # As it is after it was a file.
    assert json.loads(json.dumps(meters)) == meters
    return meters


def without_ids(binding: dict[str, Any]) -> dict[str, Any]:
    """Return what is stored of a binding but what tells it and its steps from others."""
    steps = [{**step, "id": None} for step in binding.get("transformations", ())]
    return {**binding, "id": None, "transformations": steps}


async def test_to_another_connection(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    other: MockConfigEntry,
    tmp_path: Path,
) -> None:
    """Told first and done then: names, areas, settings, bindings and transformations."""
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    path = str(tmp_path / "meters.json")
    await call(
        hass,
        "export_meters",
        answers=False,
        config_entry_id=entry.entry_id,
        filename=path,
    )
    import_it: dict[str, Any] = {"config_entry_id": other.entry_id, "filename": path}
    answer = await call(hass, "import_meters", **import_it)
    told = [
        {
            "name": "Flat 1",
            "address": "7",
            "area": "Cellar",
            "bindings": 2,
            "outcome": "add",
        },
        {
            "name": entry.subentries["meter8"].title,
            "address": "8",
            "area": None,
            "bindings": 1,
            "outcome": "add",
        },
    ]
    assert answer == {"applied": False, "meters": told}
    assert not other.subentries

    answer = await call(hass, "import_meters", **import_it, apply=True)
    assert answer == {"applied": True, "meters": told}
    await hass.async_block_till_done()
    await let_poll(hass)
    flat, second = other.subentries.values()
    before = entry.subentries["meter7"]
    assert (flat.title, flat.unique_id) == ("Flat 1", "meter-7")
    assert {**flat.data, "bindings": None} == {**before.data, "bindings": None}
    old = bindings_of(entry, "meter7")
    new = bindings_of(other, flat.subentry_id)
    assert [*new] == [*old]
    for name, item in new.items():
        assert item["id"] != old[name]["id"]
        assert without_ids(item) == without_ids(old[name])
    device = dr.async_get(hass).async_get(device_of(hass, other, flat.subentry_id))
    assert isinstance(device, dr.DeviceEntry)
    area = ar.async_get(hass).async_get_area_by_name("Cellar")
    assert area
    assert device.area_id == area.id
    assert device.serial_number == "77777777"
    coordinator = other.runtime_data.coordinators[flat.subentry_id]
    assert coordinator.meter.bindings[new["energy"]["id"]].title == "Heat"
    assert coordinator.data.results[new["energy"]["id"]].value == 24_690_000
    assert second.unique_id == "meter-8"

    # A second time, everything is there.
    answer = await call(hass, "import_meters", **import_it, apply=True)
    assert {one["outcome"] for one in answer["meters"]} == {"present"}
    assert len(other.subentries) == 2


async def test_adds_only_what_is_not_there(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A meter that is configured stays as it is."""
    meters = await exported(hass, entry)
    hass.config_entries.async_remove_subentry(entry, "meter8")
    await hass.async_block_till_done()
    before = entry.subentries["meter7"].data
    meters["meters"][0]["name"] = "Renamed"
    answer = await call(
        hass,
        "import_meters",
        config_entry_id=entry.entry_id,
        meters=meters,
        apply=True,
    )
    assert [one["outcome"] for one in answer["meters"]] == ["present", "add"]
    assert entry.subentries["meter7"].data == before
    assert entry.subentries["meter7"].title == "Flat 1"
    assert len(entry.subentries) == 2


def _without_format(meters: dict[str, Any]) -> None:
    del meters["format"]


def _of_the_future(meters: dict[str, Any]) -> None:
    meters["version"] = 2


def _no_list(meters: dict[str, Any]) -> None:
    meters["meters"] = {"7": {}}


@pytest.mark.parametrize("spoil", [_without_format, _of_the_future, _no_list])
async def test_other_content(
    hass: HomeAssistant, entry: MockConfigEntry, other: MockConfigEntry, spoil: Any
) -> None:
    """It is not what was exported."""
    meters = await exported(hass, entry)
    spoil(meters)
    with pytest.raises(ServiceValidationError, match="not what Export meters wrote"):
        await call(
            hass,
            "import_meters",
            config_entry_id=other.entry_id,
            meters=meters,
            apply=True,
        )
    assert not other.subentries


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"address": 300}, "2: it is not as Export meters writes it: look at address$"),
        ({"address": None}, "2: .* look at address$"),
        ({"name": 5}, "2: .* look at name$"),
        ({"name": " "}, "2: .* look at name$"),
        ({"area": ["Cellar"]}, "2: .* look at area$"),
        ({"area": " "}, "2: .* look at area$"),
        ({"bindings": [{"name": "energy"}]}, "2: .* look at bindings.0.telegram$"),
        ({"bindings": 5}, "2: .* look at bindings$"),
        (
            {"bindings": [{"name": "energy", "telegram": 0}] * 2},
            "2: .* look at bindings.1.name$",
        ),
        ({"identity": {"identification": 5}}, "2: .* look at identity.identification$"),
        # What would have kept the whole connection from loading, or its meter read without a pause.
        (
            {"identity": {"identification": "88888888", "manufacturer": []}},
            "2: .* look at identity.manufacturer$",
        ),
        ({"medium": {}}, "2: .* look at medium$"),
        ({"period": 10**30}, "2: .* look at period$"),
        ({"period": -1}, "2: .* look at period$"),
        ({"shortest_period": float("nan")}, "2: .* look at shortest_period$"),
        ({"quirks": {"pause": "long"}}, "2: .* look at quirks.pause$"),
        ({"quirks": {"reset": "sometimes"}}, "2: .* look at quirks.reset$"),
        ({"meter_clock": "sundial"}, "2: .* look at meter_clock$"),
        ({"address": 7}, "its address or number is in the file twice"),
        # The meter of the first place, at another address.
        (
            {"identity": {"identification": "77777777", "manufacturer": "SIM"}},
            "its address or number is in the file twice",
        ),
    ],
)
async def test_nothing_half_done(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    other: MockConfigEntry,
    change: dict[str, Any],
    said: str,
) -> None:
    """One meter that can't be taken over keeps the others away, too, and is named."""
    meters = await exported(hass, entry)
    meters["meters"][1] |= change
    with pytest.raises(ServiceValidationError, match=said):
        await call(
            hass,
            "import_meters",
            config_entry_id=other.entry_id,
            meters=meters,
            apply=True,
        )
    assert not other.subentries


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": ["kWh"]}, "unit"),
        ({"header": "42EC7"}, "header"),
        ({"signature": {"quantity": []}}, "signature.quantity"),
        ({"interpretation": {"profile": "x"}}, "interpretation.entry"),
        ({"presentation": {"precision": 1000}}, "presentation.precision"),
        ({"transformations": [{"type": []}]}, "transformations.0.type"),
        ({"transformations": [SCALING | {"factor": "2"}]}, "transformations.0"),
        (
            {"transformations": [SCALING | {"factor": float("inf")}]},
            "transformations.0",
        ),
        ({"transformations": [SCALING | {"factor": 0}]}, "transformations.0.factor"),
        (
            {"transformations": [SCALING, {"type": "damper", "lag": 0}]},
            "transformations.1.lag",
        ),
        (
            {"transformations": [{"type": "script", "template": "{{ value.x( }}"}]},
            "transformations.0.template",
        ),
        ({"writing": {"minimum": "low"}}, "writing.minimum"),
    ],
)
async def test_binding_of_another_shape(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    other: MockConfigEntry,
    change: dict[str, Any],
    said: str,
) -> None:
    """It would be stored and never work."""
    meters = await exported(hass, entry)
    meters["meters"][0]["bindings"][1] |= change
    with pytest.raises(
        ServiceValidationError, match=rf"1: .* look at bindings.1.{said}$"
    ):
        await call(
            hass,
            "import_meters",
            config_entry_id=other.entry_id,
            meters=meters,
            apply=True,
        )
    assert not other.subentries


async def test_a_key_is_missing(
    hass: HomeAssistant, entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """Whichever it is."""
    meters = await exported(hass, entry)
    for key in ("name", "area", "address", "bindings"):
        spoilt = deepcopy(meters)
        del spoilt["meters"][1][key]
        with pytest.raises(ServiceValidationError, match=f"2: .* look at {key}$"):
            await call(
                hass,
                "import_meters",
                config_entry_id=other.entry_id,
                meters=spoilt,
                apply=True,
            )
    assert not other.subentries


async def test_for_other_meters(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Where another meter is configured at the address, or the meter at another address."""
    meters = await exported(hass, entry)
    meters["meters"][1]["identity"]["identification"] = "99999999"
    with pytest.raises(
        ServiceValidationError, match="at address 8, which is another meter"
    ):
        await call(hass, "import_meters", config_entry_id=entry.entry_id, meters=meters)
    meters = await exported(hass, entry)
    meters["meters"][0]["address"] = 9
    with pytest.raises(ServiceValidationError, match="already as Flat 1"):
        await call(hass, "import_meters", config_entry_id=entry.entry_id, meters=meters)


async def test_files(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    """What is no file, none of ours, or somewhere else."""
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    path = tmp_path / "meters.json"
    connection: dict[str, Any] = {"config_entry_id": entry.entry_id}
    with pytest.raises(ServiceValidationError, match="can't be read"):
        await call(hass, "import_meters", **connection, filename=str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ServiceValidationError, match="can't be read"):
        await call(hass, "import_meters", **connection, filename=str(path))
    for content in ("meters: []", "[", '{"meters": nothing}'):
        path.write_text(content)
        with pytest.raises(ServiceValidationError, match="as JSON: look at line 1"):
            await call(hass, "import_meters", **connection, filename=str(path))
    for content in ("{}", "[" * 200_000, "9" * 10_000):
        path.write_text(content)
        with pytest.raises(
            ServiceValidationError, match="not what Export meters wrote"
        ):
            await call(hass, "import_meters", **connection, filename=str(path))
    for source in ({}, {"filename": ""}, {"filename": str(path), "meters": {}}):
        with pytest.raises(ServiceValidationError, match="either a file or meters"):
            await call(hass, "import_meters", **connection, **source)
    with pytest.raises(ServiceValidationError, match="already"):
        await call(hass, "export_meters", **connection, filename=str(path))
    for action in ("import_meters", "export_meters"):
        with pytest.raises(ServiceValidationError, match="allowlist_external_dirs"):
            await call(hass, action, **connection, filename="/etc/passwd")
    with pytest.raises(ServiceValidationError, match="Give a file"):
        await call(hass, "export_meters", answers=False, **connection)


FAMILY = """
name: A family
match: [{manufacturer: SIM}]
shortest_period: 900
quirks: {pause: 0.1}
records:
  - {key: energy, is: energy, factor: 1/3, no_value: [999.9, 1/3], bits: {"3": leak}}
"""


@pytest.mark.parametrize("entered", [{}, {"profile": "none", "profile_quirks": None}])
async def test_with_a_profile(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    other: MockConfigEntry,
    own_folder: Path,  # noqa: F811
    entered: dict[str, Any],
) -> None:
    """What it gave comes along as it is, whatever can be read of the file there."""
    (own_folder / "family.yaml").write_text(FAMILY)
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    hass.config_entries.async_remove_subentry(entry, "meter7")
    await hass.async_block_till_done()
    dialog = await add(hass, entry, "7")
    await dialog.submit({"records": ["0.0"]})
    await hass.async_block_till_done()
    *_, meter = entry.subentries.values()
    hass.config_entries.async_update_subentry(
        entry, meter, data={**meter.data, **entered}
    )
    (own_folder / "family.yaml").unlink()
    meters = await exported(hass, entry)
    await call(
        hass,
        "import_meters",
        config_entry_id=other.entry_id,
        meters={**meters, "meters": [meters["meters"][-1]]},
        apply=True,
    )
    [taken] = other.subentries.values()
    ids = {"bindings": [{**item, "id": ""} for item in meter.data["bindings"]]}
    assert {
        **taken.data,
        "bindings": [{**item, "id": ""} for item in taken.data["bindings"]],
    } == {**meter.data, **ids}
    assert taken.data["bindings"][0]["interpretation"]["no_value"] == [
        "1/3",
        "9999/10",
    ]
