"""What a meter's bindings would mean by another profile than the one they were made with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..profiles.catalogue import NO_PROFILE, Catalogue
from ..profiles.interpretation import Interpretation, Interpretations
from ..protocol import Telegram
from .binding import Binding, BindingError, Presentation, ordinal
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
