"""An event loop whose clock stands still while anybody works: no machine is too slow for it."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
import os
from selectors import BaseSelector, DefaultSelector, SelectorKey
from typing import Any, override

LONG = 0.04
"""Seconds; before so long a wait is over, what the kernel still carries is let arrive."""
ARRIVAL = 0.002
CARRIED = 0.1
"""Seconds within which the kernel has brought what was written to the other end of a terminal."""


class _Selector(BaseSelector):
    """Waits for no time to pass: says how much has."""

    def __init__(self) -> None:
        self._real = DefaultSelector()
        self.now = 0.0
        self.is_carrying = False
        self.threads = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            return self._real.select()
        if self.threads and timeout > 0:
            # Their end comes as an event.
            return self._real.select()
        events = self._real.select(CARRIED if self.is_carrying else 0)
        self.is_carrying = False
        if not events and timeout > LONG:
            events = self._real.select(ARRIVAL)
        if not events:
            self.now += max(0.0, timeout)
        return events

    @override
    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        return self._real.register(fileobj, events, data)

    @override
    def unregister(self, fileobj: Any) -> SelectorKey:
        return self._real.unregister(fileobj)

    @override
    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        return self._real.modify(fileobj, events, data)

    @override
    def get_map(self) -> Mapping[Any, SelectorKey]:
        return self._real.get_map()

    @override
    def close(self) -> None:
        self._real.close()


class StillLoop(asyncio.SelectorEventLoop):
    """Its time passes only where everybody waits for it.

    A master and a simulated bus in one loop then measure each other's waits, not the machine's.
    """

    def __init__(self) -> None:
        """Begin at the time 0."""
        self._clock = _Selector()
        super().__init__(self._clock)

    @override
    def time(self) -> float:
        """Seconds that were waited for so far."""
        return self._clock.now

    @override
    def run_in_executor[*Ts, T](
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Do some work in a thread; no time passes meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self._clock.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for all threads, for no time."""
        self._clock.threads += 1
        try:
            await super().shutdown_default_executor(timeout)
        finally:
            self._clock.threads -= 1

    def _thread_ended(self, _: object) -> None:
        self._clock.threads -= 1

    @override
    def run_forever(self) -> None:
        """Run; what is written to a terminal arrives before the next wait."""
        write = os.write

        def write_and_note(file: int, data: Any) -> int:
            self._clock.is_carrying |= os.isatty(file)
            return write(file, data)

        os.write = write_and_note
        try:
            super().run_forever()
        finally:
            os.write = write
