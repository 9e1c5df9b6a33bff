"""What outlives a restart: last readings, due times, and what they are held against."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NotRequired, TypedDict, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..meters.reading import Memory, Reading
from ..meters.transformation import is_number
from ..protocol import IncompleteTelegramError, MBusError, Telegram, parse_telegram
from .notes import Notes, StoredNotes, StoredReading, moment_of

SAVE_DELAY = 60
STORAGE_VERSION = 1
STORAGE_MINOR_VERSION = 2

DECODED_SIZE = 100
"""Bytes of memory for each byte of a telegram: a record of 6 bytes on the line is about 600 as objects."""


class StoredMeter(TypedDict):
    """One meter: the frames of its last reading with their time, and when it is to be read again."""

    frames: NotRequired[list[str]]
    alarm: NotRequired[str]
    time: NotRequired[str]
    period: NotRequired[float | None]
    due: NotRequired[str]


class StoredData(StoredNotes):
    """The file: whether polling runs, meters by subentry id, and by binding id what their last reading was held against."""

    running: bool
    meters: dict[str, StoredMeter]
    memory: dict[str, Memory]


class _Store(Store[StoredData]):
    @override
    async def _async_migrate_func(
        self,
        old_major_version: int,
        old_minor_version: int,
        old_data: dict[str, Any],
    ) -> dict[str, Any]:
        """Keep of each step what it remembered before the last reading: it is evaluated anew.

        Before minor version 2 a step's memory held the states before and after the reading at its time. A newer minor
        version only holds more.
        """
        if old_minor_version >= STORAGE_MINOR_VERSION:
            return old_data
        times = {
            dt_util.as_timestamp(meter["time"])
            for meter in old_data["meters"].values()
            if "time" in meter
        }
        memory = {
            binding_id: {
                "steps": {
                    key: {
                        "origin": step["origin"],
                        "state": step["before" if step["time"] in times else "state"],
                    }
                    for key, step in steps.items()
                }
            }
            for binding_id, steps in old_data["memory"].items()
        }
        return {**old_data, "memory": memory}


class MBusStore:
    """Keeps a connection's readings; written within a minute of the first change that is not yet written, and at stop."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare the file of one config entry."""
        self._store = _Store(
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry_id}",
            # The other way of writing leaves a file behind with every attempt on a full disk.
            atomic_writes=True,
            minor_version=STORAGE_MINOR_VERSION,
        )
        self._data = StoredData(running=True, meters={}, memory={})
        self.notes = Notes(self._data, self._changed)
        self._is_written = True
        self.is_closed = False
        """Whether the file is the next run's."""
        self.size = 0
        """Bytes that the kept readings take."""

    async def async_load(self) -> None:
        """Read what the last run left; what can't be read stays as it is, and nothing is kept in this run."""
        try:
            if stored := await self._store.async_load():
                meters = {
                    meter_id: meter
                    for meter_id, meter in stored["meters"].items()
                    if isinstance(meter, dict)
                }
                self.size = sum(map(_size, meters.values()))
                memory = _sound_memory(stored.get("memory"))
                self._data = {
                    **self._data,
                    **stored,
                    "meters": meters,
                    "memory": memory,
                }
                if memory != stored.get("memory"):
                    LOGGER.warning(
                        "What steps and totals of %s remembered can't all be read: those begin anew",
                        self._store.path,
                    )
                self.notes = Notes(self._data, self._changed)
        except (
            HomeAssistantError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ) as err:
            self._store.make_read_only()
            LOGGER.error(
                "%s can't be read and is left as it is: %s. Readings are kept again when a release that reads it is"
                " installed, or when it is removed and the connection reloaded",
                self._store.path,
                err,
            )

    async def async_close(self) -> None:
        """Write now what is not yet written, and nothing any more: the file is the next run's."""
        self.is_closed = True
        await self.async_write()

    async def async_write(self) -> None:
        """Write now what is not yet written."""
        if not self._is_written:
            await self._store.async_save(self._take())

    @callback
    def async_write_soon(self) -> None:
        """Write all at once: with what was stored elsewhere meanwhile, what is in the file would say something else."""
        if not self.is_closed:
            self._is_written = False
            self._store.async_delay_save(self._take, 0)

    async def async_remove(self) -> None:
        """Delete the file with its entry."""
        await self._store.async_remove()

    @property
    def running(self) -> bool:
        """Whether the connection is to poll."""
        return self._data["running"]

    @callback
    def keep_running(self, running: bool) -> None:
        """Remember whether the connection is to poll."""
        self._data["running"] = running
        self._changed()

    def reading(self, meter_id: str, usual: timedelta | None = None) -> Reading | None:
        """Return the last reading of a meter, decoded anew, or None where there is none that can be read.

        `usual` is its period where none was kept with it.
        """
        stored = self._data["meters"].get(meter_id, {})
        try:
            reading = stored_reading(stored)
            alarm = _decode(stored["alarm"]) if "alarm" in stored else None
            if "period" in stored:
                kept = stored["period"]
                usual = None if kept is None else timedelta(seconds=kept)
        except KeyError:
            return None
        except (MBusError, OverflowError, TypeError, ValueError) as err:
            LOGGER.warning("The kept reading of meter %s is dropped: %s", meter_id, err)
            return None
        return replace(reading, period=usual, alarm=alarm)

    def due(self, meter_id: str) -> datetime | None:
        """Return when a meter is to be read next."""
        return moment_of(self._data["meters"].get(meter_id, {}).get("due"))

    def memory(self, binding_id: str) -> Memory:
        """Return what a binding's last reading was held against."""
        return self._data["memory"].get(binding_id, {})

    @callback
    def keep_reading(
        self, meter_id: str, reading: Reading, memory: Mapping[str, Memory]
    ) -> None:
        """Remember a meter's reading, and what its bindings held it against."""
        stored = self._data["meters"].setdefault(meter_id, {})
        self.size -= _size(stored)
        kept = as_stored(reading)
        stored["frames"], stored["time"] = kept["frames"], kept["time"]
        period = reading.period
        stored["period"] = None if period is None else period.total_seconds()
        stored.pop("alarm", None)
        if reading.alarm is not None:
            stored["alarm"] = reading.alarm.frame.hex()
        self.size += _size(stored)
        self.keep_memory(memory)

    @callback
    def keep_memory(self, memory: Mapping[str, Memory]) -> None:
        """Remember what the kept reading of bindings is held against, if anything."""
        for binding_id, kept in memory.items():
            if kept:
                self._data["memory"][binding_id] = kept
            else:
                self._data["memory"].pop(binding_id, None)
        self._changed()

    @callback
    def keep_due(self, meter_id: str, due: datetime) -> None:
        """Remember when a meter is to be read next."""
        self._data["meters"].setdefault(meter_id, {})["due"] = due.isoformat()
        self._changed()

    @callback
    def forget_meter(self, meter_id: str) -> None:
        """Drop what was kept of a meter that was removed or exchanged."""
        if stored := self._data["meters"].pop(meter_id, None):
            self.size -= _size(stored)
            self._changed()

    @callback
    def keep_only(
        self, meter_ids: Collection[str], binding_ids: Collection[str]
    ) -> None:
        """Drop what was kept of all other meters and bindings."""
        for meter_id in self._data["meters"].keys() - meter_ids:
            self.forget_meter(meter_id)
            self.notes.forget_meter(meter_id)
        for binding_id in self._data["memory"].keys() - binding_ids:
            self.keep_memory({binding_id: {}})
            self.notes.forget_import(binding_id)

    @callback
    def _changed(self) -> None:
        # A second call would put off the write that the first asked for.
        if self._is_written and not self.is_closed:
            self._is_written = False
            self._store.async_delay_save(self._take, SAVE_DELAY)

    @callback
    def _take(self) -> StoredData:
        self._is_written = True
        return self._data


