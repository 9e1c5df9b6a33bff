"""Whatever goes wrong on the line: the right value or a named error, never another value."""

import asyncio
from collections import Counter
from itertools import pairwise
from pathlib import Path
import random

import pytest

from custom_components.mbus.protocol import (
    Address,
    Bus,
    Identity,
    LinkError,
    MBusError,
    Quirks,
    Readout,
    SecondaryAddress,
)
from custom_components.mbus.protocol.master import ways as ways_module
from tests.simulator import (
    CodedMeter,
    Fault,
    Faults,
    Quirks as Ways,
    Request,
    SimulatedBus,
)
from tests.simulator.clock import StillLoop

from .lines import Kind, open_files, places, serve

pytestmark = pytest.mark.usefixtures("socket_enabled")

READS = 10_000
LINES = 100
ATTEMPTS = 3
TIMEOUT = 0.2

CHANCES = dict.fromkeys(Fault, 0.012) | {
    # Only where a request comes again, or isn't the first.
    Fault.FRAME_COUNT_SKIPPED: 0.5,
    Fault.FRAME_COUNT_REPEATED: 0.03,
    Fault.GATEWAY_RESET: 0.008,
    Fault.GATEWAY_DOWN: 0.008,
}
HARMLESS = {
    Fault.SPLIT,
    Fault.ECHO,
    Fault.FLOW_CONTROL,
    Fault.NOISE_AFTER,
    Fault.ENDLESS,
}
"""What doesn't make an exchange a failed one."""


NEVER_RESET = 6


def meters() -> list[CodedMeter]:
    """One to three telegrams, at primary addresses and at secondary ones; one is never reset."""
    return [
        CodedMeter(1, telegram_count=1),
        CodedMeter(2, telegram_count=2),
        CodedMeter(3, telegram_count=3),
        CodedMeter(0, identification="00000004", telegram_count=1),
        CodedMeter(0, identification="00000005", telegram_count=3),
        CodedMeter(NEVER_RESET, quirks=Ways(answers_reset=False)),
    ]


def check_values(meter: CodedMeter, made_before: int, readout: Readout) -> None:
    """Compare each value with its place, and with the readouts that the meter made meanwhile."""
    number = int(meter.identification)
    counts = set()
    for telegram, found in enumerate(places(readout)):
        assert [place[:3] for place in found] == [
            (number, telegram, index) for index in range(4)
        ]
        counts |= {place[3] for place in found}
    assert len(counts) == 1, "telegrams of several readouts in one"
    assert made_before < counts.pop() <= meter.readouts, "a value of an older readout"


def check_attempts(requests: list[Request]) -> None:
    """See that one request failed in all its attempts."""
    failed = Counter(
        bytes(request[5:-2] or request[1:])  # A selection may have either C field.
        for previous, request in pairwise([requests[0], *requests])
        if request.faults - HARMLESS or Fault.LATE in previous.faults
    )
    assert max(failed.values(), default=0) >= ATTEMPTS


class Line:
    """A simulated bus, the way to it, and what came of all readouts."""

    def __init__(self, seed: int, *, late_delay: float | None) -> None:
        """Draw the faults by the seed."""
        self.random = random.Random(seed)
        self.meters = meters()
        self.faults = Faults(CHANCES, seed=seed, late_delay=late_delay, down_time=0.02)
        self.simulated = SimulatedBus(self.meters, faults=self.faults)
        self.outcomes: Counter[str] = Counter()

    async def run(self, reads: int) -> int:
        """Read meters drawn by chance; return the number of tasks that are left."""
        async with self.simulated:
            bus = Bus(
                await serve(self.simulated, "tcp"), timeout=TIMEOUT, attempts=ATTEMPTS
            )
            await bus.open()
            for _ in range(reads):
                await self._read(bus, self.random.choice(self.meters))
            await bus.close()
        return len(asyncio.all_tasks()) - 1

    async def _read(self, bus: Bus, meter: CodedMeter) -> None:
        address: Address = meter.address
        if meter.address == 0:
            address = SecondaryAddress(identification=meter.identification)
        identity = Identity(identification=meter.identification, manufacturer="SIM")
        quirks = Quirks(reset="never" if address == NEVER_RESET else "before_each_read")
        made_before, started = meter.readouts, len(self.simulated.requests)
        readout: Readout | None = None
        error: MBusError | None
        try:
            readout = await bus.read(address, identity=identity, quirks=quirks)
        except MBusError as err:
            error = err
        else:
            error = readout.error
            check_values(meter, made_before, readout)
        if isinstance(error, LinkError):
            self.outcomes["link lost"] += 1
            await asyncio.sleep(0.03)
            return
        missing = len(meter.telegrams()) - len(readout.telegrams) if readout else 1
        if error is None and not missing:
            self.outcomes["whole"] += 1
        else:
            self.outcomes[type(error).__name__] += 1
            if address != NEVER_RESET:
                check_attempts(self.simulated.requests[started:])


def test_mixed_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one value is wrong or misplaced, and no readout fails that needn't."""
    monkeypatch.setattr(ways_module, "BACK_OFF", (0.01,))
    lines = [
        Line(seed, late_delay=None if seed % 2 else TIMEOUT * 1.3)
        for seed in range(LINES)
    ]
    files = open_files()
    for line in lines:
        with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
            assert runner.run(line.run(READS // LINES)) == 0, "tasks are left"
        assert open_files() <= files

    outcomes = sum((line.outcomes for line in lines), Counter())
    assert outcomes.total() == READS
    assert outcomes["whole"] > 0.9 * READS
    happened = sum((line.faults.counts for line in lines), Counter())
    assert {fault for fault in Fault if happened[fault] < 200} == set()


async def meet_one_fault(fault: Fault, step: int, kind: Kind, port: Path) -> None:
    """Read two meters, with a fault in one exchange of the first readout."""
    meter, other = CodedMeter(1), CodedMeter(2)
    faults = Faults(down_time=0.0)
    options = {"link": port} if kind == "pty" else {}
    async with SimulatedBus([meter, other], faults=faults) as simulated:
        settings = await serve(simulated, kind, **options)
        bus = Bus(settings, timeout=TIMEOUT, attempts=ATTEMPTS)
        await bus.open()
        faults.once(fault, matches=lambda _: len(simulated.requests) == step)
        identity = Identity(identification="00000001", manufacturer="SIM")
        try:
            check_values(meter, 0, await bus.read(1, identity=identity))
        except LinkError:
            assert fault is Fault.GATEWAY_DOWN
            await asyncio.sleep(0.02)
        readout = await bus.read(2)
        check_values(other, 0, readout)
        assert readout.complete
        assert len(readout.telegrams) == 3
        await bus.close()


@pytest.mark.parametrize("kind", ["tcp", "pty"])
@pytest.mark.parametrize("fault", list(Fault))
async def test_one_fault(
    fault: Fault, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single fault, in any of a readout's exchanges, costs a repetition and no value."""
    monkeypatch.setattr(ways_module, "BACK_OFF", (0.0,))
    await asyncio.gather(
        *(meet_one_fault(fault, step, kind, tmp_path / str(step)) for step in range(4))
    )
