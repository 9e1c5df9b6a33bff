"""A meter that takes another one's place: what the statistics would count for that alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from ..meters.memory import memory_of_another_meter
from ..meters.meter import Meter, bindings_from, stored_bindings
from ..meters.reading import Reading, Result
from ..meters.reinterpretation import is_of_kind, taken_over
from ..meters.transformation import is_number
from ..presentation.amounts import amount_text
from ..presentation.described import describe, evaluate_described
from ..presentation.naming import binding_name
from ..presentation.texts import cached_texts
from ..profiles.catalogue import AUTOMATIC, NO_PROFILE, cached_catalogue
from ..protocol import Readout
from .coordinator import MeterCoordinator
from .seams import Seam, async_seams


async def async_seams_of_exchange(
    coordinator: MeterCoordinator,
    readout: Readout,
    bindings: Sequence[Mapping[str, Any]],
) -> list[Seam]:
    """Return what would be counted if what was just read followed on the values there are.

    `bindings` are the meter's as they are stored with the one that was read.
    """
    reading = Reading(
        telegrams=readout.telegrams, time=dt_util.utcnow(), period=coordinator.period
    )
    meter = replace(coordinator.meter, bindings=bindings_from(bindings))
    described = describe(meter, coordinator.described)
    evaluation = evaluate_described(
        described,
        reading,
        replace(meter, bindings={key: one.binding for key, one in described.items()}),
        memory_of_another_meter(coordinator.data.memory),
        hass=coordinator.hass,
    )
    new = shown_numbers(coordinator, evaluation.results)
    return await async_seams(
        coordinator.hass,
        described,
        shown_numbers(coordinator, coordinator.data.results),
        {
            binding.id: new.get(binding.id)
            for binding in coordinator.enabled_bindings
            if binding.id in described
        },
    )


def choice_after_exchange(meter: Meter, readout: Readout) -> str:
    """Return which profile is chosen when another meter takes this one's place: one that was chosen was for its kind."""
    if is_of_kind(meter, readout.telegrams[0].header) or meter.profile == NO_PROFILE:
        return meter.profile
    return AUTOMATIC


def bindings_after_exchange(
    coordinator: MeterCoordinator, readout: Readout, choice: str
) -> list[dict[str, Any]]:
    """Return the bindings that are stored for the meter that was read if it takes this one's place."""
    subentry = coordinator.config_entry.subentries[coordinator.meter.id]
    return taken_over(
        stored_bindings(subentry.data),
        coordinator.meter,
        readout.telegrams,
        cached_catalogue(coordinator.hass),
        choice,
    )


@callback
def async_take_out(coordinator: MeterCoordinator, seams: Sequence[Seam]) -> None:
    """Take out of the statistics what they count for the exchange of the meter that was read last.

    Called before the new meter is stored: with that, nothing of the old one is shown any more.
    """
    shown = shown_numbers(coordinator, coordinator.data.results)
    unseen = coordinator.meter.bindings.keys() - shown.keys()
    coordinator.config_entry.runtime_data.seams.async_take_out(seams, unseen)


def shown_numbers(
    coordinator: MeterCoordinator, results: Mapping[str, Result]
) -> dict[str, float]:
    """Return the numbers that the enabled sensors of a meter show of a reading, by their bindings' ids."""
    return {
        binding.id: float(shown)
        for binding in coordinator.enabled_bindings
        if binding.id in results and is_number(shown := results[binding.id].shown)
    }


def seams_text(coordinator: MeterCoordinator, seams: Iterable[Seam]) -> str:
    """Return a list of the seams that are known, by the names of their bindings."""
    bindings, texts = coordinator.meter.bindings, cached_texts(coordinator.hass)
    return "\n".join(
        f"- {binding_name(bindings[seam.binding_id], texts)}: {amount_text(seam.difference, seam.unit, texts)}"
        for seam in seams
        if seam.difference is not None
    )
