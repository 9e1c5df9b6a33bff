"""The command line, as it is typed: `scripts/mbus` in a process of its own."""

import asyncio
from dataclasses import dataclass
from functools import partial
import json
from pathlib import Path
import signal
from typing import Any

MBUS = Path(__file__).parents[2] / "scripts" / "mbus"

ALL, NOTHING, WRONG_ARGUMENTS, PART = 0, 1, 2, 3
INTERRUPTED, NOBODY_LISTENS = 130, 141


@dataclass(frozen=True)
class Outcome:
    """What a command has printed, and its exit code."""

    code: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


async def start(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
    """Start a command, which hears Ctrl-C although these tests may run where none is heard, as in the background."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    return await asyncio.create_subprocess_exec(
        MBUS,
        *arguments,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        **{**streams, **options},
    )


async def run(*arguments: str, stdin: bytes = b"") -> Outcome:
    """Run a command to its end."""
    process = await start(*arguments)
    out, err = await process.communicate(stdin)
    return Outcome(process.returncode, out.decode(), err.decode())
