"""What a file says of values, in a family made up for it."""

from dataclasses import fields
from fractions import Fraction
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.flows.record_choice import record_options
from custom_components.mbus.meters.binding import Binding
from custom_components.mbus.meters.bound import bound_to
from custom_components.mbus.meters.evaluation import value_in
from custom_components.mbus.presentation.texts import Texts, async_get_texts
from custom_components.mbus.profiles.catalogue import Catalogue
from custom_components.mbus.profiles.interpretation import Interpretation, ValueRule
from custom_components.mbus.profiles.reader import read_profile

from .test_reader import telegram, write

HEAD = "name: Made up\nmatch:\n  - {manufacturer: ABC}\nrecords:\n"


@pytest.fixture(name="texts")
async def texts_fixture(hass: HomeAssistant, enable_custom_integrations: None) -> Texts:
    """Return the texts in English."""
    return await async_get_texts(hass)


def catalogue(folder: Path, text: str) -> Catalogue:
    """Return a catalogue of one profile."""
    return Catalogue(profiles=(read_profile(write(folder, text)),))


def lines(texts: Texts, profiles: Catalogue, *records: str) -> list[str]:
    """Return the list of records, without what tells where each is."""
    sent = [telegram(*records)]
    options = record_options(
        sent,
        (),
        texts,
        4,
        profiles.interpret(sent),
        profiles.block_fields(sent),
    )
    return [option["label"].split(" · ", 1)[1] for option in options]


FLAGS = """
  - {key: flags, is: error_flags, bits: {"0": leak, "2": tamper}}
blocks:
  - length: 2
    fields:
      - {key: more, offset: 0, length: 2, coding: signed, quantity: warning_flags, bits: {"15": frost}}
"""


async def test_bits_without_a_name(texts: Texts, tmp_path: Path) -> None:
    """An error is never silent: a bit that is set and that nobody named is told by its number."""
    own = catalogue(tmp_path, HEAD + FLAGS)
    for data, block, flags, more in (
        ("0000", "0000", "–", "–"),
        ("0500", "0080", "leak, tamper", "frost"),
        ("0900", "0180", "leak, #3", "#0, frost"),
        ("0080", "0100", "#15", "#0"),
    ):
        shown = lines(texts, own, "02fd17", data, "0f", block)
        assert shown[0] == f"Error flags · {flags}"
        assert f"Warning flags · {more}" in shown


async def test_numbers_that_stand_for_none(texts: Texts, tmp_path: Path) -> None:
    """They are in the unit of the record, with decimals where it has some; a binding stores them."""
    own = catalogue(
        tmp_path, HEAD + "  - {key: a, is: flow_temperature, no_value: [999.9, -10]}\n"
    )
    assert lines(texts, own, "025a 0f27") == [
        "Flow temperature · – (999.9 stands for no value)"
    ]
    assert lines(texts, own, "025a 9cff") == [
        "Flow temperature · – (-10.0 stands for no value)"
    ]
    assert lines(texts, own, "025a 0e27") == ["Flow temperature · 999.8 °C"]

    sent = [telegram("025a 0e27")]
    binding = Binding.from_dict(
        {"id": "x", "name": "x", **bound_to(sent, 0, 0, own.interpret(sent))}
    )
    assert value_in(binding, sent) == 999.8
    assert value_in(binding, [telegram("025a 0f27")]) is None


async def test_a_coding_reads_the_data_and_no_more(
    texts: Texts, tmp_path: Path
) -> None:
    """Unit and decimals stay those of the VIF, also when a meter changes them."""
    own = catalogue(tmp_path, HEAD + "  - {key: a, is: energy, coding: bcd}\n")
    assert lines(texts, own, "0406 34120000") == ["Energy · 1,234 kWh"]
    assert lines(texts, own, "0405 34120000") == ["Energy · 123.4 kWh"]
    assert lines(texts, own, "0407 34120000") == ["Energy · 12,340 kWh"]

    sent = [telegram("0406 34120000")]
    stored = {"id": "x", "name": "x", **bound_to(sent, 0, 0, own.interpret(sent))}
    assert value_in(Binding.from_dict(stored), sent) == 1_234_000
    assert value_in(Binding.from_dict(stored), [telegram("0405 34120000")]) == 123_400


async def test_a_coding_reads_all_data_and_only_them(
    texts: Texts, tmp_path: Path
) -> None:
    """The count before data of variable length is none of them, and where there are none, there is no value."""
    entry = "  - {{key: a, vif: ff 21, quantity: {}, coding: {}}}\n"
    own = catalogue(tmp_path, HEAD + entry.format("power_failures", "unsigned"))
    assert lines(texts, own, "0dff21 04 01000000") == ["Power failures · 1"]
    assert lines(texts, own, "02ff21 0100") == ["Power failures · 1"]
    for nothing in ("00ff21", "0dff21 00"):
        [line] = lines(texts, own, nothing)
        assert line.startswith("Power failures · –")
    own = catalogue(tmp_path, HEAD + entry.format("model_version", "text"))
    assert lines(texts, own, "0dff21 04 44434241") == ["Model version · ABCD"]
    assert lines(texts, own, "04ff21 44434241") == ["Model version · ABCD"]
    own = catalogue(tmp_path, HEAD + entry.format("model_version", "hex"))
    assert lines(texts, own, "0dff21 02 a1b2") == ["Model version · A1B2"]


TEXT = """
blocks:
  - length: 4
    fields:
      - {key: a, offset: 0, length: 4, coding: text, quantity: model_version}
"""


async def test_a_text_in_a_block(texts: Texts, tmp_path: Path) -> None:
    """It has all its letters, the last one first as in a record."""
    own = catalogue(tmp_path, HEAD.replace("records:\n", TEXT))
    assert "Model version · ABCD" in lines(texts, own, "0413 01000000", "0f 44434241")


