"""Values of records: what they can be, how numbers are scaled, what a coding of them has to do."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Context, Decimal
from fractions import Fraction
import math
from typing import Final, NamedTuple, Protocol, Self

from ..errors import ProblemError
from ..problems import Problem

type Number = int | float | Decimal
type Value = Number | str | bytes | date | time | datetime | None

_WIDE = Context(prec=80)
_EXACT_IN_FLOAT: Final = 10**15
_LARGEST_EXPONENT: Final = 400
"""Beyond that of every number that a record can hold."""


class InvalidValueError(ValueError):
    """Data of a record that are no value; `problem` says why.

    `value` is what they are by the letter where only experience says that they are none.
    """

    def __init__(self, key: str, value: Value = None, **facts: str) -> None:
        """Take a key of PROBLEMS and its facts."""
        super().__init__(key)
        self.problem = Problem(key, facts)
        self.value = value


class EncodeError(ProblemError, ValueError):
    """A value that can't be written to a record."""


def spelt(value: Value) -> str:
    """Write a value so that a text is told from a number."""
    return repr(value) if isinstance(value, str | bytes) else str(value)


class Limits(NamedTuple):
    """The values that a record can carry, in its unit; without `step` there is no fixed one."""

    minimum: Number
    maximum: Number
    step: Number | None


class Coding(Protocol):
    """One way to code a value."""

    def decode(self, data: bytes) -> Value:
        """Read all data bytes of a record. Raises InvalidValueError."""

    def encode(self, value: Value) -> bytes:
        """Give the data bytes that are read as this value. Raises EncodeError."""

    @property
    def limits(self) -> Limits | None:
        """What can be coded; None where it is no number."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A number is (raw * multiplier + addend) / divisor, in whole numbers so that nothing is lost."""

    multiplier: int = 1
    addend: int = 0
    divisor: int = 1

    @classmethod
    def of(cls, factor: Fraction, addend: Fraction = Fraction()) -> Self:
        """Scale by raw * factor + addend."""
        return cls().then(factor, addend)

    def then(self, factor: Fraction, addend: Fraction) -> Self:
        """Scale by raw * factor + addend what comes out of this."""
        numerator, denominator = factor.as_integer_ratio()
        added, parts = addend.as_integer_ratio()
        multiplier = self.multiplier * numerator * parts
        total = self.addend * numerator * parts + added * self.divisor * denominator
        divisor = self.divisor * denominator * parts
        common = math.gcd(multiplier, total, divisor)
        return type(self)(multiplier // common, total // common, divisor // common)

    def apply(self, raw: int) -> Number:
        """Scale without rounding: an int if the scale has no decimals, else the nearest float.

        A Decimal where that float would lose digits.
        """
        scaled = raw * self.multiplier + self.addend
        if self.divisor == 1:
            return scaled
        if -_EXACT_IN_FLOAT < scaled < _EXACT_IN_FLOAT:
            return scaled / self.divisor
        exact = _WIDE.divide(Decimal(scaled), Decimal(self.divisor))
        near = float(exact)
        return near if Decimal(repr(near)) == exact else exact

    def apply_to_text(self, text: str) -> float:
        """Scale a decimal number given as text."""
        if self.multiplier == self.divisor == 1 and not self.addend:
            return float(text)
        scaled = _WIDE.add(
            _WIDE.multiply(Decimal(text), Decimal(self.multiplier)),
            Decimal(self.addend),
        )
        return float(_WIDE.divide(scaled, Decimal(self.divisor)))

    def invert(self, value: Value) -> Fraction:
        """Give the unscaled number. Raises EncodeError for what is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise EncodeError("no_number", value=spelt(value))
        exact = Decimal(value if isinstance(value, int) else str(value))
        # A fraction holds all zeros of a number, which no exponent of a few digits may make millions.
        if not exact.is_finite() or abs(exact.adjusted()) > _LARGEST_EXPONENT:
            raise EncodeError("not_codable", value=f"{exact:.6g}")
        return (Fraction(exact) * self.divisor - self.addend) / self.multiplier

    def invert_whole(self, value: Value, minimum: int, maximum: int) -> int:
        """Give the unscaled number where it has to be whole and within limits."""
        exact = self.invert(value)
        raw = round(exact)
        # Tolerates the noise of a float that was computed, not a value between two steps.
        if abs(exact - raw) > Fraction(1, 10**6):
            raise EncodeError("no_multiple", value=spelt(value), step=spelt(self.step))
        if not minimum <= raw <= maximum:
            raise EncodeError(
                "not_within",
                value=spelt(value),
                minimum=spelt(self.apply(minimum)),
                maximum=spelt(self.apply(maximum)),
            )
        return raw

    def limits(self, minimum: int, maximum: int) -> Limits:
        """Give the values of a range of unscaled numbers."""
        return Limits(self.apply(minimum), self.apply(maximum), self.step)

    @property
    def step(self) -> Number:
        """The distance of neighbouring values."""
        return Scale(self.multiplier, 0, self.divisor).apply(1)


UNSCALED: Final = Scale()
