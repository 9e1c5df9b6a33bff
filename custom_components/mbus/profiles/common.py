"""What records mean by rules that need no profile: how makers at large use the standard's codes."""

from collections.abc import Callable, Sequence
from copy import replace
from typing import Final

from ..protocol import (
    PLAIN_TEXT,
    EncodeError,
    Header,
    Record,
    Signature,
    Telegram,
    dimension,
    is_compact_profile,
    limits,
)
from .interpretation import Interpretation, ValueRule
from .vocabulary import KNOWN_QUANTITIES

COMMON: Final = "common"
"""What stands in the place of a profile's id."""

_ELECTRICITY: Final = 0x02
_HEAT_OR_COOLING: Final = 0x0D
_COOLED_TOO: Final = frozenset({0x04, 0x0C, _HEAT_OR_COOLING})
"""Device types of heat meters, which may count cooling apart."""
_COOLING_IS_TARIFF_1: Final = frozenset(
    {"BMT", "DME", "EFE", "ELS", "HYD", "MAD", "TCH", "ZRI", "ZRM"}
)
"""Makers whose combined meters have cooling energy in tariff 1."""
_POWER_FACTOR_IS_NUMBER: Final = frozenset({"GAV", "IME"})
"""Makers whose electricity meters send the power factor as a number without dimension."""

_LVAR: Final = 0x0D
_REAL: Final = 0x05
_HUMIDITY: Final = frozenset({"%RH", "% RH", "%rH", "%r.H."})
_SPELT_OTHERWISE: Final = {
    "m3": "m³", "m^3": "m³", "m3/h": "m³/h", "m^3/h": "m³/h", "l": "L", "l/h": "L/h", "ºC": "°C", "degC": "°C",
}  # fmt: skip
"""How meters spell units that have letters of their own."""
_QUANTITY_OF_DIMENSION: Final = {
    "angle": "phase_angle",
    "ratio": "percentage",
    "signal_level": "rf_level",
}
_TOTALS: Final = frozenset(
    {"apparent_energy", "energy", "mass", "reactive_energy", "volume"}
)

type _Rule = Callable[[Record, Header, bool], Interpretation | None]


def has_cooling_register(telegrams: Sequence[Telegram]) -> bool:
    """Say whether a readout has an energy with VIFE 3C, which on a heat meter is cooling."""
    return any(
        signature.quantity == "energy" and "export" in signature.modifiers
        for telegram in telegrams
        for signature in telegram.signatures
    )


def interpret_commonly(
    record: Record, header: Header, *, counts_cooling: bool
) -> Interpretation | None:
    """Return what a record means by these rules; None where that is what the standard's tables say.

    `counts_cooling` as `has_cooling_register` says of the whole readout.
    """
    return next(
        (
            found
            for rule in _RULES
            if (found := rule(record, header, counts_cooling)) is not None
        ),
        None,
    )


def _cooling_by_vife(
    record: Record, header: Header, counts_cooling: bool
) -> Interpretation | None:
    """Take VIFE 3C on energy for cooling, and 3B beside it for heating; on volume only where energy has it, too."""
    signature = record.signature
    if (
        not counts_cooling
        or header.medium not in _COOLED_TOO
        or signature.quantity not in ("energy", "volume")
    ):
        return None
    if not {"import", "export"}.intersection(signature.modifiers):
        return None
    words = {"import": "heating", "export": "cooling"}
    modifiers = tuple(words.get(name, name) for name in signature.modifiers)
    return _meaning("cooling_by_vife", record, replace(signature, modifiers=modifiers))


def _cooling_by_tariff(
    record: Record, header: Header, counts_cooling: bool
) -> Interpretation | None:
    """Take tariff 1 of the energy for cooling on meters for both, of makers known to mean it."""
    signature = record.signature
    if (
        counts_cooling
        or header.medium != _HEAT_OR_COOLING
        or header.manufacturer not in _COOLING_IS_TARIFF_1
        or signature.quantity != "energy"
        or signature.tariff != 1
        or signature.subunit
    ):
        return None
    modifiers = (*signature.modifiers, "cooling")
    return _meaning(
        "cooling_by_tariff", record, replace(signature, tariff=0, modifiers=modifiers)
    )


def _power_factor(
    record: Record, header: Header, counts_cooling: bool
) -> Interpretation | None:
    """Take a number without dimension that has decimals for the power factor, of makers known to mean it."""
    signature = record.signature
    if (
        header.medium != _ELECTRICITY
        or header.manufacturer not in _POWER_FACTOR_IS_NUMBER
        or signature.quantity != "dimensionless"
        or not _has_decimals(record.header)
    ):
        return None
    return _meaning("power_factor", record, replace(signature, quantity="power_factor"))


def _plain_text_unit(
    record: Record, header: Header, counts_cooling: bool
) -> Interpretation | None:
    """Take a unit spelt out that is one of the standard's for that unit, and %RH for relative humidity."""
    signature = record.signature
    if signature.quantity != PLAIN_TEXT or record.header[0] & 0x0F == _LVAR:
        return None
    if record.unit in _HUMIDITY:
        meaning = replace(
            signature, quantity="relative_humidity", dimension=dimension("%")
        )
        return _meaning("plain_text_unit", record, meaning, unit="%")
    unit = _SPELT_OTHERWISE.get(record.unit or "", record.unit)
    name = dimension(unit) or ""
    quantity = _QUANTITY_OF_DIMENSION.get(name, name)
    if quantity not in KNOWN_QUANTITIES or quantity == unit:
        return None
    return _meaning(
        "plain_text_unit",
        record,
        replace(signature, quantity=quantity, dimension=name),
        unit=unit,
        # Nobody says that it only rises.
        state_class="total" if quantity in _TOTALS else None,
    )


def _compact_profile(
    record: Record, header: Header, counts_cooling: bool
) -> Interpretation | None:
    """Tell the values of a compact profile, instead of its bytes."""
    if not is_compact_profile(record):
        return None
    return Interpretation(
        profile=COMMON,
        entry="compact_profile",
        signature=replace(record.signature, dimension=None),
        rule=ValueRule(coding="compact_profile"),
    )


_RULES: Final[tuple[_Rule, ...]] = (
    _compact_profile,
    _cooling_by_vife,
    _cooling_by_tariff,
    _power_factor,
    _plain_text_unit,
)


def _meaning(
    entry: str,
    record: Record,
    signature: Signature,
    *,
    unit: str | None = None,
    state_class: str | None = None,
) -> Interpretation:
    return Interpretation(
        profile=COMMON,
        entry=entry,
        signature=signature,
        unit=unit or record.unit,
        rule=ValueRule(state_class=state_class),
    )


def _has_decimals(header: bytes) -> bool:
    if header[0] & 0x0F == _REAL:
        return True
    try:
        numbers = limits(header)
    except EncodeError:
        return False
    return numbers is not None and numbers.step is not None and numbers.step < 1
