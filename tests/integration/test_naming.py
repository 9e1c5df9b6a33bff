"""Names of records, in the words of the translations."""

from copy import replace
import json
from pathlib import Path
import re

from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.flows.adding import is_sensible
from custom_components.mbus.meters.binding import Binding
from custom_components.mbus.meters.bound import bound_to
from custom_components.mbus.presentation.description import record_description
from custom_components.mbus.presentation.naming import (
    binding_name,
    default_binding_name,
    name_key,
    record_name,
)
from custom_components.mbus.presentation.quantities import TABLE
from custom_components.mbus.presentation.record_label import record_label
from custom_components.mbus.presentation.texts import Texts, async_get_texts
from custom_components.mbus.profiles.vocabulary import (
    KNOWN_MODIFIERS,
    KNOWN_QUANTITIES,
    MONTHS_AGO,
)
from custom_components.mbus.protocol import (
    SECRET_QUANTITIES,
    Function,
    Record,
    Signature,
    Telegram,
    long_frame,
    parse_telegram,
)

HEADER = "78563412 2d2c 01 04 01 00 0000"
FIXED = "78563412 0a 00 e97e 01000000 35010000"
FOLDER = Path(__file__).parents[2] / "custom_components" / "mbus"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "telegrams.jsonl"


def telegram(*records: str) -> Telegram:
    """Return a telegram with some records."""
    return parse_telegram(
        long_frame(0x08, 1, 0x72, bytes.fromhex(HEADER + "".join(records)))
    )


