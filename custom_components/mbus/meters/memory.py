"""What bindings remember of the readings so far, and what of that outlives a change: of the meter, or of a binding."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .binding import Binding
from .meter import Meter
from .reading import Memory
from .transformation import STEP_TYPES, ChainMemory, Step, origin_of, script_context

TOTAL: Final = "total"
"""Where a binding remembers the last total, which the next one is held against."""
STEPS: Final = "steps"
"""Where it remembers what the steps of its chain need."""


def memory_of_edited_meter(
    old: Meter,
    meter: Meter,
    before: Callable[[str], Memory],
    after: Mapping[str, Memory],
) -> dict[str, Memory]:
    """Return what changed bindings hold the last reading against, given what each remembered before and after it."""
    return {
        key: _memory_of_edited_binding(
            old.bindings.get(key), binding, meter, before(key), after.get(key, {})
        )
        for key, binding in meter.bindings.items()
    }


def _memory_of_edited_binding(
    old: Binding | None, binding: Binding, meter: Meter, before: Memory, after: Memory
) -> Memory:
    steps = of_edited_chain(
        binding.transformations,
        before.get(STEPS, {}),
        after.get(STEPS, {}),
        script_context(binding, meter),
    )
    is_same_record = old is not None and (
        old.signature,
        old.ordinal,
        old.unit,
        old.interpretation,
    ) == (binding.signature, binding.ordinal, binding.unit, binding.interpretation)
    kept = {TOTAL: before.get(TOTAL) if is_same_record else None, STEPS: steps}
    return {key: part for key, part in kept.items() if part}


def memory_of_another_meter(memory: Mapping[str, Memory]) -> dict[str, Memory]:
    """Return what bindings still remember when their meter was exchanged: only the sums of their chains."""
    return {
        binding_id: {STEPS: steps}
        for binding_id, kept in memory.items()
        if (steps := _of_exchanged_meter(kept.get(STEPS, {})))
    }


def _of_exchanged_meter(memory: ChainMemory) -> ChainMemory:
    """Return what a chain still remembers when its meter was exchanged: sums, but not the last point of anything."""
    return {
        key: {**step, "state": {k: v for k, v in step["state"].items() if k != "time"}}
        for key, step in memory.items()
        if "total" in step["state"] or "time" not in step["state"]
    }


def of_edited_chain(
    steps: Sequence[Step],
    before: ChainMemory,
    after: ChainMemory,
    context: Mapping[str, Any],
) -> ChainMemory:
    """Return what an edited chain evaluates the last reading with, given what it remembered before and after it.

    A step that gets what it got before does the same once more. One whose input is another now keeps its sum as it is.
    """
    memory = dict[str, Any]()
    for place, step in enumerate(steps):
        key = str(step.get("id", place))
        kind = STEP_TYPES.get(step["type"])
        is_same = key in after and (
            kind is None
            or not kind.numeric
            or after[key]["origin"] == origin_of(steps[:place], step, context)
        )
        if is_same and key in before:
            memory[key] = before[key]
        elif not is_same and key in after:
            memory[key] = after[key]
    return memory
