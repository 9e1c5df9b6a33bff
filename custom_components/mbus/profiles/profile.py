"""A meter family's profile: which meters it is for, and what their records mean."""

from collections.abc import Iterator, Mapping, Sequence
from copy import replace
from dataclasses import dataclass, field
import re
from typing import Final

from ..protocol import (
    MODIFIER_PREFIXES,
    PLAIN_TEXT,
    Function,
    Quirks,
    Record,
    Signature,
    Telegram,
    dimension,
)
from .block import BlockField
from .interpretation import Interpretation, ValueRule

_MORE: Final = 0x80
_LVAR: Final = 0x0D
_BASE_UNITS: Final = {
    "kWh": "Wh", "MWh": "Wh", "GWh": "Wh", "kvarh": "varh", "kVAh": "VAh", "kW": "W", "MW": "W", "kvar": "var",
    "kVA": "VA",
}  # fmt: skip
_COUNTED_IN: Final = ("W", "Wh")
"""What a record under one of these units counts, by the unit that a profile names: prefixes are the header's."""

type Numbers = frozenset[int] | None
"""Numbers that a part of a header may have; None for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Meters that a profile is for, by their header and what they send; None for any."""

    manufacturer: str
    versions: Numbers = None
    media: Numbers = None
    records: Numbers = None
    model: str | None = None

    @property
    def precision(self) -> int:
        """How much it asks for: of two profiles that match, the one that asks for more is the better one."""
        return [self.versions, self.media, self.records, self.model].count(None) * -1

    def takes(self, telegrams: Sequence[Telegram]) -> bool:
        """Say whether these telegrams are of such a meter."""
        header = telegrams[0].header if telegrams else None
        return (
            header is not None
            and header.manufacturer == self.manufacturer
            and _among(header.version, self.versions)
            and _among(header.medium, self.media)
            and _among(sum(len(one.records) for one in telegrams), self.records)
            and (self.model is None or self._names_model(telegrams))
        )

    def _names_model(self, telegrams: Sequence[Telegram]) -> bool:
        return any(
            isinstance(record.value, str) and (self.model or "") in record.value
            for telegram in telegrams
            for record in telegram.records
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What records of one pattern mean.

    The pattern is on the VIF with its VIFEs as hex digits, or on the quantity and modifiers that the standard's tables
    give; None stands for any. `nth` is which of the readout's records with this pattern it is, from 1.
    What a pattern asks for of storage, tariff and subunit, and that a value is one during an error, is what the entry
    explains: it is no part of the meaning, of which `storage_number`, `tariff` and `subunit` tell what they are instead.
    """

    key: str
    vif: re.Pattern[str] | None = None
    quantity_sent: str | None = None
    modifiers_sent: frozenset[str] = frozenset()
    functions: frozenset[Function] | None = None
    data_fields: Numbers = None
    storage_sent: Numbers = None
    tariff_sent: Numbers = None
    subunit_sent: Numbers = frozenset({0})
    nth: int | None = None
    quantity: str | None = None
    modifiers: tuple[str, ...] | None = None
    storage_number: int | None = None
    tariff: int | None = None
    subunit: int | None = None
    unit: str | None = None
    rule: ValueRule = field(default_factory=ValueRule)
    certainty: str = "documented"

    def takes(self, record: Record, vif: str) -> bool:
        """Say whether a record whose VIF and VIFEs these are has the pattern, whichever one of several it is."""
        signature = record.signature
        return (
            _among(signature.storage_number, self.storage_sent)
            and _among(signature.tariff, self.tariff_sent)
            and _among(signature.subunit, self.subunit_sent)
            and (self.functions is None or signature.function in self.functions)
            and _among(record.header[0] & 0x0F, self.data_fields)
            and (
                self.quantity_sent is None
                or (signature.quantity, frozenset(signature.modifiers))
                == (self.quantity_sent, self.modifiers_sent)
            )
            and (self.vif is None or self.vif.fullmatch(vif) is not None)
        )

    def interpret(self, record: Record, profile: str) -> Interpretation:
        """Return what a record with the pattern means."""
        unit = record.unit
        if record.quantity == PLAIN_TEXT and record.header[0] & 0x0F == _LVAR:
            unit = None  # The text of the VIF names a text, not a unit.
        if self.unit is not None and dimension(self.unit) != dimension(unit):
            is_base = record.unit in _COUNTED_IN
            unit = _BASE_UNITS.get(self.unit, self.unit) if is_base else self.unit
        return Interpretation(
            profile=profile,
            entry=self.key,
            signature=self._meaning(record.signature, unit),
            unit=unit,
            error_is_none=self.functions is not None
            and len(self.functions) > 1
            and Function.ERROR in self.functions,
            rule=self.rule,
        )

    def _meaning(self, sent: Signature, unit: str | None) -> Signature:
        modifiers = self.modifiers
        if modifiers is None:
            modifiers = tuple(
                name
                for name in sent.modifiers
                if not name.startswith(MODIFIER_PREFIXES)
            )
        return replace(
            sent,
            quantity=self.quantity or sent.quantity,
            dimension=dimension(unit),
            modifiers=modifiers,
            function=sent.without_error.function if self.functions else sent.function,
            storage_number=_said(
                self.storage_number, sent.storage_number, self.storage_sent
            ),
            tariff=_said(self.tariff, sent.tariff, self.tariff_sent),
            subunit=_said(self.subunit, sent.subunit, self.subunit_sent),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Storage numbers from one on that are kept so many months apart, which the meter itself doesn't say; `size` of them."""

    storage: int
    months: int
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of one meter family.

    `shortest_period` (s) is how often a battery lets it be read. `sources` are the documents, by title.
    """

    id: str
    name: str
    matches: tuple[Match, ...]
    entries: tuple[Entry, ...] = ()
    block_fields: tuple[BlockField, ...] = ()
    kept: tuple[Kept, ...] = ()
    quirks: Quirks = field(default_factory=Quirks)
    shortest_period: int | None = None
    sources: tuple[Mapping[str, str], ...] = ()
    tried: str | None = None
    is_own: bool = False

    def precision_for(self, telegrams: Sequence[Telegram]) -> int | None:
        """Say how exactly it is for the meter that sent these; None where it isn't."""
        return max(
            (match.precision for match in self.matches if match.takes(telegrams)),
            default=None,
        )

    def interpret(
        self, telegrams: Sequence[Telegram]
    ) -> Iterator[tuple[int, int, Interpretation]]:
        """Give telegram, index and meaning of each record that an entry is for; the first that takes it counts."""
        seen = dict.fromkeys((entry.key for entry in self.entries), 0)
        for number, telegram in enumerate(telegrams):
            if telegram.header is not None and telegram.header.is_fixed:
                continue
            for record in telegram.records:
                vif = value_information(record.header).hex()
                taking = [entry for entry in self.entries if entry.takes(record, vif)]
                for entry in taking:
                    seen[entry.key] += 1
                for entry in taking:
                    if entry.nth in (None, seen[entry.key]):
                        yield number, record.index, entry.interpret(record, self.id)
                        break


def value_information(header: bytes) -> bytes:
    """Return VIF and VIFEs of a record header, with the text of a plain text VIF."""
    start = 0
    while header[start] & _MORE:
        start += 1
    return header[start + 1 :]


def _among(number: int | None, numbers: Numbers) -> bool:
    return numbers is None or number in numbers


def _said(told: int | None, sent: int, asked: Numbers) -> int:
    """Return a number of the meaning: as told, or as sent unless the pattern is what explains it."""
    if told is not None:
        return told
    return 0 if asked else sent
