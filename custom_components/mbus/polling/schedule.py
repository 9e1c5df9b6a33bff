"""Who is read when: the one place that counts time for the meters of a connection."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from ..meters.meter import Meter
from ..protocol import LinkError, MBusError, Readout
from .connection import Connection
from .store import MBusStore

ALL_TELEGRAMS = 255
"""As the last wanted one: as many as the meter has."""

RETRY = (1, 2, 5, 10, 30, 60)
"""Seconds before a lost link is tried again, by how often it failed."""

_SOON = timedelta(seconds=1)
"""The shortest time to a poll; a meter that is added is read when all its entities are there."""
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
    number of the one that it was told of.
    """

    customer: Customer
    due: datetime | None = None
    is_wanted: bool = False
    is_read_again: bool = False
    silent_polls: int = 0
    outage: int = 0
    request: _Request | None = None
    cancel_timer: CALLBACK_TYPE | None = None

    @property
    def attempts(self) -> int | None:
        """How often a poll asks; None: as often as is set."""
        return None if self.silent_polls < _LIVELY_POLLS else _ATTEMPTS_OF_THE_DEAD

    def set_next(self, began_at: datetime) -> None:
        """Plan the poll after the one that began then."""
        if (period := self.customer.period) is None:
            self.due = None
        else:
            # One that takes longer than the period leaves the others, and the meter, a moment.
            self.due = max(began_at + period, dt_util.utcnow() + _SOON)


@dataclass(kw_only=True, slots=True)
class _Outage:
    """Whether the link is lost, for the how manieth time, and when it is tried again."""

    error: LinkError | None = None
    number: int = 0
    _retries: int = 0

    def failed(self, error: LinkError) -> timedelta:
        """Note that a reading failed for want of the link; return how long to leave it alone."""
        self.number += self.error is None
        self.error = error
        delay = RETRY[min(self._retries, len(RETRY) - 1)]
        self._retries += 1
        return timedelta(seconds=delay)

    def is_over(self) -> None:
        """Note that something was sent over the link."""
        self.error, self._retries = None, 0


class Figures:
    """How long reading every meter once takes in seconds, and the share of time that polling takes."""

    def __init__(self) -> None:
        """Know of no readout."""
        self.poll_duration = 0.0
        self.bus_load = 0.0
        self._last: dict[str, tuple[float, float]] = {}

    def note(self, meter_id: str, duration: float, period: timedelta | None) -> None:
        """Take in how long a readout of a meter took."""
        self.forget(meter_id)
        load = duration / period.total_seconds() if period else 0.0
        self.poll_duration += duration
        self.bus_load += load
        self._last[meter_id] = duration, load

    def forget(self, meter_id: str) -> None:
        """Leave out a meter."""
        duration, load = self._last.pop(meter_id, (0.0, 0.0))
        self.poll_duration -= duration
        self.bus_load -= load


