"""Who is read when: the one place that counts time for the meters of a connection."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from ..meters.meter import Meter
from ..meters.reading import MeterData
from ..protocol import Bus, LinkError, MBusError, Readout
from .connection import Connection
from .figures import Figures
from .store import MBusStore

ALL_TELEGRAMS = 255
"""As the last wanted one: as many as the meter has."""

_SOON = timedelta(seconds=1)
"""The shortest time to a poll; a meter that is added is read when all its entities are there."""
_LIVELY_POLLS = 3
"""A meter that answered within so many polls gets all its attempts, a dead one `_ATTEMPTS_OF_THE_DEAD`."""
_ATTEMPTS_OF_THE_DEAD = 2


class Customer(Protocol):
    """Who takes what a meter says: its coordinator."""

    meter: Meter
    data: MeterData

    @property
    def period(self) -> timedelta | None:
        """How often the meter is read; None: only when asked to."""

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
    """One reading; it answers all who ask before it ends, if it comes to the meter's last telegram."""

    is_urgent: bool = False
    has_begun: bool = False
    is_whole: bool = True
    task: asyncio.Task[None] = field(init=False)


@dataclass(eq=False, kw_only=True, slots=True)
class _Slot:
    """A meter's place in the schedule.

    `due` is when it is to be read; None: not by itself. `is_read_again`: a doubtful reading is repeated, once.
    `is_made_up_for`: so is a poll in the middle of which the link broke. `silent_polls` counts since its last answer,
    `outage` is the last one that it was told of.
    """

    customer: Customer
    due: datetime | None = None
    is_wanted: bool = False
    is_read_again: bool = False
    is_made_up_for: bool = False
    silent_polls: int = 0
    outage: LinkError | None = None
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

    def note_answer(self, began_at: datetime) -> None:
        """Note that the meter was read."""
        self.silent_polls = 0
        self.is_made_up_for = False
        self.set_next(began_at)

    def note_doubt(self, is_doubtful: bool) -> None:
        """Read once more what is doubtful: either the meter was set back or a reply was wrong."""
        self.is_read_again = is_doubtful and not self.is_read_again
        if self.is_read_again:
            self.due = dt_util.utcnow()

    def note_failure(
        self, error: MBusError, began_at: datetime | None, outage: LinkError | None
    ) -> None:
        """Note what a failed reading was: a poll that put nothing on the wire was none."""
        if isinstance(error, LinkError):
            self.outage = outage
            if began_at and self.is_made_up_for:
                self.set_next(began_at)
            self.is_made_up_for = began_at is not None and not self.is_made_up_for
        elif began_at:
            self.silent_polls += 1
            self.set_next(began_at)


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
        """Plan nothing before `async_plan`. `on_reading` is called after each readout."""
        self.figures = Figures()
        self._hass = hass
        self._entry = entry
        self._connection = connection
        self._store = store
        self._on_reading = on_reading
        self._is_started = False
        self._slots: dict[str, _Slot] = {}
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
        elif customer.data.reading is None:
            slot.due = now
        if slot.due and self._may_poll:
            slot.due = max(slot.due, now + _SOON)

    @callback
    def async_remove(self, meter_id: str) -> None:
        """Read a meter no more."""
        slot = self._slots.pop(meter_id)
        slot.due = None
        self._async_plan(slot)
        self.figures.forget(meter_id)

    @callback
    def async_want(self, meter_id: str, *, is_overdue: bool = False) -> None:
        """Note that records of a meter are wanted: one that nobody wants anything of is not read.

        `is_overdue`: what is wanted was left out of the last reading.
        """
        slot = self._slots[meter_id]
        is_overdue = is_overdue and slot.due is not None
        if is_overdue:
            slot.due = dt_util.utcnow() + _SOON
        if is_overdue or not slot.is_wanted:
            slot.is_wanted = True
            self._async_plan(slot)

    @callback
    def async_set_due(self, meter_id: str, due: datetime | None) -> None:
        """Read a meter at another time than planned; None: not by itself."""
        slot = self._slots[meter_id]
        slot.due = due
        self._async_plan(slot)

    @callback
    def async_plan(self) -> None:
        """Begin to poll once it is known what is wanted of each meter, and plan anew when the connection is stopped or runs."""
        self._is_started = True
        if self._cancel_retry:
            self._cancel_retry()
            self._cancel_retry = None
        for slot in self._slots.values():
            self._async_plan(slot)

    async def async_wait(self) -> None:
        """Wait for all that has begun to end."""
        requests = [slot.request for slot in self._slots.values()]
        tasks = [request.task for request in requests if request]
        if self._polling:
            tasks.append(self._polling)
        if tasks:
            await asyncio.wait(tasks)

    async def async_read(self, meter_id: str) -> None:
        """Read all telegrams of a meter before any timer's turn; what came of it, its customer has then."""
        while slot := self._slots.get(meter_id):
            request = slot.request or self._async_request(slot)
            request.is_urgent = True
            await asyncio.shield(request.task)
            if request.is_whole:
                return

    async def async_tell(
        self, meter_id: str, command: Callable[[Bus], Awaitable[Readout]]
    ) -> None:
        """Have a meter told something before any timer's turn; what is read then, its customer has.

        Raises what the command raises, and ConnectionStoppedError.
        """
        async with self._connection.turn(urgent=True) as bus:
            began_at = dt_util.utcnow()
            readout = await command(bus)
        if slot := self._slots.get(meter_id):
            self._async_take(slot, readout, began_at)

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
        meter = customer.meter
        readout: Readout | None = None
        error: MBusError | None = None
        try:
            async with self._connection.turn(urgent=lambda: request.is_urgent) as bus:
                request.has_begun = True
                wanted = customer.last_wanted_telegram
                if wanted is None and not request.is_urgent:
                    slot.is_wanted = False
                    return
                request.is_whole = request.is_urgent or wanted == ALL_TELEGRAMS
                began_at, requests = dt_util.utcnow(), bus.statistics.requests
                started = monotonic()
                try:
                    meter = customer.meter
                    readout = await bus.read(
                        meter.address,
                        identity=meter.identity,
                        last_telegram=None if request.is_whole else wanted,
                        attempts=None if request.is_urgent else slot.attempts,
                        quirks=meter.quirks,
                    )
                    request.is_whole |= readout.complete
                finally:
                    is_asked = bus.statistics.requests > requests
                    duration = monotonic() - started
        except MBusError as err:
            error = err
        except Exception:
            if customer.meter.id in self._slots:
                slot.set_next(began_at)
                self._async_plan(slot)
            raise
        finally:
            if slot.request is request:
                slot.request = None
        if customer.meter.id not in self._slots:
            return
        if request.has_begun and not request.is_urgent:
            self.figures.note(customer.meter.id, duration, customer.period)
        if customer.meter.address != meter.address:
            # It was moved meanwhile: what came from there, or did not, is not the meter's.
            request.is_whole = False
            slot.due = dt_util.utcnow()
            self._async_go_on(slot)
        elif readout is not None:
            self._async_take(slot, readout, began_at)
        elif error is not None:
            slot.note_failure(
                error, began_at if is_asked else None, self._connection.outage
            )
            try:
                customer.async_fail(error)
            finally:
                self._async_go_on(slot)

    @callback
    def _async_take(self, slot: _Slot, readout: Readout, began_at: datetime) -> None:
        """Hand on what was read, and plan the next reading."""
        slot.note_answer(began_at)
        try:
            slot.note_doubt(slot.customer.async_take(readout))
        finally:
            self._async_go_on(slot)

    @property
    def _may_poll(self) -> bool:
        is_stopped = self._connection.stopped or self._entry.pref_disable_polling
        return self._is_started and not is_stopped

    @callback
    def _async_plan(self, slot: _Slot) -> None:
        """Set the timer of a meter; in an outage that it was told of, what is overdue waits for the link."""
        if slot.cancel_timer:
            slot.cancel_timer()
            slot.cancel_timer = None
        self._due.pop(slot, None)
        self._overdue.pop(slot, None)
        if slot.due:
            self._store.keep_due(slot.customer.meter.id, slot.due)
        if not (self._may_poll and slot.is_wanted and slot.due):
            return

        @callback
        def async_be_due(now: datetime) -> None:
            slot.cancel_timer = None
            slot.due = min(now, dt_util.utcnow())
            self._due[slot] = None
            self._async_poll()

        outage = self._connection.outage
        if outage and slot.outage is outage and slot.due <= dt_util.utcnow():
            self._overdue[slot] = None
            if self._cancel_retry is None:
                delay = self._connection.bus.retry_at - self._hass.loop.time()
                self._cancel_retry = async_call_later(
                    self._hass, max(delay, _SOON.total_seconds()), self._async_retry
                )
        else:
            slot.cancel_timer = async_track_point_in_utc_time(
                self._hass, async_be_due, slot.due
            )

    @callback
    def _async_retry(self, now: datetime) -> None:
        """See whether the link is back: with the meter that waits longest."""
        self._cancel_retry = None
        if self._may_poll and (slot := next(iter(self._overdue), None)):
            del self._overdue[slot]
            self._due[slot] = None
            self._async_poll()

    @callback
    def _async_go_on(self, slot: _Slot) -> None:
        """Plan the next reading of a meter, and go on with what is overdue if this one found the link back."""
        self._async_plan(slot)
        if not self._connection.outage:
            if self._cancel_retry:
                self._cancel_retry()
                self._cancel_retry = None
            self._due |= self._overdue
            self._overdue.clear()
            self._async_poll()
        self._on_reading()

    @callback
    def _async_poll(self) -> None:
        if self._polling is None and self._due and self._may_poll:
            self._polling = self._hass.async_create_background_task(
                self._async_poll_due(),
                f"M-Bus polling of {self._entry.title}",
                eager_start=False,
            )

    async def _async_poll_due(self) -> None:
        """Turn to one meter after the other while any is due."""
        try:
            while self._may_poll and (slot := next(iter(self._due), None)):
                del self._due[slot]
                outage = self._connection.outage
                if outage and slot.outage is not outage:
                    # Only one at a time tries the link; the others are told.
                    slot.outage = outage
                    slot.customer.async_fail(outage)
                    self._async_plan(slot)
                    await asyncio.sleep(0)
                    continue
                request = slot.request or self._async_request(slot)
                await asyncio.wait([request.task])
        finally:
            self._polling = None
            self._async_poll()