def _sound_memory(stored: Any) -> dict[str, Memory]:
    """Return what bindings remember, without what hasn't the shape that it is read in."""
    checks = {"total": _is_numeral, "steps": _is_step}
    return {
        binding_id: {
            part: {k: v for k, v in _dict(held).items() if checks[part](v)}
            if part in checks
            else held
            for part, held in _dict(kept).items()
        }
        for binding_id, kept in _dict(stored).items()
    }


def _dict(stored: Any) -> dict[str, Any]:
    return stored if isinstance(stored, dict) else {}


def _is_step(stored: Any) -> bool:
    step = _dict(stored)
    state = step.get("state")
    if not isinstance(state, dict) or not isinstance(step.get("origin"), str):
        return False
    period = state.get("period")
    return (
        all(is_number(state[key]) for key in ("time", "total") if key in state)
        and (period is None or is_number(period))
        and ("value" in state or state.keys().isdisjoint({"time", "total"}))
        and _is_numeral(state.get("value", "0"))
    )


def _is_numeral(stored: Any) -> bool:
    """Return whether what is kept is a number, or one as text."""
    try:
        return is_number(Decimal(stored) if isinstance(stored, str) else stored)
    except ArithmeticError:
        return False


def as_stored(reading: Reading) -> StoredReading:
    """Return the frames and the time of a reading as they are kept."""
    frames = [telegram.frame.hex() for telegram in reading.telegrams]
    return StoredReading(frames=frames, time=reading.time.isoformat())


def stored_reading(stored: StoredMeter | StoredReading) -> Reading:
    """Return a reading that was kept, decoded anew.

    Raises KeyError where there is none, MBusError, TypeError or ValueError for one that can't be read.
    """
    if (time := moment_of(stored["time"])) is None:
        raise ValueError(f"{stored['time']!r} is no time")
    telegrams = tuple(_decode(frame) for frame in stored["frames"])
    return Reading(telegrams=telegrams, time=time)


def _size(stored: StoredMeter) -> int:
    frames = stored.get("frames")
    if not isinstance(frames, list):
        return 0
    return DECODED_SIZE * sum(len(one) // 2 for one in frames if isinstance(one, str))


def _decode(frame: str) -> Telegram:
    try:
        return parse_telegram(bytes.fromhex(frame))
    except IncompleteTelegramError as err:
        return err.telegram
