"""What a meter would show of a reading if its bindings were changed, and what the statistics would count for that alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..meters.memory import memory_of_edited_meter
from ..meters.meter import Meter
from ..meters.reading import Reading
from ..presentation.described import Described, describe, evaluate_described
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
    meter = replace(meter, bindings={key: described[key].binding for key in described})
    hass = coordinator.hass
    kept = coordinator.config_entry.runtime_data.store.memory
    memory = memory_of_edited_meter(
        coordinator.meter, meter, kept, coordinator.data.memory
    )
    results = evaluate_described(described, reading, meter, memory, hass=hass).results
    old = coordinator.data.results
    return Outlook(
        before={
            key: (old[key].shown, _unit(coordinator.described[key]))
            for key in old.keys() & coordinator.described.keys()
        },
        after={key: (results[key].shown, _unit(one)) for key, one in described.items()},
        seams=await async_seams(
            hass,
            described,
            shown_numbers(coordinator, old),
            shown_numbers(coordinator, results),
        ),
    )


def _unit(described: Described) -> str | None:
    return described.display.description.native_unit_of_measurement
