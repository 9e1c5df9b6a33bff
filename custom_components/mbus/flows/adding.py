"""What is stored of a meter that is added, and of the records that are bound at once."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import CONF_ADDRESS
from homeassistant.util.ulid import ulid_now

from ..const import CONF_ACCESS, CONF_BINDINGS, CONF_QUIRKS, CONF_TITLE, SUBENTRY_METER
from ..meters.binding import Access, bound_to
from ..meters.meter import identity_data, meter_unique_id
from ..presentation.naming import default_binding_name
from ..protocol import (
    Address,
    Function,
    Quirks,
    Readout,
    Record,
    SecondaryAddress,
    Telegram,
)

_SENSIBLE_QUANTITIES: Final = frozenset(
    {
        "energy", "reactive_energy", "apparent_energy", "volume", "mass", "power", "volume_flow", "mass_flow",
        "flow_temperature", "return_temperature", "temperature_difference", "external_temperature", "temperature",
        "hca_units",
    }
)  # fmt: skip
_TOTALS: Final = frozenset({"import", "export", "counter_1", "counter_2"})


def meter_subentry_data(
    address: Address,
    readout: Readout,
    bindings: Sequence[dict[str, Any]],
    quirks: Quirks,
) -> dict[str, Any]:
    """Return the data of the subentry of a meter that was just read."""
    first = readout.telegrams[0] if readout.telegrams else None
    return {
        CONF_ADDRESS: stored_address(address),
        **(identity_data(first.header, first.identity) if first else {}),
        CONF_BINDINGS: list(bindings),
        **({CONF_QUIRKS: quirks.as_dict()} if quirks != Quirks() else {}),
    }


def meter_subentry(
    address: Address, readout: Readout, title: str, quirks: Quirks | None = None
) -> ConfigSubentryData:
    """Return the subentry of a meter that a search found, with its sensible records bound."""
    return ConfigSubentryData(
        subentry_type=SUBENTRY_METER,
        unique_id=meter_unique_id(address),
        title=title,
        data=meter_subentry_data(
            address, readout, bind_sensible(readout.telegrams), quirks or Quirks()
        ),
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


def is_sensible(record: Record) -> bool:
    """Return whether nearly everyone wants this record: a total or a present value, and a valid one."""
    signature = record.signature
    return (
        record.problem is None
        and isinstance(record.value, int | float | Decimal)
        and signature.quantity in _SENSIBLE_QUANTITIES
        and signature.function is Function.INSTANTANEOUS
        and not (signature.storage_number or signature.tariff or signature.subunit)
        and _TOTALS.issuperset(signature.modifiers)
    )


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
