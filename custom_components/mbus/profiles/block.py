"""The bytes after DIF 0F or 1F, which are the manufacturer's: whole, or the fields that a profile names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from ..protocol import MANUFACTURER_SPECIFIC, Function, Problem, Signature, Value
from .common import COMMON
from .interpretation import Interpretation, ValueRule

WHOLE: Final = "block"
"""The key of the whole block."""

type BlockPlace = tuple[int, str]
"""Telegram and key of a field of its block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockField:
    """Some bytes of a block, from an offset on; without a `length` all that follow.

    `block_length` is how long the block is that has the field: in another one it may be anywhere.
    """

    interpretation: Interpretation
    offset: int = 0
    length: int | None = None
    block_length: int | None = None

    @property
    def key(self) -> str:
        """What tells it from others of its block."""
        return self.interpretation.entry

    def is_in(self, block: bytes) -> bool:
        """Say whether a block has the field."""
        return self.block_length in (None, len(block)) and len(block) >= self.offset + (
            self.length or 1
        )

    def read(self, block: bytes) -> tuple[Value, Problem | None]:
        """Return the value in a block, and what is wrong with it."""
        if not self.is_in(block):
            return None, Problem("other_length", {"length": str(len(block))})
        end = None if self.length is None else self.offset + self.length
        return self.interpretation.rule.read_bytes(block[self.offset : end])

    def as_dict(self) -> dict[str, Any]:
        """Give what a binding stores."""
        return {
            "interpretation": self.interpretation.as_dict(),
            "offset": self.offset,
            "length": self.length,
            "block_length": self.block_length,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave. Raises LookupError or ValueError for what this release doesn't know."""
        return cls(
            interpretation=Interpretation.from_dict(data["interpretation"]),
            offset=data["offset"],
            length=data["length"],
            block_length=data["block_length"],
        )


WHOLE_BLOCK: Final = BlockField(
    interpretation=Interpretation(
        profile=COMMON,
        entry=WHOLE,
        signature=Signature(
            quantity=MANUFACTURER_SPECIFIC,
            dimension=None,
            function=Function.INSTANTANEOUS,
            storage_number=0,
            tariff=0,
            subunit=0,
            modifiers=("block",),
        ),
        rule=ValueRule(coding="hex"),
    )
)
"""The block as hex digits, which a script may read."""
