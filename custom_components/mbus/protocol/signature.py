"""What a record means, apart from how it is coded: what a binding is made for."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Function(StrEnum):
    """What kind of value a record holds, in the order of the codes (EN 13757-3, DIF)."""

    INSTANTANEOUS = "instantaneous"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
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

    def as_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self) | {"modifiers": list(self.modifiers)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        function, modifiers = Function(data["function"]), tuple(data["modifiers"])
        return cls(**data | {"function": function, "modifiers": modifiers})
