"""What a record means to people where that isn't what the standard's tables say of its header.

A binding stores it whole, so that no changed file and no release changes what is shown. Whether a record is the one
that was bound is decided without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
import re
from typing import Any, Final, Self, TypeGuard

from ..protocol import (
    EncodeError,
    Function,
    InvalidValueError,
    Problem,
    Record,
    Signature,
    Telegram,
    Value,
    convert_unit,
    limits,
)
from .codings import CODINGS, CONVERSIONS, NUMBERS, RECORD_CODINGS

_EXACT_AS_FLOAT: Final = 10**15
_NUMBER: Final = re.compile(
    r"[+-]?[0-9]{1,60}(/[0-9]{1,60}|(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?)"
)
_LARGEST: Final = 10**60 - 1
_DATA_FIELD: Final = 0x0F
_INTEGER: Final = 0x04
_LVAR: Final = 0x0D

type Place = tuple[int, int]
"""Telegram and index of a record."""

type Interpretations = Mapping[Place, Interpretation]
"""What the records of a readout mean that don't mean what the standard says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule:
    """What a profile says of a value: how it comes of the record's, and how it is shown.

    It is the record's times `factor`, times that of its data field if there is one, times the resolution of the present
    register of `resolution_of` in its telegram. `coding` reads the data in place of the header's data field, `conversion`
    has the last word, and `no_value` are numbers of the record that stand for none. `bits` name those of a number that is
    none; what is set is told, by its number where it has no name.
    """

    factor: Fraction = Fraction(1)
    data_field_factors: tuple[tuple[int, Fraction], ...] = ()
    resolution_of: str | None = None
    coding: str | None = None
    conversion: str | None = None
    no_value: frozenset[Fraction] = frozenset()
    bits: tuple[tuple[int, str], ...] = ()
    device_class: str | None = None
    state_class: str | None = None
    ticked: bool | None = field(default=None, compare=False)

    @property
    def sends_number(self) -> bool | None:
        """Whether the value is a number; None where that is up to the record's header."""
        if self.bits:
            return False
        return None if self.coding is None else self.coding in NUMBERS

    @property
    def has_fixed_factor(self) -> bool:
        """Whether the factor depends on nothing but the data field that the header names."""
        return not (self.coding or self.conversion or self.resolution_of)

    @property
    def can_be_undone(self) -> bool:
        """Whether the record's number follows from the value alone that is made of it: its factor is all there is."""
        return self == ValueRule(
            factor=self.factor,
            no_value=self.no_value,
            bits=self.bits,
            device_class=self.device_class,
            state_class=self.state_class,
        )

    def undone(self, value: float | Decimal) -> int | float | Decimal:
        """Return the record's number that a value was made of, by a rule that can be undone."""
        return scaled(value, 1 / self.factor)

    def factor_for(self, header: bytes) -> Fraction:
        """Return the factor of a record with this header, apart from a resolution."""
        return self.factor * dict(self.data_field_factors).get(header[0] & 0x0F, 1)

    def read(
        self,
        record: Record,
        telegram: Telegram | None,
        unit: str | None,
        meant_in: str | None = None,
    ) -> tuple[Value, Problem | None]:
        """Return the value of a record of a telegram whose header is taken in `unit`, and what is wrong with it.

        `meant_in` is the unit of the value.
        """
        try:
            if self.coding in RECORD_CODINGS:
                neighbours = telegram.records if telegram else ()
                return RECORD_CODINGS[self.coding](record, neighbours), None
            value, problem = record.value, record.problem
            if self.coding and (data := _data(record)):
                value, problem = CODINGS[self.coding](data), None
                if _is_number(value):
                    value = scaled(value, _step(record.header))
            if not _is_number(value):
                return value, problem
            if unit and record.unit:
                value = convert_unit(value, record.unit, unit)
            factor = self.factor_for(record.header)
            if self.resolution_of:
                factor *= _resolution(self.resolution_of, telegram, meant_in)
            return self._made_of(value, factor, len(record.raw)), problem
        except InvalidValueError as err:
            return None, err.problem

    def read_bytes(self, data: bytes) -> tuple[Value, Problem | None]:
        """Return the value of data that only the coding tells how to read, and what is wrong with it."""
        try:
            value = CODINGS[self.coding or "hex"](data)
            if _is_number(value):
                value = self._made_of(value, self.factor, len(data))
        except InvalidValueError as err:
            return None, err.problem
        return value, None

    def _made_of(self, number: float | Decimal, factor: Fraction, size: int) -> Value:
        """Return what a number in so many bytes stands for. Raises InvalidValueError where that is nothing."""
        if self.no_value and Fraction(str(number)) in self.no_value:
            raise InvalidValueError("stands_for_none", number=str(number))
        if self.bits:
            names, left = dict(self.bits), int(number) & (1 << 8 * size) - 1
            set_bits = [bit for bit in range(8 * size) if left >> bit & 1]
            return ", ".join(names.get(bit, f"#{bit}") for bit in set_bits) or "–"
        value = scaled(number, factor)
        return CONVERSIONS[self.conversion](float(value)) if self.conversion else value

    def as_dict(self) -> dict[str, Any]:
        """Give what a binding stores."""
        return {
            "factor": str(self.factor),
            "data_field_factors": {
                str(data_field): str(factor)
                for data_field, factor in self.data_field_factors
            },
            "resolution_of": self.resolution_of,
            "coding": self.coding,
            "conversion": self.conversion,
            "no_value": [*map(_exact, sorted(self.no_value))],
            "bits": {str(bit): name for bit, name in self.bits},
            "device_class": self.device_class,
            "state_class": self.state_class,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave. Raises LookupError or ValueError for what this release doesn't know."""
        if (coding := data["coding"]) not in (None, *RECORD_CODINGS):
            CODINGS[coding]
        if (conversion := data["conversion"]) is not None:
            CONVERSIONS[conversion]
        return cls(
            factor=exactly(data["factor"]),
            data_field_factors=tuple(
                (int(data_field), exactly(factor))
                for data_field, factor in data["data_field_factors"].items()
            ),
            resolution_of=data["resolution_of"],
            coding=coding,
            conversion=conversion,
            no_value=frozenset(map(exactly, data["no_value"])),
            bits=tuple((int(bit), name) for bit, name in data["bits"].items()),
            device_class=data["device_class"],
            state_class=data["state_class"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """What a record means: by which profile and which of its entries, in which unit, and by which rule its value comes.

    `error_is_none`: it comes as a value during an error (function 3) while there is none.
    """

    profile: str = field(compare=False)
    entry: str = field(compare=False)
    signature: Signature
    unit: str | None = None
    error_is_none: bool = False
    rule: ValueRule = field(default_factory=ValueRule)

    def read(
        self, record: Record, telegram: Telegram | None, unit: str | None
    ) -> tuple[Value, Problem | None]:
        """Return the value of a record of a telegram whose header is taken in `unit`, and what is wrong with it."""
        if self.error_is_none and record.function is Function.ERROR:
            return None, Problem("during_error")
        return self.rule.read(record, telegram, unit, self.unit)

    def as_dict(self) -> dict[str, Any]:
        """Give what a binding stores."""
        return {
            "profile": self.profile,
            "entry": self.entry,
            "signature": self.signature.as_dict(),
            "unit": self.unit,
            "error_is_none": self.error_is_none,
            **self.rule.as_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave. Raises LookupError or ValueError for what this release doesn't know."""
        return cls(
            profile=data["profile"],
            entry=data["entry"],
            signature=Signature.from_dict(data["signature"]),
            unit=data["unit"],
            error_is_none=data["error_is_none"],
            rule=ValueRule.from_dict(data),
        )


def meant(record: Record, interpretation: Interpretation | None) -> Signature:
    """Return what a record means to people."""
    return interpretation.signature if interpretation else record.signature


def exactly(number: Any) -> Fraction:
    """Return a number as it is written. Raises ValueError for anything else, and for what is beyond all measure."""
    if not _NUMBER.fullmatch(text := str(number)):
        raise ValueError(f"{text[:80]!r} is no number")
    try:
        exact = Fraction(text)
    except ZeroDivisionError as err:
        raise ValueError(f"{text!r} is no number") from err
    if max(abs(exact.numerator), exact.denominator) > _LARGEST:
        raise ValueError(f"{text!r} is no number that could be stored")
    return exact


def scaled(value: float | Decimal, factor: Fraction) -> int | float | Decimal:
    """Multiply without rounding on the way; whole numbers stay whole where the result is."""
    if factor == 1:
        return value
    exact = Fraction(str(value)) * factor
    if isinstance(value, int) and exact.denominator == 1:
        return exact.numerator
    if isinstance(value, Decimal) or (
        isinstance(value, int) and abs(value) >= _EXACT_AS_FLOAT
    ):
        return Decimal(exact.numerator) / Decimal(exact.denominator)
    return float(exact)


def _is_number(value: Value) -> TypeGuard[int | float | Decimal]:
    return isinstance(value, int | float | Decimal)


def _data(record: Record) -> bytes:
    """Return the bytes of a value, without their count where that comes first (LVAR)."""
    is_counted = record.header[0] & _DATA_FIELD == _LVAR
    return record.raw[1:] if is_counted else record.raw


def _exact(number: Fraction) -> int | str:
    return number.numerator if number.denominator == 1 else str(number)


def _step(header: bytes) -> Fraction:
    """Return what one counts of a whole number under the VIF of a header."""
    numbers = limits(bytes([header[0] & ~_DATA_FIELD | _INTEGER]) + header[1:])
    step = numbers.step if numbers else None
    return Fraction(1) if step is None else Fraction(str(step))


def _resolution(
    quantity: str, telegram: Telegram | None, meant_in: str | None
) -> Fraction:
    """Return the step of the present register of a quantity, for a value in a unit that begins with one of its own.

    Raises InvalidValueError where a telegram has none.
    """
    for record in telegram.records if telegram else ():
        signature = record.signature
        if (
            signature.quantity == quantity
            and signature.function is Function.INSTANTANEOUS
            and not signature.storage_number
            and not signature.subunit
            and not signature.tariff
            and not signature.modifiers
        ):
            try:
                numbers = limits(record.header)
                if numbers and numbers.step is not None:
                    step = numbers.step
                    if meant_in and record.unit:
                        unit, *_ = meant_in.split("·")
                        step = convert_unit(step, record.unit, unit)
                    return Fraction(str(step))
            except EncodeError, ValueError:
                continue
    raise InvalidValueError("no_resolution", quantity=quantity)
