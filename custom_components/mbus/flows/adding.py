"""What is stored of a meter that is added, and of the records that are bound at once."""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from homeassistant.components.sensor import CONF_STATE_CLASS, SensorStateClass
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import CONF_ADDRESS
from homeassistant.util.ulid import ulid_now

from ..const import CONF_ACCESS, CONF_BINDINGS, CONF_QUIRKS, CONF_TITLE, SUBENTRY_METER
from ..meters.binding import Access, Binding
from ..meters.bound import NOTHING_ELSE, bound_to, bound_to_block
from ..meters.family import given_by
from ..meters.meter import identity_data, meter_unique_id
from ..meters.transformation import is_number
from ..presentation.display import display_of
from ..presentation.naming import default_binding_name, name_key
from ..profiles.block import BlockField
from ..profiles.catalogue import Catalogue
from ..profiles.interpretation import Interpretation, Interpretations, Place, meant
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
        "hca_units", "relative_humidity",
    }
)  # fmt: skip
_TOTALS: Final = frozenset(
    {"import", "export", "counter_1", "counter_2", "cooling", "heating"}
)


def meter_subentry_data(
    address: Address,
    readout: Readout,
    bindings: Sequence[dict[str, Any]],
    catalogue: Catalogue,
    quirks: Quirks,
) -> dict[str, Any]:
    """Return the data of the subentry of a meter that was just read with these quirks."""
    profile = catalogue.profile_for(readout.telegrams)
    given = given_by(profile, is_known=bool(readout.telegrams))
    first = readout.telegrams[0] if readout.telegrams else None
    return {
        CONF_ADDRESS: stored_address(address),
        **(identity_data(first.header, first.identity) if first else {}),
        CONF_BINDINGS: list(bindings),
        **({CONF_QUIRKS: quirks.as_dict()} if quirks != Quirks() else {}),
        **({} if given == given_by(None) else given),
    }


def meter_subentry(
    address: Address, readout: Readout, title: str, catalogue: Catalogue, quirks: Quirks
) -> ConfigSubentryData:
    """Return the subentry of a meter that a search found, with its sensible records bound."""
    meanings = catalogue.interpret(readout.telegrams)
    bindings = bind_sensible(readout.telegrams, meanings)
    for (telegram, _), field in catalogue.block_fields(readout.telegrams).items():
        if field.interpretation.rule.ticked:
            taken = [binding["name"] for binding in bindings]
            bindings.append(bind_block(telegram, field, taken))
    return ConfigSubentryData(
        subentry_type=SUBENTRY_METER,
        unique_id=meter_unique_id(address),
        title=title,
        data=meter_subentry_data(address, readout, bindings, catalogue, quirks),
    )


def stored_address(address: Address) -> int | str:
    """Return an address as a subentry holds it."""
    return str(address) if isinstance(address, SecondaryAddress) else address


def bind(
    telegrams: Sequence[Telegram],
    telegram: int,
    index: int,
    taken: Collection[str] = (),
    interpretations: Interpretations = NOTHING_ELSE,
) -> dict[str, Any]:
    """Return a new binding to a record; `taken` are the names of the meter's other bindings."""
    record = telegrams[telegram].records[index]
    meaning = meant(record, interpretations.get((telegram, index)))
    binding = {
        "id": ulid_now(),
        "name": default_binding_name(meaning, set(taken)),
        CONF_TITLE: None,
        CONF_ACCESS: Access.READ,
        **bound_to(telegrams, telegram, index, interpretations),
    }
    header = telegrams[telegram].header
    display = display_of(Binding.from_dict(binding), header.medium if header else None)
    if display.is_rising and is_number(record.value) and record.value < 0:
        # A register that is below zero counts both ways.
        binding["presentation"] = {CONF_STATE_CLASS: SensorStateClass.TOTAL}
    return binding


def bind_block(
    telegram: int, field: BlockField, taken: Collection[str] = ()
) -> dict[str, Any]:
    """Return a new binding to a part of the manufacturer's bytes."""
    return {
        "id": ulid_now(),
        "name": default_binding_name(field.interpretation.signature, set(taken)),
        CONF_TITLE: None,
        CONF_ACCESS: Access.READ,
        **bound_to_block(telegram, field),
    }


def is_sensible(
    record: Record,
    telegram: Telegram | None = None,
    interpretation: Interpretation | None = None,
) -> bool:
    """Return whether nearly everyone wants this record: a total or a present value, and a valid one.

    A profile may know better than the quantity of a valid value tells.
    """
    signature = meant(record, interpretation)
    value, problem = record.value, record.problem
    if interpretation:
        value, problem = interpretation.read(record, telegram, record.unit)
        if interpretation.rule.ticked is not None:
            return interpretation.rule.ticked and problem is None
    return (
        problem is None
        and isinstance(value, int | float | Decimal)
        and signature.quantity in _SENSIBLE_QUANTITIES
        and signature.function is Function.INSTANTANEOUS
        and not (signature.storage_number or signature.tariff or signature.subunit)
        and _TOTALS.issuperset(signature.modifiers)
    )


def sensible_places(
    telegrams: Sequence[Telegram], interpretations: Interpretations
) -> Iterator[Place]:
    """Give telegram and index of what nearly everyone wants; of several records of one name, the first."""
    seen = set[str]()
    for number, telegram in enumerate(telegrams):
        for record in telegram.records:
            place = number, record.index
            interpretation = interpretations.get(place)
            name = name_key(meant(record, interpretation))
            if name not in seen and is_sensible(record, telegram, interpretation):
                seen.add(name)
                yield place


def bind_sensible(
    telegrams: Sequence[Telegram], interpretations: Interpretations
) -> list[dict[str, Any]]:
    """Return bindings to the records that nearly everyone wants."""
    bindings: list[dict[str, Any]] = []
    for place in sensible_places(telegrams, interpretations):
        taken = [binding["name"] for binding in bindings]
        bindings.append(bind(telegrams, *place, taken, interpretations))
    return bindings
