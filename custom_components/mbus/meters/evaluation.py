"""What follows from a reading: pure, and the same however often it is asked for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from homeassistant.core import HomeAssistant

from ..protocol import (
    SUMMER_TIME,
    Function,
    Problem,
    Record,
    Telegram,
    Value,
    convert_unit,
)
from .binding import Binding, BindingError, BindingState, unit_changed
from .clock import to_timestamp
from .guards import Fall, Guard, hold_against
from .memory import STEPS, TOTAL
from .meter import Meter
from .reading import Memory, Reading, Result
from .reason import Reason, spelt
from .transformation import Outcome, is_number, run, script_context


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """By binding id, what a reading gives and what the next one is held against."""

    results: Mapping[str, Result]
    memory: Mapping[str, Memory]


def evaluate(
    reading: Reading,
    meter: Meter,
    guards: Mapping[str, Guard],
    memory: Mapping[str, Memory],
    *,
    hass: HomeAssistant,
) -> Evaluation:
    """Return what a meter's bindings make of a reading; `memory` is that of the reading before.

    `guards` say what the values of each binding have to be.
    """
    results, after = dict[str, Result](), dict[str, Memory]()
    for binding in meter.bindings.values():
        results[binding.id], after[binding.id], _ = evaluate_binding(
            binding,
            reading,
            meter,
            guards[binding.id],
            memory.get(binding.id, {}),
            hass=hass,
        )
    return Evaluation(results=results, memory=after)


def evaluate_binding(
    binding: Binding,
    reading: Reading,
    meter: Meter,
    guard: Guard,
    memory: Memory,
    *,
    hass: HomeAssistant,
) -> tuple[Result, Memory, Outcome]:
    """Return what one binding makes of a reading, what it remembers of it, and what each step of its chain gives."""
    result, fall = _read(binding, reading, guard, memory.get(TOTAL, {}))
    outcome = run(
        binding.transformations,
        result.raw if result.state is BindingState.OK else None,
        reading.time,
        memory.get(STEPS),
        period=reading.period,
        breaks_off=fall is not None and fall.has_fallen,
        context=script_context(binding, meter),
        hass=hass,
    )
    kept = {
        TOTAL: fall.memory if fall else memory.get(TOTAL),
        STEPS: outcome.memory,
    }
    return (
        _transformed(binding, result, outcome, guard, meter),
        {key: part for key, part in kept.items() if part},
        outcome,
    )


def lacks_telegram(
    results: Mapping[str, Result], old: Meter, meter: Meter, enabled: Collection[str]
) -> bool:
    """Return whether a binding that was added or, being enabled, changed wants a telegram that was not read."""
    return any(
        result.state is BindingState.NO_TELEGRAM
        and (
            binding_id not in old.bindings
            or (
                binding_id in enabled
                and old.bindings[binding_id] != meter.bindings[binding_id]
            )
        )
        for binding_id, result in results.items()
    )


def fallen_from(result: Result, memory: Memory) -> Decimal | None:
    """Return the last valid total where a binding's result is the second that is lower, and thereby believed."""
    kept = memory.get(TOTAL, {})
    if not kept or not is_number(result.raw):
        return None
    fall = hold_against(result.raw, kept)
    return Decimal(kept[TOTAL]) if fall.has_fallen and fall.is_believed else None


def _read(
    binding: Binding, reading: Reading, guard: Guard, memory: Memory
) -> tuple[Result, Fall | None]:
    """Return what a binding picks out of a reading, in the unit it was bound with, and how a total stands."""
    record: Record | None = None
    found = False
    try:
        if binding.block:
            value, problem = binding.block_value_in(reading.telegrams)
        else:
            record = binding.record_in(reading.telegrams)
            value, problem = value_of(record, binding, reading.telegrams)
        found = True
        guard.check(value, problem)
    except BindingError as err:
        reason = err.reason
        if err.state is BindingState.NO_TELEGRAM and reading.error:
            facts = {"telegram": binding.telegram, "reason": reading.error}
            reason = Reason("telegram_not_read", facts)
        failed = Result(
            state=err.state,
            reason=reason,
            record=record,
            found=found,
            is_missing=err.is_missing,
        )
        return failed, None
    result = Result(value=value, raw=value, record=record, found=True)
    if not guard.rises or not is_number(value):
        return result, None
    fall = hold_against(value, memory)
    if not fall.is_believed:
        result = replace(
            result,
            value=None,
            state=BindingState.TOTAL_FELL,
            reason=Reason("total_fell", {"value": spelt(value)}),
        )
    return result, fall


def value_in(binding: Binding, telegrams: Sequence[Telegram]) -> Any:
    """Return the value of a binding's record, in the unit it was bound with; None where there is no valid one."""
    try:
        if binding.block:
            return binding.block_value_in(telegrams)[0]
        return value_of(binding.record_in(telegrams), binding, telegrams)[0]
    except BindingError:
        return None


def value_of(
    record: Record, binding: Binding, telegrams: Sequence[Telegram]
) -> tuple[Value, Problem | None]:
    """Return a record's value in the unit of its binding, and what is wrong with it."""
    bound = binding.signature
    if (
        record.function is Function.ERROR
        and bound is not None
        and bound.function is not Function.ERROR
    ):
        return None, Problem("during_error")
    if binding.interpretation:
        telegram = telegrams[binding.telegram]
        return binding.interpretation.read(record, telegram, binding.unit)
    value = record.value
    if (
        isinstance(value, int | float | Decimal)
        and record.unit is not None
        and binding.unit is not None
    ):
        try:
            value = convert_unit(value, record.unit, binding.unit)
        except ValueError as err:
            raise BindingError(
                BindingState.RECORD_CHANGED, unit_changed(binding, record)
            ) from err
    return value, record.problem


def _transformed(
    binding: Binding, result: Result, outcome: Outcome, guard: Guard, meter: Meter
) -> Result:
    """Return a result with what the chain made of it; of a record that is not there, nothing is made."""
    if not result.found:
        return result
    value, reason = outcome.value, outcome.error
    if isinstance(value, datetime):
        modifiers = result.record.modifiers if result.record else ()
        value = to_timestamp(value, meter.clock, SUMMER_TIME in modifiers)
    shown = None if value is None else guard.show(value)
    if value is not None and shown is None:
        reason = reason or Reason("not_shown", {"value": spelt(value)})
        value = None
    result = replace(result, value=value, shown=shown)
    if reason:
        state = (
            BindingState.TRANSFORMATION_FAILED
            if binding.transformations
            else BindingState.INVALID_VALUE
        )
        return replace(result, state=state, reason=reason)
    if value is None:
        return result
    return replace(result, state=BindingState.OK, reason=None)
