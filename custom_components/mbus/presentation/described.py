"""What follows from a binding alone: how it is shown and written, and what its values have to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant

from ..const import LOGGER
from ..meters.binding import Binding
from ..meters.evaluation import Evaluation, evaluate
from ..meters.guards import Guard
from ..meters.meter import Meter
from ..meters.reading import Memory, Reading
from ..protocol import EncodeError, limits
from .control_kind import control_platform
from .display import Display, display_of, native_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A binding of a meter, worked out once for as long as both stay as they are."""

    binding: Binding
    medium: int | None
    display: Display
    control: Platform | None
    guard: Guard


def describe(meter: Meter, known: Mapping[str, Described]) -> dict[str, Described]:
    """Return what follows from each of a meter's bindings; one that another release stored so that nothing does is left out."""
    described = dict[str, Described]()
    for binding in meter.bindings.values():
        before = known.get(binding.id)
        if before and (before.binding, before.medium) == (binding, meter.medium):
            described[binding.id] = before
            continue
        try:
            described[binding.id] = described_of(binding, meter.medium)
        except ArithmeticError, AttributeError, LookupError, TypeError, ValueError:
            LOGGER.exception(
                "%s: %s can't be used as it is stored, and is left out",
                meter.title,
                binding.name,
            )
    return described


def described_of(binding: Binding, medium: int | None) -> Described:
    """Return what follows from a binding of a meter for this medium.

    Of one that is stored in another way nothing does: raises ArithmeticError, AttributeError, LookupError, TypeError or
    ValueError.
    """
    display = display_of(binding, medium)
    return Described(
        binding=binding,
        medium=medium,
        display=display,
        control=control_platform(binding, display),
        guard=Guard(
            sends_number=_sends_number(binding),
            rises=display.is_rising,
            show=partial(native_value, display),
        ),
    )


def evaluate_described(
    described: Mapping[str, Described],
    reading: Reading,
    meter: Meter,
    memory: Mapping[str, Memory],
    *,
    hass: HomeAssistant,
) -> Evaluation:
    """Return what a meter's bindings make of a reading, each held against what its values have to be."""
    guards = {binding_id: one.guard for binding_id, one in described.items()}
    return evaluate(reading, meter, guards, memory, hass=hass)


def _sends_number(binding: Binding) -> bool:
    """Return whether the record held a number when it was bound."""
    interpretation = binding.interpretation
    if interpretation and interpretation.rule.sends_number is not None:
        return interpretation.rule.sends_number
    if not binding.header:
        return False
    try:
        return limits(binding.header) is not None
    except EncodeError:
        return binding.unit is not None