class Schedule:
    """Reads each meter of a connection once per period, and those that a person waits for before the others.

    A poll that put nothing on the wire was no poll: it moves no due time, and when the link is back, what is overdue is
    read.
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
        self.figures = Figures()
        self._hass = hass
        self._entry = entry
        self._connection = connection
        self._store = store
        self._on_reading = on_reading
        self._slots: dict[str, _Slot] = {}
        self._is_running = False
        self._outage = _Outage()
        self._cancel_retry: CALLBACK_TYPE | None = None
        # In the order of their times: who is due now, and who was due during the outage.
        self._due: dict[_Slot, None] = {}
        self._overdue: dict[_Slot, None] = {}
        self._polling: asyncio.Task[None] | None = None

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
        slot = self._slots.pop(meter_id)
        slot.due = None
        self._async_plan(slot)
        self.figures.forget(meter_id)

    @callback
    def async_want(self, meter_id: str) -> None:
        """Note that records of a meter are wanted: one that nobody wants anything of is not read."""
        slot = self._slots[meter_id]
        if not slot.is_wanted:
            slot.is_wanted = True
            self._async_plan(slot)

    @callback
    def async_set_due(self, meter_id: str, due: datetime | None) -> None:
        """Read a meter at another time than planned; None: not by itself."""
        slot = self._slots[meter_id]
        slot.due = due
        self._async_plan(slot)

    @callback
    def async_start(self) -> None:
        """Read what is due from now on."""
        self._is_running = True
        for slot in self._slots.values():
            self._async_plan(slot)

    @callback
    def async_stop(self) -> None:
        """Begin nothing any more by itself."""
        self._is_running = False
        for slot in self._slots.values():
            self._async_plan(slot)
        if self._cancel_retry:
            self._cancel_retry()
            self._cancel_retry = None

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
                    self.figures.note(
                        customer.meter.id, monotonic() - started, customer.period
                    )
        except MBusError as err:
            if customer.meter.id in self._slots:
                self._note_failure(slot, err, began_at if is_asked else None)
                customer.async_fail(err)
        else:
            if customer.meter.id in self._slots:
                self._note_answer(slot, readout, began_at)
        finally:
            if slot.request is request:
                slot.request = None
            self._on_reading()

    def _note_answer(self, slot: _Slot, readout: Readout, began_at: datetime) -> None:
        slot.silent_polls = 0
        self._async_end_outage()
        slot.set_next(began_at)
        # Either a meter was set back or a reply was wrong: the second reading tells.
        is_doubtful = slot.customer.async_take(readout)
        slot.is_read_again = is_doubtful and not slot.is_read_again
        if slot.is_read_again and slot.due:
            slot.due = dt_util.utcnow()
        self._async_plan(slot)

    def _note_failure(
        self, slot: _Slot, error: MBusError, began_at: datetime | None
    ) -> None:
        if isinstance(error, LinkError):
            delay = self._outage.failed(error)
            slot.outage = self._outage.number
            if slot.due:
                self._overdue[slot] = None
            if self._is_running and self._cancel_retry is None:
                self._cancel_retry = async_call_later(
                    self._hass, delay, self._async_retry
                )
        elif began_at:
            slot.silent_polls += 1
            self._async_end_outage()
            slot.set_next(began_at)
            self._async_plan(slot)

    @callback
    def _async_plan(self, slot: _Slot) -> None:
        """Set the timer of a meter."""
        if slot.cancel_timer:
            slot.cancel_timer()
            slot.cancel_timer = None
        self._due.pop(slot, None)
        self._overdue.pop(slot, None)
        if slot.due:
            self._store.keep_due(slot.customer.meter.id, slot.due)

        @callback
        def async_be_due(now: datetime) -> None:
            slot.cancel_timer = None
            self._due[slot] = None
            self._async_poll()

        is_allowed = self._is_running and not self._entry.pref_disable_polling
        if is_allowed and slot.is_wanted and slot.due:
            slot.cancel_timer = async_track_point_in_utc_time(
                self._hass, async_be_due, slot.due
            )

    @callback
    def _async_retry(self, now: datetime) -> None:
        """See whether the link is back: with the meter that waits longest."""
        self._cancel_retry = None
        if slot := next(iter(self._overdue), None):
            del self._overdue[slot]
            self._due[slot] = None
            self._async_poll()

    @callback
    def _async_end_outage(self) -> None:
        """Go on with what is overdue: the link is back."""
        self._outage.is_over()
        if self._cancel_retry:
            self._cancel_retry()
            self._cancel_retry = None
        self._due |= self._overdue
        self._overdue.clear()

    @callback
    def _async_poll(self) -> None:
        if self._polling is None:
            self._polling = self._hass.async_create_background_task(
                self._async_poll_due(),
                f"M-Bus polling of {self._entry.title}",
                eager_start=False,
            )

    async def _async_poll_due(self) -> None:
        """Turn to one meter after the other while any is due."""
        try:
            while slot := next(iter(self._due), None):
                del self._due[slot]
                error = self._outage.error
                if error and slot.outage != self._outage.number:
                    # Only one at a time tries the link; the others are told.
                    slot.outage = self._outage.number
                    self._overdue[slot] = None
                    slot.customer.async_fail(error)
                    await asyncio.sleep(0)
                    continue
                if slot.request is None:
                    self._async_request(slot)
                if slot.request and slot.request.task:
                    await asyncio.wait([slot.request.task])
        finally:
            self._polling = None
            if self._due:
                self._async_poll()