@pytest.mark.parametrize(
    ("register", "unit", "shown"),
    [
        ("0415 01000000", "m³", "1"),
        ("0413 01000000", "m³", "0.01"),
        ("0413 01000000", "L", "10"),
        ("0413 01000000", "m³·°C", "0.01"),
    ],
)
async def test_in_steps_of_another_register(
    texts: Texts, tmp_path: Path, register: str, unit: str, shown: str
) -> None:
    """The step is brought into the unit of the entry."""
    own = catalogue(
        tmp_path,
        f"{HEAD}  - {{key: a, vif: ff 21, quantity: volume, unit: {unit}, resolution_of: volume}}\n",
    )
    assert lines(texts, own, register, "04ff21 0a000000")[1] == (
        f"Volume, no. 2 · {shown} {unit}"
    )


async def test_in_steps_of_an_energy(texts: Texts, tmp_path: Path) -> None:
    """A register in watt-hours doesn't make kilowatt-hours of them, and one of another kind gives no step."""
    own = catalogue(
        tmp_path,
        f"{HEAD}  - {{key: a, vif: ff 21, quantity: energy, unit: kWh, resolution_of: energy}}\n",
    )
    assert lines(texts, own, "0403 01000000", "04ff21 0a000000")[1] == (
        "Energy, no. 2 · 0.01 kWh"
    )
    assert lines(texts, own, "0407 01000000", "04ff21 0a000000")[1] == (
        "Energy, no. 2 · 100 kWh"
    )


@pytest.mark.parametrize("unit", ["GJ", "MJ", "kWh", "MWh"])
async def test_another_unit_of_the_same_kind(
    texts: Texts, tmp_path: Path, unit: str
) -> None:
    """What a record counts in watt-hours is no other energy when it is called otherwise."""
    own = catalogue(tmp_path, f"{HEAD}  - {{key: a, is: energy, unit: {unit}}}\n")
    assert lines(texts, own, "0406 01000000") == ["Energy · 1 kWh"]
    own = catalogue(
        tmp_path,
        f"{HEAD}  - {{key: a, is: energy, quantity: reactive_energy, unit: kvarh}}\n",
    )
    assert lines(texts, own, "0406 01000000") == ["Reactive energy · 1 kvarh"]


async def test_a_unit_of_what_counts_something_else(
    texts: Texts, tmp_path: Path
) -> None:
    """It is the unit, with its prefix: there is no watt-hour in the header that it would be the prefix of."""
    entry = "{key: a, is: volume, quantity: energy, unit: kWh}"
    own = catalogue(tmp_path, f"{HEAD}  - {entry}\n")
    assert lines(texts, own, "0416 64000000") == ["Energy · 100 kWh"]
    own = catalogue(
        tmp_path,
        f'{HEAD}  - {{key: a, vif: "7c 03 48 57 4b", quantity: energy, unit: kWh}}\n',
    )
    assert lines(texts, own, "047c0348574b 67120000") == ["Energy · 4,711 kWh"]


def test_modifiers_in_any_order(tmp_path: Path) -> None:
    """What a record is asked for beside its quantity has no order."""
    sent = [telegram("04 83 a2 3c 01000000")]
    [record] = sent[0].records
    assert len(record.modifiers) == 2
    found = []
    for words in (record.modifiers, record.modifiers[::-1]):
        text = f"  - {{key: a, is: energy, with: [{', '.join(words)}]}}\n"
        found.append(catalogue(tmp_path, HEAD + text).interpret(sent).keys())
    assert found == [{(0, 0)}, {(0, 0)}]


STORED = {
    "profile": "saia_ale3",
    "entry": "transformer_ratio",
    "signature": telegram("0406 01000000").records[0].signature.as_dict(),
    "unit": None,
    "error_is_none": False,
    "factor": "1",
    "data_field_factors": {},
    "resolution_of": None,
    "coding": None,
    "conversion": None,
    "no_value": [0, 80000],
    "bits": {},
    "device_class": None,
    "state_class": None,
}


WHOLE = ValueRule(
    factor=Fraction(3, 7),
    data_field_factors=((5, Fraction(1000)),),
    resolution_of="volume",
    coding="unsigned",
    conversion="four_quadrant_power_factor",
    no_value=frozenset({Fraction(9999, 10)}),
    bits=((0, "leak"),),
    device_class="energy",
    state_class="total",
)
COMPARED = [one.name for one in fields(ValueRule) if one.compare]


@pytest.mark.parametrize("name", COMPARED)
def test_what_a_binding_stores_of_a_rule(name: str) -> None:
    """All of it comes back, and a number is written only where its factor is all that was done to it."""
    alone = ValueRule(**{name: getattr(WHOLE, name)})
    assert alone != ValueRule()
    assert ValueRule.from_dict(json.loads(json.dumps(alone.as_dict()))) == alone
    assert alone.can_be_undone is (
        name in {"factor", "no_value", "bits", "device_class", "state_class"}
    )


def test_what_the_release_before_stored() -> None:
    """Whole numbers that stand for none are stored as they were."""
    assert Interpretation.from_dict(STORED).as_dict() == STORED


@pytest.mark.parametrize(
    "changed",
    [
        {"factor": "1e99999999"},
        {"factor": "1/0"},
        {"no_value": ["1e99999999"]},
        {"data_field_factors": {"5": "nan"}},
    ],
)
def test_a_stored_number_beyond_all_measure(changed: dict[str, Any]) -> None:
    """It is refused at once, as anything else that this release doesn't know."""
    with pytest.raises(ValueError, match="is no number"):
        Interpretation.from_dict(STORED | changed)
