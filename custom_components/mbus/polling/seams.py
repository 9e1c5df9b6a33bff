"""Where an exchanged meter goes on from another total: what the statistics would count there, and how it is taken out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isclose
from typing import Any, Final

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.const import (
    EVENT_RECORDER_5MIN_STATISTICS_GENERATED,
)
from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..presentation.display import Display
from .notes import Notes
from .statistics import (
    async_last_rows,
    async_last_state,
    is_recorded,
    sensor_of,
    to_unit,
    window_of,
)

_RESET: Final = 0.9
"""Home Assistant takes a rising total below this part of the last one for one that began at zero again."""
_ROWS: Final = 288
_COUNTED: Final = (SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """What the statistics of a binding's sensor would count for the exchange alone.

    `before` is what it showed last of the old meter, in the unit that it is shown in, as the difference is.
    """

    binding_id: str
    before: float
    difference: float
    unit: str


async def async_seams(
    hass: HomeAssistant,
    displays: Mapping[str, Display],
    old: Mapping[str, float],
    new: Mapping[str, float],
) -> list[Seam]:
    """Return what would be counted if what an exchanged meter shows followed on what is shown of the old one."""
    seams: list[Seam] = []
    for binding_id, after in new.items():
        display = displays[binding_id]
        entity_id = sensor_of(hass, binding_id)
        if not entity_id or not is_recorded(hass, entity_id):
            continue
        if display.description.state_class not in _COUNTED:
            continue
        native = display.description.native_unit_of_measurement
        state = hass.states.get(entity_id)
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else native
        if unit is None or (convert := to_unit(display, unit)) is None:
            continue
        before = await async_last_state(hass, entity_id)
        if before is None:
            continue  # There is nothing that the new meter could follow on.
        if binding_id in old:
            before = convert(old[binding_id])
        difference = _counted(display.description.state_class, before, convert(after))
        if difference:
            seams.append(
                Seam(
                    binding_id=binding_id,
                    before=before,
                    difference=round(difference, 9),
                    unit=unit,
                )
            )
    return seams


def _counted(
    state_class: SensorStateClass | str | None, before: float, after: float
) -> float:
    """Return what Home Assistant counts from one state to the next."""
    if state_class == SensorStateClass.TOTAL:
        return after - before
    return after - before if after >= _RESET * before else after


class Seams:
    """Takes the differences out of the statistics once Home Assistant has counted them, over restarts too."""

    def __init__(self, hass: HomeAssistant, notes: Notes) -> None:
        """Go on with what the last run left."""
        self._hass = hass
        self._notes = notes
        self._stop: CALLBACK_TYPE | None = None
        self._async_watch()

    @callback
    def async_take_out(self, seams: Sequence[Seam], unseen: Collection[str]) -> None:
        """Undo what is counted from now on for the exchange of a meter.

        Of the bindings `unseen` it has shown nothing since it took another one's place: that was no exchange.
        """
        now = dt_util.utcnow().isoformat()
        self._notes.keep_seams(
            [
                *(one for one in self._notes.seams if one["binding_id"] not in unseen),
                *(asdict(seam) | {"since": now} for seam in seams),
            ]
        )
        self._async_watch()

    @callback
    def async_stop(self) -> None:
        """Leave the rest to the next run."""
        if self._stop:
            self._stop()
            self._stop = None

    @callback
    def _async_watch(self) -> None:
        if self._notes.seams and self._stop is None:
            self._stop = self._hass.bus.async_listen(
                EVENT_RECORDER_5MIN_STATISTICS_GENERATED, self._async_compiled
            )

    async def _async_compiled(self, event: Event[Any]) -> None:
        """Take out what has been counted by now."""
        counted_by: dict[str, float] = {}
        # The last one first: where that is counted, so are those before, though the same meter may be back.
        for seam in reversed(self._notes.seams):
            if (entity_id := sensor_of(self._hass, seam["binding_id"])) is None:
                self._drop(seam)
                continue
            since = window_of(datetime.fromisoformat(seam["since"])).timestamp()
            counted = [
                row["start"]
                for row in await async_last_rows(self._hass, entity_id, _ROWS)
                if row["start"] >= since
                and not isclose(row["state"] or 0.0, seam["before"], rel_tol=1e-9)
            ]
            if entity_id in counted_by:
                counted.append(counted_by[entity_id])
            if counted and self._drop(seam):
                counted_by[entity_id] = min(counted)
                get_instance(self._hass).async_adjust_statistics(
                    entity_id,
                    dt_util.utc_from_timestamp(min(counted)),
                    -seam["difference"],
                    seam["unit"],
                )
        if not self._notes.seams:
            self.async_stop()

    def _drop(self, seam: dict[str, Any]) -> bool:
        """Forget a seam; say whether it was still there: never is one taken out twice."""
        left = [one for one in self._notes.seams if one != seam]
        is_there = len(left) < len(self._notes.seams)
        self._notes.keep_seams(left)
        return is_there
