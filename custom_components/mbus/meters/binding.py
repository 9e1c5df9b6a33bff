"""Bindings: which record of which telegram becomes an entity, and what can be wrong with it."""

from collections.abc import Collection, Mapping, Sequence
from copy import replace
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, Self

from ..profiles.block import BlockField
from ..profiles.interpretation import Interpretation
from ..protocol import Function, Problem, Record, Signature, Telegram, Value
from .reason import Reason, Why

OUTDATED: Final = "outdated"
"""The key of what a binding stores of another meter than the one that is there now."""


class Access(StrEnum):
    """What an entity may do with the record."""

    READ = "R"
    WRITE = "W"
    READ_WRITE = "RW"

    @property
    def reads(self) -> bool:
        """Whether the record is shown."""
        return self is not Access.WRITE

    @property
    def writes(self) -> bool:
        """Whether the record may be written."""
        return self is not Access.READ


class BindingState(StrEnum):
    """What can be wrong with a binding or with its whole meter, the worst first."""

    NO_CONNECTION = "no_connection"
    SHUTDOWN = "shutdown"
    UNAVAILABLE_ADDRESS = "unavailable_address"
    NO_SOUND_REPLY = "no_sound_reply"
    ANOTHER_METER = "another_meter_answered"
    NO_TELEGRAM = "no_telegram"
    NO_RECORD = "no_record_at_index"
    RECORD_CHANGED = "record_changed"
    TOTAL_FELL = "total_fell"
    INVALID_VALUE = "invalid_value"
    TRANSFORMATION_FAILED = "transformation_failed"
    OK = "ok"

    @classmethod
    def worst(cls, states: Collection[BindingState]) -> BindingState:
        """Return the state a meter is in as a whole."""
        return next(state for state in cls if state in states or state is cls.OK)


class BindingError(Exception):
    """A binding has no value: `state` says which error it is, `reason` says why.

    `is_missing`: its record is not where it was; what could not be read may still be there.
    """

    def __init__(
        self, state: BindingState, reason: Why, *, is_missing: bool = False
    ) -> None:
        """Remember all of it."""
        super().__init__(state, reason)
        self.state = state
        self.reason = reason
        self.is_missing = is_missing


