"""What a meter's bindings mean by another profile than the one they were made with, or of another meter in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..profiles.catalogue import NO_PROFILE, Catalogue
from ..profiles.interpretation import Interpretation, Interpretations, meant
from ..protocol import Header, Telegram
from .binding import OUTDATED, Binding, BindingError, Presentation
from .bound import ordinal
from .meter import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinterpretation:
    """By binding id, what changes; `kept` are bindings that would, but have steps, a unit or a class made for what they mean now."""

    changed: Mapping[str, Interpretation | None]
    kept: tuple[Binding, ...]


def reinterpret(
    meter: Meter, telegrams: Sequence[Telegram], catalogue: Catalogue
) -> Reinterpretation:
    """Hold the bindings of a meter against what the records of a whole readout mean.

    What a file said that is gone, or can't be read now, goes on to hold, unless no profile is wanted.
    """
    meanings = catalogue.interpret(telegrams, meter.profile)
    changed, kept = dict[str, Interpretation | None](), list[Binding]()
    for binding in meter.bindings.values():
        if binding.signature is None or binding.index is None:
            continue
        try:
            record = binding.record_in(telegrams)
        except BindingError:
            continue
        if record.signature != binding.signature:
            continue  # A value during an error stands in its place.
        wanted = meanings.get((binding.telegram, binding.index))
        if wanted and wanted.unit == record.unit:
            wanted = replace(wanted, unit=binding.unit)
        if wanted == binding.interpretation:
            continue
        if (
            binding.interpretation
            and meter.profile != NO_PROFILE
            and not catalogue.has(binding.interpretation.profile)
        ):
            continue
        if binding.transformations or binding.presentation != Presentation():
            kept.append(binding)
        else:
            changed[binding.id] = wanted
    return Reinterpretation(changed=changed, kept=tuple(kept))


def reinterpreted(
    stored: Sequence[Mapping[str, Any]],
    changes: Reinterpretation,
    telegrams: Sequence[Telegram],
    meanings: Interpretations,
) -> list[dict[str, Any]]:
    """Return a meter's stored bindings with what changes."""
    bindings = []
    for item in stored:
        if item["id"] not in changes.changed:
            bindings.append(dict(item))
            continue
        interpretation = changes.changed[item["id"]]
        bindings.append(
            {
                **item,
                "interpretation": interpretation and interpretation.as_dict(),
                "ordinal": ordinal(
                    telegrams, item["telegram"], item["index"], meanings
                ),
            }
        )
    return bindings


def is_of_kind(meter: Meter, header: Header | None) -> bool:
    """Return whether a header is one of a meter like this one, as far as both are known."""
    return (
        header is None
        or meter.identity is None
        or (meter.identity.manufacturer, meter.version, meter.medium)
        == (header.manufacturer, header.version, header.medium)
    )


def taken_over(
    stored: Sequence[Mapping[str, Any]],
    meter: Meter,
    telegrams: Sequence[Telegram],
    catalogue: Catalogue,
    choice: str,
) -> list[dict[str, Any]]:
    """Return a meter's stored bindings for the one that takes its place and sent these telegrams; `choice` is its profile.

    Of one of the same kind, all that was known holds. Of another, only what means the same to people goes on; a binding of
    which that isn't known is kept, but outdated.
    """
    if is_of_kind(meter, telegrams[0].header):
        return [*map(dict, stored)]
    meanings = catalogue.interpret(telegrams, choice)
    fields = catalogue.block_fields(telegrams, choice)
    taken = []
    for item in stored:
        if (binding := meter.bindings.get(item["id"])) is None:
            taken.append(dict(item))
        elif binding.block:
            is_same = fields.get((binding.telegram, binding.block.key)) == binding.block
            taken.append({**item, OUTDATED: not is_same})
        else:
            taken.append({**item, **_meant_by_another(binding, telegrams, meanings)})
    return taken


def _meant_by_another(
    binding: Binding, telegrams: Sequence[Telegram], meanings: Interpretations
) -> dict[str, Any]:
    """Return what a binding stores of what its record means of another meter, as far as it is where it was."""
    unknown = {OUTDATED: binding.is_outdated or binding.interpretation is not None}
    try:
        record = binding.record_in(telegrams)
    except BindingError:
        return unknown
    if binding.signature is None or binding.index is None:
        return {}
    if record.signature != binding.signature:
        return unknown  # A value during an error stands in its place.
    new = meanings.get((binding.telegram, binding.index))
    if new and new.unit == record.unit:
        new = replace(new, unit=binding.unit)
    unit = new.unit if new else binding.unit
    if (meant(record, new), unit) != (binding.meaning, binding.value_unit):
        return {OUTDATED: True}
    return {"interpretation": new and new.as_dict()}
