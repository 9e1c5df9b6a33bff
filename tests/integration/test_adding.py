"""What meters are called, and what is stored of those that say little of themselves."""

from homeassistant.const import CONF_ADDRESS
from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.const import (
    CONF_BINDINGS,
    CONF_PROFILE_QUIRKS,
    CONF_SHORTEST_PERIOD,
)
from custom_components.mbus.flows.adding import meter_subentry
from custom_components.mbus.flows.flow_errors import meter_error
from custom_components.mbus.presentation.texts import Texts, async_get_texts
from custom_components.mbus.presentation.titles import device_kind, meter_title
from custom_components.mbus.profiles.catalogue import Catalogue
from custom_components.mbus.protocol import (
    MEDIA,
    ApplicationError,
    CollisionError,
    DamagedReplyError,
    ForeignReplyError,
    Header,
    LinkError,
    MBusError,
    NoDataError,
    NoReplyError,
    Quirks,
    Readout,
    SecondaryAddress,
    UnsupportedError,
)

KAMSTRUP = 0x2C2D


@pytest.fixture(name="texts")
async def texts_fixture(hass: HomeAssistant) -> Texts:
    """Return the texts in English."""
    return await async_get_texts(hass)


@pytest.mark.parametrize(
    ("medium", "title"),
    [
        (0x04, "Kamstrup heat meter 12345678"),
        (0x0C, "Kamstrup heat meter 12345678"),
        (0x02, "Kamstrup electricity meter 12345678"),
        (0x08, "Kamstrup heat cost allocator 12345678"),
        (0x0F, "Kamstrup meter 12345678"),
        (0x99, "Kamstrup meter 12345678"),
        (None, "Kamstrup meter 12345678"),
    ],
)
def test_title(texts: Texts, medium: int | None, title: str) -> None:
    """A meter is called by who made it, what it measures, and its number."""
    header = Header(
        identification="12345678",
        manufacturer_code=KAMSTRUP,
        version=1,
        medium=medium,
        access_number=0,
        status=0,
    )
    assert meter_title(header, 5, texts) == title


def test_title_in_a_language_with_cases() -> None:
    """The words stand side by side as their texts are."""
    texts = {
        f"component.mbus.selector.device_type.options.{code}": text
        for code, text in {"00": "Zähler", "04": "Wärmezähler"}.items()
    }
    header = Header(
        identification="12345678",
        manufacturer_code=KAMSTRUP,
        medium=4,
        access_number=0,
        status=0,
    )
    assert meter_title(header, 5, texts) == "Kamstrup Wärmezähler 12345678"
    assert meter_title(None, 5, texts) == "Zähler 5"


def test_every_device_type_has_a_name(texts: Texts) -> None:
    """A device type that has none would pass for any meter."""
    nameless = [
        code for code in MEDIA if device_kind(code, texts) == device_kind(None, texts)
    ]
    assert nameless == [0x00, 0x0F]
    assert device_kind(0x19, texts) == "A/D converter"
    assert device_kind(0x0A, texts) == "Cooling meter"


def test_title_without_a_known_manufacturer(texts: Texts) -> None:
    """A manufacturer whose name isn't known is called by its letters; one that isn't told, not at all."""
    header = Header(
        identification="00000007",
        manufacturer_code=(24 << 10) + (25 << 5) + 26,
        medium=7,
        access_number=0,
        status=0,
    )
    fixed = Header(identification="00000007", medium=7, access_number=0, status=0)

    assert meter_title(header, 7, texts) == "XYZ water meter 00000007"
    assert meter_title(fixed, 7, texts) == "Water meter 00000007"


def test_meter_that_does_not_say_who_it_is(texts: Texts) -> None:
    """Without a header a meter is called by its address; nothing is stored of what it didn't say."""
    secondary = SecondaryAddress.parse("12345678")
    title = meter_title(None, secondary, texts)
    readout = Readout(telegrams=(), complete=False)
    subentry = meter_subentry(
        secondary, readout, title, Catalogue(profiles=()), Quirks()
    )

    assert subentry["title"] == f"Meter {secondary}"
    assert subentry["unique_id"] == f"meter-{secondary}"
    assert subentry["data"] == {
        CONF_ADDRESS: str(secondary),
        CONF_BINDINGS: [],
        # Its first whole reading tells of which family it is.
        CONF_PROFILE_QUIRKS: None,
        CONF_SHORTEST_PERIOD: None,
    }


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (NoReplyError(address=5, attempts=3), {"address": "no_reply"}),
        (NoDataError(address=5, attempts=3), {"address": "no_data"}),
        (DamagedReplyError(address=5), {"address": "damaged_reply"}),
        (CollisionError(address=5), {"address": "collision"}),
        (ForeignReplyError(address=5), {"address": "foreign_reply"}),
        (UnsupportedError(0x60, b""), {"base": "unreadable_reply"}),
        (ApplicationError("access_denied", 0x10), {"base": "application_error"}),
        (LinkError(link=""), {"base": "cannot_connect"}),
        (MBusError(""), {"base": "read_failed"}),
    ],
)
def test_errors_of_meters(error: MBusError, shown: dict[str, str]) -> None:
    """An error of a meter is shown on the field that it belongs to, by the most telling text."""
    assert meter_error(error) == shown