_STORED_AS: Final = {
    "id": str,
    "name": str,
    "title": str | None,
    "unit": str | None,
    "layout": str | None,
    "ordinal": int | None,
    "transformations": list | tuple | None,
    "writing": Mapping | None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """What a person set for the entity in place of what follows from the record."""

    device_class: str | None = None
    unit: str | None = None
    state_class: str | None = None
    precision: int | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what is stored in a binding; what another release knows is left where it is."""
        known = {item.name for item in fields(cls)} & data.keys()
        return cls(**{name: data[name] for name in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One record of one telegram of a meter made visible, writable, or both.

    `signature`, `unit` and `header` are those of the record when it was bound; a binding made by number without a
    readout has none until the first one. `layout` stands for all signatures of the telegram, where this one alone
    would not tell the record from its neighbours. `ordinal` tells apart records of the same name. `interpretation` is
    what the record meant to people when it was bound, where that isn't what the standard says. A part of the
    manufacturer's bytes, `block`, has no index and no signature. `is_outdated`: what it means was known of a meter of
    another kind, which was exchanged.
    """

    id: str
    name: str
    telegram: int
    index: int | None = None
    title: str | None = None
    access: Access = Access.READ
    signature: Signature | None = None
    unit: str | None = None
    header: bytes = b""
    layout: str | None = None
    ordinal: int = 1
    interpretation: Interpretation | None = None
    block: BlockField | None = None
    presentation: Presentation = field(default_factory=Presentation)
    transformations: tuple[Mapping[str, Any], ...] = ()
    writing: Mapping[str, Any] = field(default_factory=dict)
    is_outdated: bool = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the binding stored in a meter's subentry. Raises LookupError, TypeError or ValueError for anything else."""
        for name, kind in _STORED_AS.items():
            if not isinstance(data.get(name), kind):
                raise TypeError(f"{name}: {data.get(name)!r}")
        block = BlockField.from_dict(said) if (said := data.get("block")) else None
        interpretation = data.get("interpretation")
        return cls(
            id=data["id"],
            name=data["name"],
            telegram=int(data["telegram"]),
            # Whoever knows no blocks finds no index, and leaves the binding out.
            index=None if block else int(data["index"]),
            title=data.get("title"),
            access=Access(data.get("access", Access.READ)),
            signature=Signature.from_dict(stored)
            if (stored := data.get("signature"))
            else None,
            unit=data.get("unit"),
            header=bytes.fromhex(data.get("header", "")),
            layout=data.get("layout"),
            ordinal=data.get("ordinal", 1),
            interpretation=block.interpretation
            if block
            else interpretation and Interpretation.from_dict(interpretation),
            block=block,
            presentation=Presentation.from_dict(data.get("presentation", {})),
            transformations=tuple(data.get("transformations", ())),
            writing=data.get("writing", {}),
            is_outdated=bool(data.get(OUTDATED)),
        )

    @property
    def place(self) -> tuple[int, int | None]:
        """Telegram and index of its record."""
        return self.telegram, self.index

    @property
    def meaning(self) -> Signature | None:
        """What the record means to people."""
        return self.interpretation.signature if self.interpretation else self.signature

    @property
    def value_unit(self) -> str | None:
        """The unit of its values, before the chain."""
        return self.interpretation.unit if self.interpretation else self.unit

    def _telegram_in(self, telegrams: Sequence[Telegram]) -> Telegram:
        if self.is_outdated:
            raise BindingError(
                BindingState.RECORD_CHANGED,
                Reason("of_another_meter"),
                is_missing=True,
            )
        if self.telegram >= len(telegrams):
            raise BindingError(
                BindingState.NO_TELEGRAM,
                Reason("no_telegram", {"telegram": self.telegram}),
            )
        return telegrams[self.telegram]

    def block_value_in(
        self, telegrams: Sequence[Telegram]
    ) -> tuple[Value, Problem | None]:
        """Return the value in the manufacturer's bytes, and what is wrong with it.

        Raises BindingError where the telegram or its bytes are missing.
        """
        assert self.block is not None
        data = self._telegram_in(telegrams).manufacturer_data
        if not data:
            raise BindingError(
                BindingState.NO_RECORD,
                Reason("no_manufacturer_data", {"telegram": self.telegram}),
            )
        return self.block.read(data)

    def record_in(self, telegrams: Sequence[Telegram]) -> Record:
        """Return the record this binding is for, valid or not, also where it holds a value during an error instead.

        Raises BindingError where the telegram or the record is missing, or where the record now means something else.
        """
        telegram = self._telegram_in(telegrams)
        assert self.index is not None
        if self.index >= len(telegram.records):
            reason = Reason("no_record", {"index": self.index})
            if telegram.problem:
                facts = {"index": self.index, "reason": telegram.problem}
                reason = Reason("record_not_read", facts)
            raise BindingError(
                BindingState.NO_RECORD, reason, is_missing=telegram.problem is None
            )
        record = telegram.records[self.index]
        if self.signature is None:
            return record
        expected = {self.signature, replace(self.signature, function=Function.ERROR)}
        if self.interpretation and self.interpretation.error_is_none:
            expected.add(self.signature.without_error)
        if record.signature not in expected:
            raise BindingError(
                BindingState.RECORD_CHANGED, self._change(record), is_missing=True
            )
        alike = telegram.sound_signatures.count(self.signature.without_error)
        if (self.layout is not None or alike > 1) and self.layout not in (
            telegram.layout,
            telegram.sound_layout,
        ):
            facts = {"telegram": self.telegram, "record": self.signature}
            raise BindingError(
                BindingState.RECORD_CHANGED,
                Reason("records_changed", facts),
                is_missing=True,
            )
        return record

    def _change(self, record: Record) -> Reason:
        """Return what a record at the binding's place means now, and what it meant: by name, or by unit where that is all."""
        before, now = self.signature, record.signature
        if before and before._replace(dimension=now.dimension) == now:
            return unit_changed(self, record)
        facts = {"telegram": self.telegram, "index": self.index}
        return Reason("record_changed", facts | {"before": before, "now": now})


def unit_changed(binding: Binding, record: Record) -> Reason:
    """Return that a record comes in another kind of unit than the binding's."""
    facts = {"now": record.unit or "–", "before": binding.unit or "–"}
    return Reason("unit_changed", facts)
