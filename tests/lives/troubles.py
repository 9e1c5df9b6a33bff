"""What goes wrong between a connection and its meters, and the time that goes by meanwhile."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from random import Random

from tests.simulator import Fault

from .life import Life
from .table import action

_ON_THE_LINE = (
    Fault.REQUEST_LOST,
    Fault.ACK_INSTEAD,
    Fault.FOREIGN_ADDRESS,
    Fault.FOREIGN_METER,
    Fault.FLOW_CONTROL,
    Fault.WRONG_LENGTH,
    Fault.CORRUPT,
    Fault.TRUNCATE,
    Fault.DUPLICATE,
    Fault.MERGE,
    Fault.NOISE_BEFORE,
    Fault.NOISE_AFTER,
    Fault.ECHO,
    Fault.DROP,
    Fault.LATE,
    Fault.SPLIT,
    Fault.GATEWAY_RESET,
    Fault.GATEWAY_DOWN,
)
_SINGLE = (*_ON_THE_LINE, Fault.FRAME_COUNT_REPEATED, Fault.FRAME_COUNT_SKIPPED)


@action(12)
async def pass_time(life: Life, random: Random) -> None:
    """Let up to three periods go by."""
    await life.pass_time(life.setting.period * random.uniform(0, 3))


@action(8)
async def wait_for_request(life: Life, random: Random) -> None:
    """Let time go by until a meter is asked: what happens next, happens meanwhile."""
    life.bus.asked.clear()
    with suppress(TimeoutError):
        async with asyncio.timeout(life.setting.period.total_seconds()):
            await life.bus.asked.wait()


@action(2)
async def pass_a_moment(life: Life, random: Random) -> None:
    """Let some seconds go by."""
    await life.pass_time(timedelta(seconds=random.uniform(0, 15)))


@action(4)
async def disturb(life: Life, random: Random) -> None:
    """Let some of the exchanges go wrong from now on."""
    life.bus.faults.chances.clear()
    for fault in random.sample(_ON_THE_LINE, random.randint(1, 3)):
        life.bus.faults.chances[fault] = random.choice((0.05, 0.2, 0.5))


@action(4)
async def disturb_once(life: Life, random: Random) -> None:
    """Let some of the next exchanges go wrong, each in a way of its own."""
    life.bus.faults.once(*random.choices(_SINGLE, k=random.randint(1, 4)))


@action(3)
async def calm(life: Life, random: Random) -> None:
    """End all that is wrong on the way."""
    life.bus.faults.clear()
    life.bus.meters.extend(life.silent)
    life.silent.clear()
    for gateway in life.gateways:
        await gateway.start()


@action(2)
async def silence(life: Life, random: Random) -> None:
    """Disconnect a meter until it is calm."""
    if life.bus.meters:
        meter = random.choice(life.bus.meters)
        life.bus.meters.remove(meter)
        life.silent.append(meter)  # type: ignore[arg-type]


@action(2)
async def pull_link(life: Life, random: Random) -> None:
    """Break the connection to the gateway."""
    life.gateways[0].disconnect()


@action(2)
async def restart_gateway(life: Life, random: Random) -> None:
    """Let the gateway be away for a while."""
    gateway = life.gateways[0]
    if gateway.is_listening:
        seconds = random.choice((0.5, 10, 100, 1000))
        task = asyncio.create_task(gateway.go_down(seconds))
        life.tasks.add(task)
        task.add_done_callback(life.tasks.discard)


@action(2)
async def stop_gateway(life: Life, random: Random) -> None:
    """Let the gateway be away until it is calm."""
    await life.gateways[0].stop()
