"""Who is read when: the one place that counts time for the meters of a connection."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from ..meters.meter import Meter
from ..protocol import LinkError, MBusError, Readout
from .connection import Connection, ConnectionStoppedError
from .store import MBusStore

ALL_TELEGRAMS = 255
"""As the last wanted one: as many as the meter has."""

RETRY = (1, 2, 5, 10, 30, 60)
"""Seconds before a lost link is tried again, by how often it failed."""

_SOON = timedelta(seconds=1)
"""A meter that is added is read when all its entities are there."""
_LIVELY_POLLS = 3
"""A meter that answered within so many polls gets all its attempts, a dead one `_ATTEMPTS_OF_THE_DEAD`."""
_ATTEMPTS_OF_THE_DEAD = 2


class Customer(Protocol):
    """Who takes what a meter says: its coordinator."""

    meter: Meter

    @property
    def period(self) -> timedelta | None:
        """How often the meter is read; None: only when asked to."""

    @property
    def was_read(self) -> bool:
        """Whether there is a reading of the meter."""

    @property
    def last_wanted_telegram(self) -> int | None:
        """The number of the last telegram in which a record is wanted; None: nothing is."""

    @callback
    def async_take(self, readout: Readout) -> bool:
        """Publish a readout; say whether the meter is to be read once more at once."""

    @callback
    def async_fail(self, error: MBusError) -> None:
        """Publish that the meter can't be read."""


@dataclass(eq=False, kw_only=True, slots=True)
class _Request:
    """One reading: it answers all who asked before it began."""

    is_urgent: bool = False
    has_begun: bool = False
    reads_all: bool = False
    task: asyncio.Task[None] | None = None


@dataclass(eq=False, kw_only=True, slots=True)
class _Slot:
    """A meter's place in the schedule.

    `due` is when it is to be read; None: not by itself. `silent_polls` counts since its last answer, `outage` is the
    number of the one that it was told of, `duration` and `load` are those of its last readout.
    """

    customer: Customer
    due: datetime | None = None
    is_wanted: bool = False
    is_read_again: bool = False
    silent_polls: int = 0
    outage: int = 0
    duration: float = 0.0
    load: float = 0.0
    request: _Request | None = None

    @property
    def attempts(self) -> int | None:
        """How often a poll asks; None: as often as is set."""
        return None if self.silent_polls < _LIVELY_POLLS else _ATTEMPTS_OF_THE_DEAD


@dataclass(kw_only=True, slots=True)
class _Outage:
    """Whether the link is lost, for the how manieth time, and when it is tried again."""

    error: LinkError | None = None
    number: int = 0
    retry_at: datetime = field(default_factory=dt_util.utcnow)
    _retries: int = 0

    def failed(self, error: LinkError) -> None:
        """Note that a reading failed for want of the link."""
        self.number += self.error is None
        self.error = error
        delay = RETRY[min(self._retries, len(RETRY) - 1)]
        self._retries += 1
        self.retry_at = dt_util.utcnow() + timedelta(seconds=delay)

    def is_over(self) -> None:
        """Note that something came over the link."""
        self.error, self._retries = None, 0


