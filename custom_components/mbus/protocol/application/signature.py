"""What a record means, apart from how it is coded: what a binding is made for."""

from enum import StrEnum
from typing import Any, NamedTuple, Self, override


class Function(StrEnum):
    """What kind of value a record holds, in the order of the codes (EN 13757-3, DIF)."""

    INSTANTANEOUS = "instantaneous"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    ERROR = "error"


class Signature(NamedTuple):
    """Equal for two records exactly if one may take the place of the other.

    Exponent, width, correction factor, error code and flags of a single value are no part of it.
    `dimension` is that of the VIF's unit.
    """

    quantity: str
    dimension: str | None
    function: Function
    storage_number: int
    tariff: int
    subunit: int
    modifiers: tuple[str, ...]

    @override
    def __str__(self) -> str:
        """Say for a person what it means; two that differ read differently."""
        parts = [self.quantity]
        if self.function is not Function.INSTANTANEOUS:
            parts.insert(0, self.function)
        if self.dimension not in (None, self.quantity):
            parts.append(f"({self.dimension})")
        for name in ("storage_number", "tariff", "subunit"):
            if number := getattr(self, name):
                parts += (name, str(number))
        return " ".join((*parts, *self.modifiers)).replace("_", " ")

    @property
    def without_error(self) -> Self:
        """What a record means in whose place a value during an error may come (function 3)."""
        if self.function is Function.ERROR:
            return self._replace(function=Function.INSTANTANEOUS)
        return self

    def as_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return self._asdict() | {"modifiers": list(self.modifiers)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what `as_dict` gave. Raises TypeError or ValueError for anything else."""
        function, modifiers = Function(data["function"]), tuple(data["modifiers"])
        signature = cls(**data | {"function": function, "modifiers": modifiers})
        words = (signature.quantity, signature.dimension or "", *modifiers)
        numbers = signature.storage_number, signature.tariff, signature.subunit
        if not all(isinstance(word, str) for word in words) or not all(
            type(number) is int for number in numbers
        ):
            raise TypeError(f"{data} is no signature")
        return signature
