"""A Home Assistant of our own: made fresh in a folder, started, spoken to over HTTP, stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
import json
from pathlib import Path
import shutil
from typing import Any, Self

from aiohttp import ClientError, ClientSession

from scripts.fresh_home_assistant import LOG, make_folder, start, store

ROOT = Path(__file__).resolve().parent.parent

USERNAME = "demo"
PASSWORD = "demo"

LOG_TAIL = 30  # lines shown when something went wrong
START_TIMEOUT = 120  # s
STOP_TIMEOUT = 20  # s

# The components that the integration's pages need; the rest of `default_config` would only take time.
CONFIGURATION = """\
homeassistant:
  name: M-Bus demo
  time_zone: UTC
  unit_system: metric
  currency: EUR
  country: DE
  language: {language}
  latitude: 52.52
  longitude: 13.40
  elevation: 34
  internal_url: {url}
  external_url: {url}
frontend:
config:
history:
logbook:
recorder:
energy:
diagnostics:
system_health:
usb:
logger:
  default: warning
  logs:
    # Nothing that a demo has to hear: pip is skipped, the integration is a custom one, and there are no cameras.
    aiohttp_fast_zlib: error
    haffmpeg: critical
    homeassistant.bootstrap: error
    homeassistant.components.camera: critical
    homeassistant.loader: error
"""


class DemoError(Exception):
    """The demo can't go on; the message says why to the person who started it."""


class HomeAssistant:
    """A running Home Assistant whose only user is the demo's."""

    def __init__(self, folder: Path, port: int, language: str = "en") -> None:
        """Prepare a Home Assistant that keeps everything in `folder` and listens on 127.0.0.1:`port`."""
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._language = language
        self._process: asyncio.subprocess.Process | None = None
        self._session: ClientSession | None = None

    @classmethod
    @asynccontextmanager
    async def running(
        cls, folder: Path, port: int, language: str = "en"
    ) -> AsyncIterator[Self]:
        """Give a Home Assistant that is started, has its user and answers; stop it at the end.

        A DemoError gets the end of the log as a note.
        """
        home_assistant = cls(folder, port, language)
        async with ClientSession() as home_assistant._session:
            try:
                home_assistant._seed()
                await home_assistant._start()
                yield home_assistant
            except DemoError as err:
                err.add_note("\n".join(home_assistant._log()[-LOG_TAIL:]))
                raise
            finally:
                await home_assistant._stop()

    async def get(self, path: str) -> Any:
        """Return what the API says at a path below /api/."""
        return await self._request("GET", f"/api/{path}")

    async def post(self, path: str, data: object) -> Any:
        """Return what the API answers to data posted to a path below /api/."""
        return await self._request("POST", f"/api/{path}", json=data)

    async def ask(self, command: str) -> Any:
        """Return the result of a WebSocket command without parameters."""
        assert self._session
        async with self._session.ws_connect(
            f"{self.url}/api/websocket", max_msg_size=0
        ) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._token})
            await socket.receive_json()
            await socket.send_json({"id": 1, "type": command})
            return (await socket.receive_json())["result"]

    async def wait(self) -> None:
        """Wait until Home Assistant ends. Raises DemoError then: nobody told it to."""
        assert self._process
        raise DemoError(f"Home Assistant ended with {await self._process.wait()}")

    def _seed(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        configuration = CONFIGURATION.format(url=self.url, language=self._language)
        make_folder(
            self.folder,
            configuration,
            [ROOT / "custom_components" / "mbus"],
            self._port,
        )
        # Only the user is left to do: the other steps would add integrations that need the internet.
        done = {"done": ["core_config", "analytics", "integration"]}
        store(self.folder, "onboarding", 4, 1, done)

    async def _start(self) -> None:
        self._process = await start(self.folder)
        await self._until(self._answers)
        await self._log_in()
        await self._until(self._runs)

    async def _until(self, done: Callable[[], Awaitable[bool]]) -> None:
        assert self._process
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await done():
                    if self._process.returncode is not None:
                        raise DemoError(
                            f"Home Assistant ended with {self._process.returncode} while starting"
                        )
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise DemoError(
                f"Home Assistant has not started after {START_TIMEOUT} s"
            ) from None

    async def _answers(self) -> bool:
        assert self._session
        try:
            async with self._session.get(f"{self.url}/api/onboarding") as response:
                return response.ok
        except ClientError:
            return False

    async def _runs(self) -> bool:
        return bool((await self.get("config"))["state"] == "RUNNING")

    async def _log_in(self) -> None:
        assert self._session
        client = f"{self.url}/"
        user = {
            "client_id": client,
            "name": "Demo",
            "username": USERNAME,
            "password": PASSWORD,
            "language": "en",
        }
        code = (await self.post("onboarding/users", user))["auth_code"]
        form = {"client_id": client, "grant_type": "authorization_code", "code": code}
        tokens = await self._request("POST", "/auth/token", data=form)
        self._token = tokens["access_token"]
        self._session.headers["Authorization"] = f"Bearer {self._token}"

    async def _request(self, method: str, path: str, **arguments: Any) -> Any:
        assert self._session
        try:
            async with self._session.request(
                method, self.url + path, **arguments
            ) as response:
                text = await response.text()
        except ClientError as err:
            raise DemoError(
                f"Home Assistant does not answer {method} {path}: {err}"
            ) from err
        if not response.ok:
            raise DemoError(
                f"Home Assistant refused {method} {path} with {response.status}: {text}"
            )
        return json.loads(text)

    async def _stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _log(self) -> list[str]:
        return (self.folder / LOG).read_text(errors="replace").splitlines()