class Schedule:
    """Reads each meter of a connection once per period, and those that a person waits for before the others.

    A poll that put nothing on the wire was no poll: it moves no due time, and when the link is back, what is overdue is
    read. `poll_duration` is how long reading every meter once takes in seconds, `bus_load` the share of time that
    polling takes.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        connection: Connection,
        store: MBusStore,
        *,
        on_reading: Callable[[], None],
    ) -> None:
        """Plan nothing yet. `on_reading` is called after each readout."""
        self.poll_duration = 0.0
        self.bus_load = 0.0
        self._hass = hass
        self._entry = entry
        self._connection = connection
        self._store = store
        self._on_reading = on_reading
        self._slots: dict[str, _Slot] = {}
        self._is_running = False
        self._polling: asyncio.Task[None] | None = None
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._outage = _Outage()

    @callback
    def async_add(self, customer: Customer) -> None:
        """Take in a meter; it is due when the last run left it, at once where that is not known."""
        slot = self._slots[customer.meter.id] = _Slot(customer=customer)
        now = dt_util.utcnow()
        if period := customer.period:
            slot.due = min(self._store.due(customer.meter.id) or now, now + period)
        elif not customer.was_read:
            slot.due = now
        if slot.due and self._is_running:
            slot.due = max(slot.due, now + _SOON)

    @callback
    def async_remove(self, meter_id: str) -> None:
        """Read a meter no more."""
        self._note_duration(self._slots.pop(meter_id), 0.0)
        self._async_arm()

    @callback
    def async_want(self, meter_id: str) -> None:
        """Note that records of a meter are wanted: one that nobody wants anything of is not read."""
        slot = self._slots[meter_id]
        if not slot.is_wanted:
            slot.is_wanted = True
            self._async_arm()

    @callback
    def async_set_due(self, meter_id: str, due: datetime | None) -> None:
        """Read a meter at another time than planned; None: not by itself."""
        self._slots[meter_id].due = due
        if due:
            self._store.keep_due(meter_id, due)
        self._async_arm()

    def is_overdue(self, meter_id: str) -> bool:
        """Return whether a meter is to be read by itself now."""
        due = self._slots[meter_id].due
        return due is not None and due <= dt_util.utcnow()

    @callback
    def async_start(self) -> None:
        """Read what is due from now on."""
        self._is_running = True
        self._async_arm()

    @callback
    def async_stop(self) -> None:
        """Begin nothing any more by itself."""
        self._is_running = False
        self._async_arm()

    async def async_wait(self) -> None:
        """Wait for all that has begun to end."""
        requests = [slot.request for slot in self._slots.values()]
        tasks = [request.task for request in requests if request and request.task]
        if self._polling:
            tasks.append(self._polling)
        if tasks:
            await asyncio.wait(tasks)

    async def async_read(self, meter_id: str) -> None:
        """Read all telegrams of a meter before any timer's turn; what came of it, its customer has then."""
        slot = self._slots[meter_id]
        request = slot.request
        if request is None or (request.has_begun and not request.reads_all):
            request = self._async_request(slot)
        request.is_urgent = True
        assert request.task
        await asyncio.shield(request.task)

    @callback
    def _async_request(self, slot: _Slot) -> _Request:
        slot.request = request = _Request()
        request.task = self._hass.async_create_background_task(
            self._async_perform(slot, request),
            f"M-Bus reading of {slot.customer.meter.title}",
            eager_start=False,
        )
        return request

    async def _async_perform(self, slot: _Slot, request: _Request) -> None:
        """Read a meter when the line is free, and hand on what came of it."""
        customer, began_at, is_asked = slot.customer, dt_util.utcnow(), False
        try:
            async with self._connection.turn(urgent=lambda: request.is_urgent) as bus:
                request.has_begun = True
                wanted = customer.last_wanted_telegram
                if wanted is None and not request.is_urgent:
                    slot.is_wanted = False
                    return
                request.reads_all = request.is_urgent or wanted == ALL_TELEGRAMS
                began_at, requests = dt_util.utcnow(), bus.statistics.requests
                started = monotonic()
                try:
                    readout = await self._connection.read(
                        bus,
                        customer.meter,
                        last_telegram=None if request.reads_all else wanted,
                        attempts=None if request.is_urgent else slot.attempts,
                    )
                finally:
                    is_asked = bus.statistics.requests > requests
                    self._note_duration(slot, monotonic() - started)
        except MBusError as err:
            if self._is_planned(slot):
                self._note_failure(slot, err, began_at if is_asked else None)
                customer.async_fail(err)
        else:
            if self._is_planned(slot):
                slot.silent_polls = 0
                self._outage.is_over()
                self._plan_next(slot, began_at)
                # Either a meter was set back or a reply was wrong: the second reading tells.
                slot.is_read_again = (
                    customer.async_take(readout) and not slot.is_read_again
                )
                if slot.is_read_again and slot.due:
                    slot.due = dt_util.utcnow()
        finally:
            if slot.request is request:
                slot.request = None
            self._on_reading()
            self._async_arm()

    def _is_planned(self, slot: _Slot) -> bool:
        """Return whether a meter was not removed meanwhile."""
        return self._slots.get(slot.customer.meter.id) is slot

    def _note_failure(
        self, slot: _Slot, error: MBusError, polled_at: datetime | None
    ) -> None:
        if isinstance(error, LinkError):
            self._outage.failed(error)
            slot.outage = self._outage.number
        elif polled_at and not isinstance(error, ConnectionStoppedError):
            slot.silent_polls += 1
            self._outage.is_over()
            self._plan_next(slot, polled_at)

    def _plan_next(self, slot: _Slot, polled_at: datetime) -> None:
        period = slot.customer.period
        slot.due = polled_at + period if period else None
        if slot.due:
            self._store.keep_due(slot.customer.meter.id, slot.due)

    def _note_duration(self, slot: _Slot, duration: float) -> None:
        period = slot.customer.period
        load = duration / period.total_seconds() if period else 0.0
        self.poll_duration += duration - slot.duration
        self.bus_load += load - slot.load
        slot.duration, slot.load = duration, load

    def _next(self) -> tuple[datetime, _Slot] | None:
        """Return which meter comes next, and when."""
        if (
            not self._is_running
            or self._connection.stopped
            or self._entry.pref_disable_polling
        ):
            return None
        times = [
            (self._time_of(slot, slot.due), slot)
            for slot in self._slots.values()
            if slot.due and slot.is_wanted and slot.request is None
        ]
        return min(times, key=lambda time: time[0], default=None)

    def _time_of(self, slot: _Slot, due: datetime) -> datetime:
        """Return when a meter is turned to: in an outage once at its time, to be told, and then to try the link again."""
        if self._outage.error and slot.outage == self._outage.number:
            return max(due, self._outage.retry_at)
        return due

    @callback
    def _async_arm(self) -> None:
        """Set the timer for what comes next."""
        if self._cancel_timer:
            self._cancel_timer()
            self._cancel_timer = None
        if self._polling is None and (following := self._next()):
            self._cancel_timer = async_track_point_in_utc_time(
                self._hass, self._async_begin, following[0]
            )

    @callback
    def _async_begin(self, now: datetime) -> None:
        self._cancel_timer = None
        self._polling = self._hass.async_create_background_task(
            self._async_poll(), f"M-Bus polling of {self._entry.title}"
        )

    async def _async_poll(self) -> None:
        """Turn to one meter after the other while any is due."""
        try:
            while (following := self._next()) and following[0] <= dt_util.utcnow():
                slot = following[1]
                if self._outage.error and slot.outage != self._outage.number:
                    slot.outage = self._outage.number
                    slot.customer.async_fail(self._outage.error)
                    await asyncio.sleep(0)
                    continue
                request = self._async_request(slot)
                assert request.task
                await asyncio.wait([request.task])
        finally:
            self._polling = None
            self._async_arm()
