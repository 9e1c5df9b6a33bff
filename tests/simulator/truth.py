"""A meter that remembers all it ever sent, so that whatever is shown of it can be held against the truth."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from decimal import Decimal
import random
from typing import Any, Literal, override

from .meter import SimulatedMeter
from .records import bcd, data_length, integer

_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Quantity:
    """A record: its header in hex, what one step of its register is in `unit`, and whether it only rises."""

    name: str
    header: str
    _: KW_ONLY
    coding: Literal["integer", "bcd"] = "integer"
    step: Decimal = Decimal(1)
    unit: str
    is_total: bool = False

    @property
    def end(self) -> int:
        """The value at which the register begins anew."""
        length = data_length(bytes.fromhex(self.header))
        return 100**length if self.coding == "bcd" else 1 << 8 * length - 1

    def encode(self, value: int | None) -> bytes:
        """Return the record; None is sent as what is no value."""
        prefix = bytes.fromhex(self.header)
        if value is not None:
            return (bcd if self.coding == "bcd" else integer)(self.header, value)
        length = data_length(prefix)
        none = b"\xff" * length if self.coding == "bcd" else b"\0" * (length - 1)
        return prefix + none + (b"" if self.coding == "bcd" else b"\x80")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a meter fixed at one time for a readout: each value by its quantity's name, None where it sent none."""

    time: datetime
    values: Mapping[str, Decimal | None]


class TruthfulMeter(SimulatedMeter):
    """Each readout has values of its own, which go into `history`: the last ones, the latest at its end.

    `places` are the quantities of each telegram. Those named in `invalid` are sent as no value.
    """

    def __init__(
        self,
        address: int,
        places: Sequence[Sequence[Quantity]],
        *,
        time: Callable[[], datetime],
        seed: int = 0,
        **options: Any,
    ) -> None:
        """Begin somewhere; `time` is when a readout is made."""
        super().__init__(address, **options)
        self.places = [list(telegram) for telegram in places]
        self.history = deque[Sent](maxlen=_REMEMBERED)
        self.invalid: set[str] = set()
        self._time = time
        self._random = random.Random(seed)
        self.registers = {
            quantity.name: self._random.randrange(1, min(quantity.end, 10**6) // 2)
            for quantity in self.quantities
        }

    @property
    def quantities(self) -> list[Quantity]:
        """All that it sends."""
        return [quantity for telegram in self.places for quantity in telegram]

    def set_back(self, name: str) -> None:
        """Let a register begin anew."""
        self.registers[name] = self._random.randrange(1 + self.registers[name] // 2)

    def near_its_end(self, name: str) -> None:
        """Bring a register to where it soon begins anew."""
        end = next(one.end for one in self.quantities if one.name == name)
        self.registers[name] = max(self.registers[name], end - 200)

    @override
    def telegrams(self) -> list[bytes]:
        return [
            b"".join(
                quantity.encode(
                    None
                    if quantity.name in self.invalid
                    else self.registers[quantity.name]
                )
                for quantity in telegram
            )
            for telegram in self.places
        ]

    @override
    def readout(self) -> list[bytes]:
        for quantity in self.quantities:
            self._move(quantity)
        values = {
            quantity.name: None
            if quantity.name in self.invalid
            else self.registers[quantity.name] * quantity.step
            for quantity in self.quantities
        }
        self.history.append(Sent(time=self._time(), values=values))
        return super().readout()

    def _move(self, quantity: Quantity) -> None:
        if quantity.is_total:
            moved = self.registers[quantity.name] + self._random.randint(1, 100)
            self.registers[quantity.name] = moved % quantity.end
        else:
            largest = min(quantity.end - 1, 100_000)
            self.registers[quantity.name] = self._random.randint(1, largest)
