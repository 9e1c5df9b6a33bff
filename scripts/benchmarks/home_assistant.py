"""A Home Assistant of a benchmark's own: with recorder, with the probe inside, in a folder that goes with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import socket
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Self

from scripts.fresh_home_assistant import LOG, make_folder, start

from .inside.probe.cost import Cost

ROOT = Path(__file__).resolve().parent.parent.parent
INSIDE = Path(__file__).resolve().parent / "inside"
START_TIMEOUT = 180  # s
STOP_TIMEOUT = 120  # s
ANSWER_TIMEOUT = 600  # s
LONGEST_LINE = 1 << 26

CONFIGURATION = """\
homeassistant:
  name: Benchmark
  time_zone: Europe/Berlin
  unit_system: metric
  currency: EUR
  country: DE
  language: en
recorder:
usb:
logger:
  default: warning
  logs:
    homeassistant.loader: error
    homeassistant.bootstrap: error
    homeassistant.components.camera: critical
    haffmpeg: critical
probe:
  socket: {socket}
"""


class BenchmarkError(Exception):
    """Home Assistant does not do as it is told; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back for a command, and what it cost inside."""

    result: Any
    cost: Cost


class HomeAssistant:
    """A Home Assistant that is started, told what to do, stopped or killed, and started again with what it stored."""

    def __init__(self, folder: Path) -> None:
        """Keep everything in a folder."""
        self.folder = folder
        self._socket = folder / "probe.socket"
        self._writer: asyncio.StreamWriter | None = None

    @classmethod
    @asynccontextmanager
    async def fresh(cls, *components: Path) -> AsyncIterator[Self]:
        """Give one that is not yet started, with these custom components beside the probe."""
        with TemporaryDirectory(prefix="mbus-bench-") as folder:
            home_assistant = cls(Path(folder))
            home_assistant._seed(components)
            try:
                yield home_assistant
            finally:
                await home_assistant.kill()

    @property
    def process_id(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it wrote into its log since it was made."""
        return (self.folder / LOG).read_text(errors="replace")

    async def start(self) -> None:
        """Start it and wait until it runs. Raises BenchmarkError."""
        connected: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(
            lambda reader, writer: connected.set_result((reader, writer)),
            self._socket,
            limit=LONGEST_LINE,
        )
        self._process = await start(self.folder)
        ended = asyncio.ensure_future(self._process.wait())
        first: set[asyncio.Future[Any]] = {connected, ended}
        await asyncio.wait(
            first, timeout=START_TIMEOUT, return_when=asyncio.FIRST_COMPLETED
        )
        server.close()
        if not connected.done():
            raise BenchmarkError(f"Home Assistant did not start:\n{self.log[-2000:]}")
        self._reader, self._writer = connected.result()
        await self._reader.readline()

    async def do(self, command: str, **arguments: Any) -> Answer:
        """Let the probe do something. Raises BenchmarkError."""
        assert self._writer
        self._writer.write(json.dumps((command, arguments)).encode() + b"\n")
        async with asyncio.timeout(ANSWER_TIMEOUT):
            answer = json.loads(await self._reader.readline())
        if "error" in answer:
            raise BenchmarkError(f"{answer['error']}\n{self.log[-2000:]}")
        return Answer(result=answer["result"], cost=Cost(**answer["cost"]))

    async def stop(self) -> float:
        """Ask it to stop, and return how long that took (s); more than the limit means that it was killed."""
        began = monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        self._hang_up()
        return monotonic() - began

    async def kill(self) -> None:
        """End it where it stands, if it runs."""
        if (process := getattr(self, "_process", None)) and process.returncode is None:
            process.kill()
            await process.wait()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._writer:
            self._writer.close()
            self._writer = None

    def _seed(self, components: tuple[Path, ...]) -> None:
        configuration = CONFIGURATION.format(socket=self._socket)
        inside = (INSIDE / "probe", *components)
        make_folder(self.folder, configuration, inside, free_port())


MBUS = ROOT / "custom_components" / "mbus"
BARE = INSIDE / "bare"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
