"""Every profile against a telegram of its family."""

from itertools import batched

from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.flows.record_choice import place_of, record_options
from custom_components.mbus.presentation.texts import Texts, async_get_texts
from custom_components.mbus.profiles.catalogue import read_catalogue
from custom_components.mbus.profiles.reader import FAMILIES as FOLDER
from custom_components.mbus.protocol import Telegram, long_frame, parse_telegram

from .families import FAMILIES, Family

CATALOGUE = read_catalogue()


@pytest.fixture(name="texts")
async def texts_fixture(hass: HomeAssistant, enable_custom_integrations: None) -> Texts:
    """Return the texts in English."""
    return await async_get_texts(hass)


def telegrams_of(family: Family) -> list[Telegram]:
    """Return telegrams with all records of a family."""
    code = 0
    for letter in family.manufacturer:
        code = code << 5 | ord(letter) - 64
    header = bytes.fromhex("78563412") + code.to_bytes(2, "little")
    header += bytes([family.version, family.medium, 1, 0, 0, 0])
    contents = [
        bytes.fromhex("".join(sent for sent, _ in records))
        for records in batched(family.records, 12)
    ]
    if family.block:
        contents[-1] += b"\x0f" + bytes.fromhex(family.block)
    return [
        parse_telegram(long_frame(0x08, 1, 0x72, header + content))
        for content in contents
    ]


def test_every_file_is_a_profile_and_has_its_telegram() -> None:
    """No file is left out for a mistake in it, and none is never tried."""
    ids = {path.stem for path in FOLDER.glob("*.yaml")}
    assert {profile.id for profile in CATALOGUE.profiles} == ids
    assert ids == FAMILIES.keys()


@pytest.mark.parametrize("profile_id", FAMILIES)
async def test_records_mean_what_the_document_says(
    texts: Texts, profile_id: str
) -> None:
    """The profile is the one that such a meter gets; name, value and unit of each record are those of its document."""
    family = FAMILIES[profile_id]
    telegrams = telegrams_of(family)
    profile = CATALOGUE.profile_for(telegrams)
    assert profile is not None
    assert profile.id == profile_id
    options = record_options(
        telegrams, (), texts, family.medium, CATALOGUE.interpret(telegrams)
    )
    sent = sorted(options, key=lambda option: place_of(option["value"]))
    shown = [option["label"].partition(" · ")[2] for option in sent]
    assert shown == [line for _, line in family.records]


@pytest.mark.parametrize(
    "profile_id", [name for name, family in FAMILIES.items() if family.block]
)
async def test_bytes_of_the_manufacturer_mean_what_the_document_says(
    texts: Texts, profile_id: str
) -> None:
    """The fields that the profile names, and the whole; in a block of another length nothing is where it was."""
    family = FAMILIES[profile_id]
    block = bytes.fromhex(family.block)
    whole = f"Manufacturer specific, whole block · {block.hex().upper()}"

    def lines(family: Family) -> list[str]:
        telegrams = telegrams_of(family)
        fields = CATALOGUE.block_fields(telegrams)
        options = record_options(telegrams, (), texts, family.medium, {}, fields)
        labels = [option["label"].partition(" · ") for option in options]
        return [text for place, _, text in labels if "." not in place]

    assert sorted(lines(family)) == sorted((*family.block_lines, whole))
    longer = family._replace(block=family.block + "00")
    assert lines(longer) == [f"{whole}00"]
