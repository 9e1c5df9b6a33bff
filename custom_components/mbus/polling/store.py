"""What outlives a restart: last readings, due times, and what they are held against."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..meters.reading import Memory, Reading
from ..protocol import IncompleteTelegramError, MBusError, Telegram, parse_telegram
from .notes import Notes, StoredNotes, StoredReading

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
        self._is_closed = False
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
                self._data = {**self._data, **stored, "meters": meters}
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
        self._is_closed = True
        await self.async_write()

    async def async_write(self) -> None:
        """Write now what is not yet written."""
        if not self._is_written:
            await self._store.async_save(self._take())

    @callback
    def async_write_soon(self) -> None:
        """Write all at once: with what was stored elsewhere meanwhile, what is in the file would say something else."""
        if not self._is_closed:
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

    def reading(self, meter_id: str) -> Reading | None:
        """Return the last reading of a meter, decoded anew, or None where there is none that can be read."""
        stored = self._data["meters"].get(meter_id, {})
        try:
            reading = stored_reading(stored)
            alarm = _decode(stored["alarm"]) if "alarm" in stored else None
        except KeyError:
            return None
        except (MBusError, TypeError, ValueError) as err:
            LOGGER.warning("The kept reading of meter %s is dropped: %s", meter_id, err)
            return None
        return replace(reading, alarm=alarm) if reading else None

    def due(self, meter_id: str) -> datetime | None:
        """Return when a meter is to be read next."""
        due = self._data["meters"].get(meter_id, {}).get("due")
        moment = dt_util.parse_datetime(due) if isinstance(due, str) else None
        return moment if moment and moment.tzinfo else None

    def memory(self, binding_id: str) -> Memory:
        """Return what a binding's last reading was held against."""
        memory = self._data["memory"].get(binding_id, {})
        return memory if _is_memory(memory) else {}

    @callback
    def keep_reading(
        self, meter_id: str, reading: Reading, memory: Mapping[str, Memory]
    ) -> None:
        """Remember a meter's reading, and what its bindings held it against."""
        stored = self._data["meters"].setdefault(meter_id, {})
        self.size -= _size(stored)
        kept = as_stored(reading)
        stored["frames"], stored["time"] = kept["frames"], kept["time"]
        stored.pop("alarm", None)
        if reading.alarm is not None:
            stored["alarm"] = reading.alarm.frame.hex()
        self.size += _size(stored)
        self.keep_memory(memory)

    @callback
    def keep_memory(self, memory: Mapping[str, Memory]) -> None:
        """Remember what the kept reading of bindings is held against."""
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
    def forget_memory(self, binding_id: str) -> None:
        """Drop what a binding that is gone remembered."""
        if self._data["memory"].pop(binding_id, None):
            self._changed()

    @callback
    def _changed(self) -> None:
        # A second call would put off the write that the first asked for.
        if self._is_written and not self._is_closed:
            self._is_written = False
            self._store.async_delay_save(self._take, SAVE_DELAY)

    @callback
    def _take(self) -> StoredData:
        self._is_written = True
        return self._data


def _is_memory(memory: Any) -> bool:
    """Return whether what is kept of a binding has the shape that it is read in."""
    try:
        return all(
            isinstance(step["origin"], str) and isinstance(step["state"], dict)
            for step in memory.get("steps", {}).values()
        ) and all(
            Decimal(total).is_finite() for total in memory.get("total", {}).values()
        )
    except ArithmeticError, AttributeError, LookupError, TypeError, ValueError:
        return False


def as_stored(reading: Reading) -> StoredReading:
    """Return the frames and the time of a reading as they are kept."""
    frames = [telegram.frame.hex() for telegram in reading.telegrams]
    return StoredReading(frames=frames, time=reading.time.isoformat())


def stored_reading(stored: StoredMeter | StoredReading) -> Reading | None:
    """Return a reading that was kept, decoded anew; None for one whose time has no zone.

    Raises KeyError where there is none, MBusError, TypeError or ValueError for one that can't be read.
    """
    time = dt_util.parse_datetime(stored["time"], raise_on_error=True)
    telegrams = tuple(_decode(frame) for frame in stored["frames"])
    return Reading(telegrams=telegrams, time=time) if time.tzinfo else None


def _size(stored: StoredMeter) -> int:
    frames = filter(lambda frame: isinstance(frame, str), stored.get("frames") or ())
    return DECODED_SIZE * sum(len(frame) // 2 for frame in frames)


def _decode(frame: str) -> Telegram:
    try:
        return parse_telegram(bytes.fromhex(frame))
    except IncompleteTelegramError as err:
        return err.telegram
