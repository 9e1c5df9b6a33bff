"""Where an exchanged meter goes on from another total: what the statistics would count there, and how it is taken out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isclose
from typing import Any, Final

from homeassistant.components.recorder import get_instance
from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..meters.reading import Result
from ..meters.transformation import is_number
from ..presentation.described import Described
from .notes import StoredSeam
from .statistics import (
    as_shown_now,
    async_last_rows,
    async_last_state,
    is_recorded,
    sensor_of,
    to_unit,
    window_of,
)
from .statistics_watch import StatisticsWatch
from .store import MBusStore

_RESET: Final = 0.9
"""Home Assistant takes a rising total below this part of the last one for one that began at zero again."""
_ROWS: Final = 288
_COUNTED: Final = (SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """What the statistics of a binding's sensor would count for the exchange alone.

    `before` is what it showed last of the old meter, in the unit that it is shown in, as the difference is: None where the
    new one has no value yet.
    """

    binding_id: str
    before: float
    difference: float | None
    unit: str


async def async_seams(
    hass: HomeAssistant,
    described: Mapping[str, Described],
    old: Mapping[str, float],
    new: Mapping[str, float | None],
) -> list[Seam]:
    """Return what would be counted if what an exchanged meter shows followed on what is shown of the old one.

    What it doesn't show yet, None, follows as well once it does.
    """
    seams: list[Seam] = []
    for binding_id, after in new.items():
        display = described[binding_id].display
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
        state_class = display.description.state_class
        difference = (
            None if after is None else _counted(state_class, before, convert(after))
        )
        if difference != 0:
            seams.append(
                Seam(
                    binding_id=binding_id,
                    before=before,
                    difference=difference,
                    unit=unit,
                )
            )
    return seams


def _counted(
    state_class: SensorStateClass | str | None, before: float, after: float
) -> float:
    """Return what Home Assistant counts from one state to the next."""
    if state_class == SensorStateClass.TOTAL or after >= _RESET * before:
        return round(after - before, 9)
    return round(after, 9)


class Seams:
    """Takes the differences out of the statistics once Home Assistant has counted them, over restarts too.

    What is being taken out is noted before: so at the next start it is seen whether that was done.
    """

    def __init__(self, hass: HomeAssistant, store: MBusStore) -> None:
        """Go on with what the last run left."""
        self._hass = hass
        self._store = store
        self.watch = StatisticsWatch(hass, self._async_go_on)
        if store.notes.seams:
            self.watch.async_start()

    @callback
    def async_take_out(self, seams: Sequence[Seam], unseen: Collection[str]) -> None:
        """Undo what is counted from now on for the exchange of a meter.

        Of the bindings `unseen` it has shown nothing since it took another one's place: that was no exchange.
        """
        notes, now = self._store.notes, dt_util.utcnow().isoformat()
        notes.keep_seams(
            [
                *(one for one in notes.seams if one["binding_id"] not in unseen),
                *(
                    StoredSeam(
                        binding_id=seam.binding_id,
                        before=seam.before,
                        difference=seam.difference,
                        unit=seam.unit,
                        since=now,
                    )
                    for seam in seams
                ),
            ]
        )
        self._store.async_write_soon()
        self.watch.async_start()

    @callback
    def async_note_shown(
        self, described: Mapping[str, Described], results: Mapping[str, Result]
    ) -> None:
        """Note what is counted for an exchange where the new meter shows something for the first time."""
        for seam in self._store.notes.seams:
            binding_id = seam["binding_id"]
            if seam["difference"] is not None or binding_id not in results:
                continue
            shown, display = results[binding_id].shown, described[binding_id].display
            if not is_number(shown):
                continue
            state_class = display.description.state_class
            convert = to_unit(display, seam["unit"])
            difference = (
                _counted(state_class, seam["before"], convert(float(shown)))
                if convert and state_class in _COUNTED
                else 0
            )
            self._replace(
                seam, {**seam, "difference": difference} if difference else None
            )
            self._store.async_write_soon()

    async def _async_go_on(self) -> bool:
        """Take out what has been counted by now; say whether something is left."""
        counted: dict[str, float] = {}
        # The last one first: where that is counted, so are those before, though the same meter may be back.
        for seam in reversed(self._store.notes.seams):
            if (entity_id := sensor_of(self._hass, seam["binding_id"])) is None:
                self._replace(seam)
                continue
            if seam["difference"] is None:
                continue
            rows = await async_last_rows(self._hass, entity_id, _ROWS)
            sums = {row["start"]: row["sum"] or 0.0 for row in rows}
            before = as_shown_now(self._hass, entity_id, seam["before"], seam["unit"])
            start = _counted_at(seam, before, rows, counted.get(entity_id))
            if start is None:
                continue
            counted[entity_id] = start
            if start in sums:
                await self._async_adjust(
                    seam, seam["difference"], entity_id, start, sums[start]
                )
            else:
                self._replace(seam)
        return bool(self._store.notes.seams)

    async def _async_adjust(
        self,
        seam: StoredSeam,
        difference: float,
        entity_id: str,
        start: float,
        present: float,
    ) -> None:
        """Take a seam out of the rows from there on, unless the last run did that already."""
        begun: StoredSeam = {"start": start, "sum": present, **seam}
        taken = begun["sum"] - present
        if abs(taken - difference) >= abs(taken):
            if not self._replace(seam, begun):
                return
            await self._store.async_write()
            if self._store.is_closed:
                return  # The next run goes on from what is noted.
            recorder = get_instance(self._hass)
            recorder.async_adjust_statistics(
                entity_id,
                dt_util.utc_from_timestamp(start),
                -difference,
                seam["unit"],
            )
            await recorder.async_block_till_done()
            seam = begun
        self._replace(seam)

    def _replace(self, seam: StoredSeam, by: StoredSeam | None = None) -> bool:
        """Note another one in the place of a seam, or none; say whether it was still there."""
        notes = self._store.notes
        if seam not in notes.seams:
            return False
        notes.keep_seams(
            [one for old in notes.seams if (one := by if old == seam else old)]
        )
        return True


def _counted_at(
    seam: StoredSeam,
    before: float,
    rows: Iterable[Mapping[str, Any]],
    next_at: float | None,
) -> float | None:
    """Return when the five minutes began in which a seam was counted, None if not yet; `next_at`: the one after it.

    `before` is what was shown before it, in the unit of the rows.
    """
    if "start" in seam:
        return seam["start"]
    since = window_of(datetime.fromisoformat(seam["since"])).timestamp()
    starts: list[float] = [
        row["start"]
        for row in rows
        if row["start"] >= since
        and not isclose(row["state"] or 0.0, before, rel_tol=1e-9)
    ]
    return min(starts if next_at is None else [*starts, next_at], default=None)
