"""A meter that takes another one's place: what the statistics would count for that alone."""

from collections.abc import Iterable

from homeassistant.util import dt as dt_util

from ..meters.evaluation import evaluate
from ..meters.reading import Reading
from ..presentation.naming import binding_name
from ..presentation.texts import cached_texts
from ..protocol import Readout
from .coordinator import MeterCoordinator
from .seams import Seam, async_seams


async def async_seams_of_exchange(
    coordinator: MeterCoordinator, readout: Readout
) -> list[Seam]:
    """Return what would be counted if what was just read followed on the values there are."""
    evaluation = evaluate(
        Reading(telegrams=readout.telegrams, time=dt_util.utcnow()),
        coordinator.meter,
        coordinator.guards,
        {},
        period=coordinator.period,
        hass=coordinator.hass,
    )
    return await async_seams(
        coordinator.hass,
        coordinator.displays,
        coordinator.data.results,
        evaluation.results,
    )


def seams_text(coordinator: MeterCoordinator, seams: Iterable[Seam]) -> str:
    """Return a list of the seams, by the names of their bindings."""
    bindings, texts = coordinator.meter.bindings, cached_texts(coordinator.hass)
    return "\n".join(
        f"- {binding_name(bindings[seam.binding_id], texts)}: {seam.difference:n} {seam.unit}"
        for seam in seams
    )
