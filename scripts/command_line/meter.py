"""What is asked of one meter: `read`, `select`, `set-address`, `set-baud-rate`, `reset`; and `send`."""

from argparse import Namespace
import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from .output import (
    ExitCode,
    Result,
    as_hex,
    as_text,
    describe_telegram,
    name_meter,
    record_rows,
    show,
    table,
)
from .package import protocol


async def ask(options: Namespace) -> ExitCode:
    """Ask it, and tell what came."""
    try:
        async with options.bus as bus:
            result = await _REQUESTS[options.command](await bus.master(), options)
    except asyncio.CancelledError:
        show(_failed("interrupted", options), as_json=options.json)
        raise
    except protocol.MBusError as err:
        result = _failed(str(err), options)
    return show(result, as_json=options.json)


def _failed(error: str, options: Namespace) -> Result:
    """Tell why nothing came, and what was on the line."""
    content = _describe([], options.exchanges)
    return Result(complete=False, error=error, is_empty=True, content=content)


async def _read(master: protocol.Master, options: Namespace) -> Result:
    return _readout(await master.read(options.address), options)


async def _select(master: protocol.Master, options: Namespace) -> Result:
    readout = await protocol.select_for_readout(
        master, options.address, options.headers
    )
    return _readout(readout, options)


async def _set_address(master: protocol.Master, options: Namespace) -> Result:
    await protocol.set_primary_address(master, options.address, options.new_address)
    return _done(f"answers at {options.new_address}", options)


async def _set_baud_rate(master: protocol.Master, options: Namespace) -> Result:
    await protocol.set_baud_rate(master, options.address, options.new_baud_rate)
    return _done(f"speaks at {options.new_baud_rate} baud", options)


async def _reset(master: protocol.Master, options: Namespace) -> Result:
    await protocol.application_reset(master, options.address, options.sub_code)
    return _done("was reset", options)


async def _send(master: protocol.Master, options: Namespace) -> Result:
    answer = await protocol.send_raw(master, b"".join(options.frame))
    return Result(
        complete=bool(answer),
        error=None if answer else "no reply",
        is_empty=not answer,
        content=_describe(_telegrams_in([answer]), options.exchanges)
        | {"raw": as_hex(answer)},
        lines=[as_hex(answer)] if answer else [],
    )


_REQUESTS: dict[str, Callable[[protocol.Master, Namespace], Awaitable[Result]]] = {
    "read": _read,
    "select": _select,
    "set-address": _set_address,
    "set-baud-rate": _set_baud_rate,
    "reset": _reset,
    "send": _send,
}


def _readout(readout: protocol.Readout, options: Namespace) -> Result:
    """Tell all records of a meter."""
    telegrams = readout.telegrams
    problem = next((one.problem for one in telegrams if one.problem), None)
    error = as_text(readout.error or problem)
    if not readout.complete and not error:
        error = "the meter says that more telegrams follow"
    header = telegrams[0].header
    title = name_meter(header)
    if header is not None:
        title += f", version {header.version}, status {header.status:02X}"
    return Result(
        complete=readout.complete and problem is None,
        error=error,
        content=_describe(telegrams, options.exchanges),
        lines=[title, *table(record_rows(telegrams))],
    )


def _done(what: str, options: Namespace) -> Result:
    """Tell what was done, and to which meter: the one that answered last."""
    replies = [exchange.reply for exchange in options.exchanges]
    telegrams = _telegrams_in(replies)[-1:]
    names = [name_meter(telegram.header) for telegram in telegrams]
    return Result(
        complete=True,
        content=_describe(telegrams, options.exchanges),
        lines=[f"{name} {what}" for name in names],
    )


def _telegrams_in(replies: Iterable[bytes]) -> list[protocol.Telegram]:
    """Read what can be read of the replies."""
    telegrams = []
    for reply in replies:
        for item in protocol.FrameReader().feed(reply):
            if isinstance(item, protocol.Frame):
                try:
                    telegrams.append(protocol.decode_telegram(item))
                except protocol.IncompleteTelegramError as err:
                    telegrams.append(err.telegram)
                except protocol.FrameError:
                    continue
    return telegrams


def _describe(
    telegrams: Iterable[protocol.Telegram], exchanges: Iterable[protocol.Exchange]
) -> dict[str, Any]:
    return {
        "telegrams": [describe_telegram(telegram) for telegram in telegrams],
        "exchanges": [
            {
                "request": as_hex(exchange.request),
                "reply": as_hex(exchange.reply),
                "outcome": exchange.outcome,
            }
            for exchange in exchanges
        ],
    }
