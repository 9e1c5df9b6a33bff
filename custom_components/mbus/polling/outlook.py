"""What a meter would show of a reading if its bindings were changed, and what the statistics would count for that alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..meters.evaluation import evaluate
from ..meters.meter import Meter
from ..meters.reading import Reading
from ..presentation.described import describe, displays_of, guards_of
from ..presentation.display import Display
from .adoption import shown_numbers
from .coordinator import MeterCoordinator
from .seams import Seam, async_seams

type Shown = tuple[Any, str | None]
"""A value and its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """By binding id, what is shown before and after a change."""

    before: Mapping[str, Shown]
    after: Mapping[str, Shown]
    seams: Sequence[Seam]


async def async_outlook(
    coordinator: MeterCoordinator, meter: Meter, reading: Reading
) -> Outlook:
    """Return what becomes of the present values when the meter is changed to this one, given its reading."""
    described = describe(meter, coordinator.described)
    displays, guards = displays_of(described), guards_of(described)
    meter = replace(meter, bindings={key: described[key].binding for key in described})
    period, hass = coordinator.period, coordinator.hass
    results = evaluate(reading, meter, guards, {}, period=period, hass=hass).results
    old = coordinator.data.results
    return Outlook(
        before={
            key: (old[key].shown, _unit(coordinator.described[key].display))
            for key in old.keys() & coordinator.described.keys()
        },
        after={
            key: (results[key].shown, _unit(display))
            for key, display in displays.items()
        },
        seams=await async_seams(
            hass,
            displays,
            shown_numbers(coordinator, old),
            shown_numbers(coordinator, results),
        ),
    )


def _unit(display: Display) -> str | None:
    return display.description.native_unit_of_measurement
