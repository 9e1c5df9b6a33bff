"""A meter that takes another one's place: what the statistics would count for that alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from ..const import CONF_BINDINGS, CONF_HAS_BATTERY, CONF_SHORTEST_PERIOD
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


def settings_after_exchange(
    coordinator: MeterCoordinator,
    stored: Mapping[str, Any],
    readout: Readout,
    choice: str,
) -> dict[str, Any]:
    """Return what changes of what is stored of a meter, beside who it is, if the one that was read takes its place.

    That is its bindings and, for a meter of another kind, how often its battery lets it be read. `choice` is its profile.
    """
    meter, telegrams = coordinator.meter, readout.telegrams
    catalogue = cached_catalogue(coordinator.hass)
    bindings = taken_over(stored_bindings(stored), meter, telegrams, catalogue, choice)
    if is_of_kind(meter, telegrams[0].header):
        return {CONF_BINDINGS: bindings}
    profile = catalogue.profile_for(telegrams, choice)
    shortest_period = profile.shortest_period if profile else None
    return {
        CONF_BINDINGS: bindings,
        CONF_SHORTEST_PERIOD: shortest_period,
        CONF_HAS_BATTERY: bool(shortest_period),
    }


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