def record(sent: str) -> Record:
    """Return a single record."""
    return telegram(sent).records[0]


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Spare the tests without texts a Home Assistant."""


@pytest.fixture(name="texts")
async def texts_fixture(hass: HomeAssistant, enable_custom_integrations: None) -> Texts:
    """Return the texts in English."""
    return await async_get_texts(hass)


NAMES = [
    ("0406 39300000", "Energy"),
    ("841006 39300000", "Energy, tariff 1"),
    ("842006 39300000", "Energy, tariff 2"),
    ("844013 39300000", "Volume, subunit 1"),
    ("c40113 39300000", "Volume, storage 3"),
    ("142b 39300000", "Power, maximum"),
    ("242b 39300000", "Power, minimum"),
    ("94102b 39300000", "Power, tariff 1, maximum"),
    ("54fd48 39300000", "Voltage, storage 1, maximum"),
    ("342b 39300000", "Power, during error"),
    ("04863b 39300000", "Energy, import"),
    ("0486bcfc01 39300000", "Energy, export, phase 1"),
    ("c41106 39300000", "Energy, tariff 1, storage 3"),
    ("126e 3930", "HCA units, maximum"),
    ("42ec7e 5f2c", "Date, future value, storage 1"),
    ("02ad5a 3930", "Power, duration of first upper limit violation"),
    ("04ad6a 08071c24", "Power, start of first event"),
    ("02ff20 3412", "Manufacturer specific, manufacturer code 20"),
    ("0484fff200 39300000", "Energy, manufacturer code F200"),
    ("026f 3412", "Unknown quantity, VIF 6F"),
    ("048610 39300000", "Energy, VIFE 10"),
    ("02fc0348522574 440d", "Value, “%RH”"),
]


@pytest.mark.parametrize(("sent", "name"), NAMES)
async def test_names(texts: Texts, sent: str, name: str) -> None:
    """A name says quantity, direction, phase, tariff, subunit, storage and function, in this order."""
    assert record_name(record(sent).signature, texts) == name


async def test_the_two_counters_of_a_fixed_structure(texts: Texts) -> None:
    """They are told apart by their number; the second one here is kept."""
    frame = long_frame(0x08, 5, 0x73, bytes.fromhex(FIXED))
    names = [
        record_name(record.signature, texts) for record in parse_telegram(frame).records
    ]
    assert names == ["Volume, counter 1", "Volume, counter 2, storage 1"]


GERMAN = {
    "entity.sensor.energy.name": "Energie",
    "entity.sensor.hca_units.name": "HKV-Einheiten",
    "selector.record_part.options.import": "Bezug",
    "selector.record_part.options.tariff": "Tarif {number}",
    "selector.record_part.options.storage": "Speicher {number}",
    "selector.record_part.options.maximum": "Maximum",
    "selector.record_part.options.ordinal": "Nr. {number}",
}


@pytest.mark.parametrize(
    ("sent", "ordinal", "name"),
    [
        ("c410863b 39300000", 1, "Energie, Bezug, Tarif 1, Speicher 1"),
        ("126e 3930", 2, "HKV-Einheiten, Maximum, Nr. 2"),
    ],
)
def test_names_in_a_language_with_cases(sent: str, ordinal: int, name: str) -> None:
    """Each part stays as its text is: none is inflected, moved or written small."""
    texts = {f"component.mbus.{key}": text for key, text in GERMAN.items()}
    assert record_name(record(sent).signature, texts, ordinal) == name


async def test_an_entity_is_called_as_its_record_unless_it_has_a_title(
    texts: Texts,
) -> None:
    """The lists of the dialogs and the entities use the same names."""
    for sent, name in NAMES:
        stored = bound_to([telegram(sent)], 0, 0)
        binding = Binding.from_dict({"id": "1", "name": "it", **stored})
        assert binding_name(binding, texts) == name
        assert binding_name(replace(binding, title="Heat"), texts) == "Heat"


async def test_records_of_the_same_name_are_numbered(texts: Texts) -> None:
    """Across all telegrams of a readout; J and Wh, months and days have the same name, too."""
    telegrams = [
        telegram("0406 39300000", "0406 39300000", "0413 39300000"),
        telegram("040e 39300000", "01fd6c 30", "01fd6e 30"),
    ]
    names = []
    for number, content in enumerate(telegrams):
        for index, sent in enumerate(content.records):
            stored = bound_to(telegrams, number, index)
            binding = Binding.from_dict({"id": "1", "name": "it", **stored})
            assert binding.signature == sent.signature
            names.append(record_name(sent.signature, texts, binding.ordinal))
    assert names == [
        "Energy",
        "Energy, no. 2",
        "Volume",
        "Energy, no. 3",
        "Battery operating time",
        "Battery operating time, no. 2",
    ]


async def test_texts_of_the_maker_are_names_of_their_own(texts: Texts) -> None:
    """Plain text records differ by their text; only the same text twice gets a number."""
    sent = [
        "027c03485225 440d",
        "027c03485225 440d",
        "027c0361626e 440d",
    ]
    telegrams = [telegram(*sent)]
    ordinals = [bound_to(telegrams, 0, index)["ordinal"] for index in range(3)]
    assert ordinals == [1, 2, 1]


async def test_a_binding_never_read_is_named_by_its_numbers(texts: Texts) -> None:
    """Nothing else is known of it."""
    binding = Binding(id="1", name="it", telegram=1, index=4)
    assert binding_name(binding, texts) == "Telegram 1, record 4"


@pytest.mark.parametrize(
    ("sent", "taken", "name"),
    [
        ("0406 39300000", set(), "energy"),
        ("842006 39300000", set(), "energy_tariff_2"),
        ("142b 39300000", set(), "maximum_power"),
        ("0486bcfc01 39300000", set(), "energy_export_phase_1"),
        ("c40113 39300000", set(), "volume_storage_3"),
        ("342b 39300000", set(), "power_during_error"),
        ("0406 39300000", {"energy"}, "energy_2"),
        ("0406 39300000", {"energy", "energy_2"}, "energy_3"),
        ("027c03485225 440d", set(), "plain_text_rh"),
    ],
)
def test_default_names_of_bindings(sent: str, taken: set[str], name: str) -> None:
    """The name from which the entity id is made is unique in the meter, and the same in every language."""
    assert default_binding_name(record(sent).signature, taken) == name


async def test_every_quantity_and_modifier_has_one_text(texts: Texts) -> None:
    """One, and another than its neighbours; commas are for what joins them."""
    for keys, pattern in (
        (KNOWN_QUANTITIES, "component.mbus.entity.sensor.{}.name"),
        (
            KNOWN_MODIFIERS - MONTHS_AGO,
            "component.mbus.selector.record_part.options.{}",
        ),
    ):
        found = {texts[pattern.format(key)] for key in keys}
        assert len(found) == len(keys)
        assert all(re.fullmatch(r"\S[^{},()]*\S", text) for text in found)
    for quantity in KNOWN_QUANTITIES:
        alike = [key for key in texts if f".entity.sensor.{quantity}_detail" in key]
        assert not alike


async def test_different_meanings_have_different_names(texts: Texts) -> None:
    """No two records that mean something else may look alike."""
    energy = record("0406 39300000").signature
    signatures = [
        energy,
        replace(energy, tariff=1),
        replace(energy, subunit=1),
        replace(energy, storage_number=1),
        replace(energy, tariff=1, subunit=1, storage_number=1),
        *(record(sent).signature for sent, _ in NAMES[1:]),
        *(
            replace(energy, modifiers=(modifier,))
            for modifier in sorted(KNOWN_MODIFIERS)
        ),
        *(
            replace(energy, modifiers=(modifier,))
            for modifier in ("manufacturer", "manufacturer_01", "vife_6f", "vif_6f")
        ),
    ]
    distinct = set(signatures)
    assert len({record_name(one, texts) for one in distinct}) == len(distinct)
    assert len({name_key(one) for one in distinct}) == len(distinct)


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ("0406 39300000", "0 · Energy · 12,345 kWh"),
        ("0403 39300000", "0 · Energy · 12.345 kWh"),
        ("040e 39300000", "0 · Energy · 12.345 GJ"),
        ("0413 00000000", "0 · Volume · 0 m³"),
        ("022b 3930", "0 · Power · 12.345 kW"),
        ("0253 3930", "0 · Mass flow · 12,345 kg/h"),
        ("026e 3930", "0 · HCA units · 12,345"),
        ("02fd0f 3930", "0 · Software version · 12345"),
        ("0c78 00563412", "0 · Fabrication number · 12345600"),
        ("026c 5f25", "0 · Date · 2018-05-31"),
        ("046d 0807dc24", "0 · Date and time · 2022-04-28 07:08:00"),
        (
            "0a5a eeee",
            "0 · Flow temperature · – (not numeric: EEEE)",
        ),
        ("02fd16 3930", "0 · Password · ••••"),
        ("0dfd19 03010203", "0 · Security key · ••••"),
    ],
)
async def test_labels_of_records(texts: Texts, sent: str, label: str) -> None:
    """A list shows index, name and value in the unit people are used to, or why there is none."""
    assert record_label(record(sent), texts, 0x04) == label


async def test_no_label_gives_a_secret_away(texts: Texts) -> None:
    """Passwords and keys are shown as dots, be they numbers, texts or bytes."""
    codes = {"02fd12": "3930", "02fd13": "3930", "02fd14": "3930", "02fd15": "3930"}
    for header, data in codes.items():
        shown = record(header + data)
        assert shown.quantity in SECRET_QUANTITIES
        assert record_label(shown, texts).endswith("· ••••")


@pytest.mark.parametrize(
    ("sent", "sensible"),
    [
        ("0406 39300000", True),
        ("0413 39300000", True),
        ("022b 3930", True),
        ("023b 3930", True),
        ("025a 3930", True),
        ("0261 3930", True),
        ("026e 3930", True),
        ("04863c 39300000", True),
        ("0483fc01 39300000", False),
        ("841006 39300000", False),
        ("844013 39300000", False),
        ("4406 39300000", False),
        ("142b 39300000", False),
        ("0422 39300000", False),
        ("046d 0807dc24", False),
        ("0a5a eeee", False),
        ("0404 00000080", False),
        ("0404 ffffffff", False),
        ("0d06 0141", False),
    ],
)
def test_what_is_ticked_from_the_start(sent: str, sensible: bool) -> None:
    """Present totals of what nearly everyone wants, where they are valid."""
    assert is_sensible(record(sent)) is sensible


def test_icons_are_for_names_there_are() -> None:
    """An icon under a key that no sensor has would never be shown."""
    icons = json.loads((FOLDER / "icons.json").read_text())["entity"]["sensor"]
    names = json.loads((FOLDER / "translations" / "en.json").read_text())["entity"][
        "sensor"
    ]
    assert icons.keys() <= names.keys()


@pytest.mark.parametrize("function", Function)
def test_whatever_has_no_class_has_an_icon(function: Function) -> None:
    """A maximum has that of its quantity."""
    icons = json.loads((FOLDER / "icons.json").read_text())["entity"]["sensor"]
    for quantity in TABLE:
        signature = Signature(
            quantity=quantity,
            dimension=None,
            function=function,
            storage_number=0,
            tariff=0,
            subunit=0,
            modifiers=(),
        )
        description = record_description(signature, None, b"\x04", None)
        assert description.key == quantity
        assert (
            description.device_class
            or TABLE[quantity].device_class
            or (quantity in icons)
        ), quantity


@pytest.mark.skipif(
    not CORPUS.exists(), reason="the telegrams of real meters are not here"
)
async def test_no_two_records_of_a_real_meter_look_alike(texts: Texts) -> None:
    """Names with their ordinals are unique in each telegram, and every record has its line in the list."""
    frames = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    for frame in frames:
        if frame["kind"] != "valid":
            continue
        sent = parse_telegram(bytes.fromhex(frame["hex"]))
        assert sent.header is not None
        names = [
            record_name(one.signature, texts, bound_to([sent], 0, index)["ordinal"])
            for index, one in enumerate(sent.records)
        ]
        assert len(set(names)) == len(names), frame["id"]
        for index, one in enumerate(sent.records):
            label = record_label(one, texts, sent.header.medium)
            shown_index, shown_name, value = label.split(" · ")
            assert shown_index == str(index)
            assert names[index].startswith(shown_name)
            assert value
