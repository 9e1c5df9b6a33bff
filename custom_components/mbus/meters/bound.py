"""What a binding stores of the record that it is for, and where in a readout that record is now."""

from collections.abc import Collection, Mapping, Sequence
from copy import replace
from typing import Any, Final

from ..profiles.block import BlockField
from ..profiles.interpretation import Interpretations, meant
from ..protocol import PLAIN_TEXT, Signature, Telegram, dimension
from .binding import OUTDATED, Binding, BindingError, BindingState

NOTHING_ELSE: Final[Interpretations] = {}
"""No record means anything else than the standard says."""


def bound_to_block(telegram: int, field: BlockField) -> dict[str, Any]:
    """Return what a binding stores of a part of the manufacturer's bytes."""
    return {"telegram": telegram, "block": field.as_dict()}


def bound_to(
    telegrams: Sequence[Telegram],
    telegram: int,
    index: int,
    interpretations: Interpretations = NOTHING_ELSE,
) -> dict[str, Any]:
    """Return what a binding stores of the record it is bound to, given what the readout's records mean."""
    interpretation = interpretations.get((telegram, index))
    record = telegrams[telegram].records[index]
    alike = telegrams[telegram].sound_signatures.count(record.signature.without_error)
    return {
        "telegram": telegram,
        "index": index,
        "signature": record.signature.as_dict(),
        "unit": record.unit,
        "header": record.header.hex(),
        "layout": telegrams[telegram].sound_layout if alike > 1 else None,
        "ordinal": ordinal(telegrams, telegram, index, interpretations),
        "interpretation": interpretation and interpretation.as_dict(),
    }


def rebound_to(
    item: Mapping[str, Any],
    telegrams: Sequence[Telegram],
    telegram: int,
    index: int,
    interpretations: Interpretations = NOTHING_ELSE,
) -> dict[str, Any]:
    """Return a stored binding bound to another record.

    Its values stay in the unit they were in, which the steps of its chain were made for, where the record has the same
    dimension. What a record of the same meaning meant to people, it goes on to mean.
    """
    bound = bound_to(telegrams, telegram, index, interpretations)
    is_outdated = item.get(OUTDATED)
    item = {key: value for key, value in item.items() if key != OUTDATED}
    if bound["signature"] == item.get("signature") and not is_outdated:
        bound["interpretation"] = item.get("interpretation")
    elif bound["interpretation"] or item.get("interpretation"):
        return {**item, **bound}
    unit = item.get("unit")
    if unit and dimension(unit) == dimension(bound["unit"]):
        bound["unit"] = unit
    return {**item, **bound}


def ordinal(
    telegrams: Sequence[Telegram],
    telegram: int,
    index: int,
    interpretations: Interpretations = NOTHING_ELSE,
) -> int:
    """Return which one it is of the records of a readout that have the same name, counted from 1."""

    def named(signature: Signature) -> Signature:
        if signature.quantity == PLAIN_TEXT:
            return signature
        return replace(signature, dimension=None)

    before = [
        named(meant(record, interpretations.get((number, record.index))))
        for number, earlier in enumerate(telegrams[: telegram + 1])
        for record in earlier.records
        if (number, record.index) < (telegram, index)
    ]
    own = telegrams[telegram].records[index]
    return 1 + before.count(named(meant(own, interpretations.get((telegram, index)))))


def is_missing(
    binding: Binding, telegrams: Sequence[Telegram], *, is_complete: bool
) -> bool:
    """Return whether a binding's record is not where it was; what could not be read may still be there.

    The manufacturer's bytes are where they are, or not sent.
    """
    if binding.block or binding.is_outdated:
        return binding.is_outdated
    try:
        binding.record_in(telegrams)
    except BindingError as err:
        return err.is_missing or (is_complete and err.state is BindingState.NO_TELEGRAM)
    return False


def find_again(
    binding: Binding, others: Collection[Binding], telegrams: Sequence[Telegram]
) -> tuple[int, int] | None:
    """Return telegram and index of the record that means what the binding was made for, None where that isn't certain.

    One that was not the only one of its meaning is not known by it: neither where another of `others` is for one alike.
    """
    places = [
        (number, record.index)
        for number, telegram in enumerate(telegrams)
        for record in telegram.records
        if record.signature == binding.signature
    ]
    is_uncertain = (
        binding.is_outdated
        or binding.layout is not None
        or binding.ordinal > 1
        or any(
            other.signature == binding.signature and other.place != binding.place
            for other in others
        )
    )
    return places[0] if len(places) == 1 and not is_uncertain else None
