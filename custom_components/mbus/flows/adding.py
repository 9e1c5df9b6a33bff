"""What is stored of a meter that is added, and of the records that are bound at once."""

from collections.abc import Collection, Sequence
from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import CONF_ADDRESS
from homeassistant.util.ulid import ulid_now

from ..const import CONF_ACCESS, CONF_BINDINGS, CONF_TITLE, SUBENTRY_METER
from ..meters.binding import Access, bound_to
from ..meters.meter import identity_data, meter_unique_id
from ..presentation.manufacturers import manufacturer_name
from ..presentation.naming import default_binding_name, is_sensible
from ..protocol import Address, Header, Readout, SecondaryAddress, Telegram, medium_name

_NAMELESS = frozenset({0x00, 0x0F})
_MEASURED = frozenset(
    {*range(0x01, 0x08), *range(0x09, 0x0E), 0x10, 0x14, 0x15, 0x16, 0x17, 0x28, 0x29}
)
"""Media that need the word "meter" behind them; the others are the name of a device."""


def meter_title(header: Header | None, address: Address) -> str:
    """Return what a meter is called until someone renames it: who made it, what it measures, its number."""
    if header is None or header.identification is None:
        return f"Meter {address}"
    manufacturer = manufacturer_name(header.manufacturer or "")
    words = (manufacturer, meter_kind(header.medium), header.identification)
    title = " ".join(filter(None, words))
    return title[:1].upper() + title[1:]


def meter_kind(medium: int | None) -> str:
    """Return what measures a medium: "heat meter", "heat cost allocator"."""
    if medium is None or medium in _NAMELESS:
        return "meter"
    # Where the flow sensor sits is no part of a name.
    name = medium_name(medium).partition(" (")[0]
    return f"{name} meter" if medium in _MEASURED else name


def meter_subentry_data(
    address: Address, readout: Readout, bindings: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the data of the subentry of a meter that was just read."""
    first = readout.telegrams[0] if readout.telegrams else None
    return {
        CONF_ADDRESS: stored_address(address),
        **(identity_data(first.header, first.identity) if first else {}),
        CONF_BINDINGS: list(bindings),
    }


def meter_subentry(address: Address, readout: Readout) -> ConfigSubentryData:
    """Return the subentry of a meter that a search found, with its sensible records bound."""
    header = readout.telegrams[0].header if readout.telegrams else None
    return ConfigSubentryData(
        subentry_type=SUBENTRY_METER,
        unique_id=meter_unique_id(address),
        title=meter_title(header, address),
        data=meter_subentry_data(address, readout, bind_sensible(readout.telegrams)),
    )


def stored_address(address: Address) -> int | str:
    """Return an address as a subentry holds it."""
    return str(address) if isinstance(address, SecondaryAddress) else address


def bind(
    telegrams: Sequence[Telegram],
    telegram: int,
    index: int,
    taken: Collection[str] = (),
) -> dict[str, Any]:
    """Return a new binding to a record; `taken` are the names of the meter's other bindings."""
    record = telegrams[telegram].records[index]
    return {
        "id": ulid_now(),
        "name": default_binding_name(record.signature, set(taken)),
        CONF_TITLE: None,
        CONF_ACCESS: Access.READ,
        **bound_to(telegrams, telegram, index),
    }


def bind_sensible(telegrams: Sequence[Telegram]) -> list[dict[str, Any]]:
    """Return bindings to the records that nearly everyone wants."""
    bindings: list[dict[str, Any]] = []
    for telegram, content in enumerate(telegrams):
        for index, record in enumerate(content.records):
            if is_sensible(record):
                bindings.append(
                    bind(
                        telegrams,
                        telegram,
                        index,
                        [binding["name"] for binding in bindings],
                    )
                )
    return bindings
