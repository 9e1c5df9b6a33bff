"""Addresses: as people write them, as selections carry them, and which replies they match."""

from hypothesis import given, strategies as st
import pytest

from custom_components.mbus.protocol import (
    Header,
    SecondaryAddress,
    address as address_module,
    parse_address,
)
from custom_components.mbus.protocol.master.origin import is_selected_by

HEX = st.text("0123456789ABCDEF", min_size=8, max_size=8)
LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0", 0),
        (" 5 ", 5),
        ("250", 250),
        ("12345678", SecondaryAddress(identification="12345678")),
        ("1234FFFF", SecondaryAddress(identification="1234FFFF")),
        (
            "1234567824232f04",
            SecondaryAddress(
                identification="12345678", manufacturer="HYD", version=0x2F, medium=4
            ),
        ),
        ("12345678 FFFF FF FF", SecondaryAddress(identification="12345678")),
        (
            "12345678FFFFFFFF/98765432",
            SecondaryAddress(identification="12345678", fabrication_number="98765432"),
        ),
    ],
)
def test_parse(text: str, address: object) -> None:
    """Up to three digits are a primary address, 8 or 16 hex digits a secondary one."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "251", "999", "-1", "1234", "1234567G", "123456781234567", "12345678/1"],
)
def test_parse_what_is_none(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match=r"250|digits"):
        parse_address(text)


@pytest.mark.parametrize(
    ("address", "data"),
    [
        (SecondaryAddress(identification="12345678"), "78 56 34 12 FF FF FF FF"),
        (SecondaryAddress(identification="1FFFFFFF"), "FF FF FF 1F FF FF FF FF"),
        (SecondaryAddress.parse("1234567824232F04"), "78 56 34 12 24 23 2F 04"),
        (
            SecondaryAddress(fabrication_number="98765432"),
            "FF FF FF FF FF FF FF FF 0C 78 32 54 76 98",
        ),
    ],
)
def test_selection(address: SecondaryAddress, data: str) -> None:
    """The bytes of the standard's examples."""
    assert address.selection == bytes.fromhex(data)


@given(
    st.builds(
        SecondaryAddress,
        identification=HEX,
        manufacturer=st.none() | LETTERS | st.just("9999"),
        version=st.none() | st.integers(0, 254),
        medium=st.none() | st.integers(0, 254),
        fabrication_number=st.none() | HEX,
    )
)
def test_text_and_back(address: SecondaryAddress) -> None:
    """What is printed reads as the same address."""
    assert SecondaryAddress.parse(str(address)) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "parts",
    [
        {"identification": "123"},
        {"identification": "1234567G"},
        {"manufacturer": "hyd"},
        {"manufacturer": "ABCD1"},
        {"version": 255},
        {"medium": -1},
        {"fabrication_number": "1"},
    ],
)
def test_parts_that_are_none(parts: dict[str, object]) -> None:
    """Each part is checked."""
    with pytest.raises(ValueError, match="is not"):
        SecondaryAddress(**parts)  # type: ignore[arg-type]


def header(identification: str | None, code: int | None) -> Header:
    """Build the header of a reply."""
    return Header(
        identification=identification,
        manufacturer_code=code,
        version=1,
        medium=7,
        access_number=0,
        status=0,
    )


@pytest.mark.parametrize(
    ("address", "identification", "code", "matches"),
    [
        ("12345678", "12345678", 0x2324, True),
        ("12345678", "12345679", 0x2324, False),
        ("1234FFFF", "12345679", 0x2324, True),
        ("1234FFFF", "12355679", 0x2324, False),
        ("123456782423FFFF", "12345678", 0x2324, True),
        ("123456782423FFFF", "12345678", 0x2325, False),
        # Version and medium may differ between the header and what is compared.
        ("1234567824232F04", "12345678", 0x2324, True),
        # Fixed structures have no manufacturer, short headers no identification.
        ("123456782423FFFF", "12345678", None, True),
        ("FFFFFFFF", None, None, False),
    ],
)
def test_replies_that_match(
    address: str, identification: str | None, code: int | None, matches: bool
) -> None:
    """Identification and manufacturer decide."""
    selection = SecondaryAddress.parse(address)
    assert is_selected_by(selection, header(identification, code)) is matches


def test_codes_without_letters() -> None:
    """Bit 15 of a manufacturer's code is kept, as hex digits."""
    assert address_module.manufacturer_text(0x2324) == "HYD"
    assert address_module.manufacturer_text(0xA324) == "A324"
    address = SecondaryAddress(manufacturer="A324")
    assert address.selection[4:6] == bytes.fromhex("24 A3")


def test_wildcards() -> None:
    """Whether several meters may match, and the same address with more left open."""
    whole = SecondaryAddress.parse("1234567824232F04")
    assert not whole.has_wildcards
    assert SecondaryAddress(identification="12345678").has_wildcards
    assert whole.with_wildcards() == SecondaryAddress(identification="12345678")
