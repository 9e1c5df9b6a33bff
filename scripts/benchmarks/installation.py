"""Simulated buses for the benchmarks of a whole Home Assistant, and what is stored of the meters on them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, override

from homeassistant.util.ulid import ulid_now

from custom_components.mbus.flows.adding import meter_subentry
from custom_components.mbus.profiles.catalogue import Catalogue
from custom_components.mbus.protocol import Quirks, Readout, parse_telegram
from tests.simulator import Quantity, SimulatedBus, TruthfulMeter

from .home_assistant import HomeAssistant
from .inside.probe.cost import Cost

TELEGRAM = (
    Quantity("energy", "04 03", unit="Wh", is_total=True),
    Quantity("volume", "04 13", unit="l", is_total=True),
    Quantity("mass", "04 1B", unit="kg", is_total=True),
    Quantity("power", "04 2B", unit="W"),
    Quantity("volume flow", "04 3B", unit="l/h"),
    Quantity("flow temperature", "04 5A", unit="0.1 °C"),
    Quantity("return temperature", "04 5E", unit="0.1 °C"),
    Quantity("temperature difference", "04 62", unit="0.1 K"),
    Quantity("external temperature", "04 66", unit="0.1 °C"),
    Quantity("mass flow", "04 53", unit="kg/h"),
)
"""Ten records that nearly everyone wants, each of two bytes of header and four of data: a bare integration can count on it."""


class Meter(TruthfulMeter):
    """A water meter with ten values that all move with each reading, unless it stands still."""

    medium = 7
    is_still = False

    def __init__(self, address: int) -> None:
        """Begin somewhere."""
        super().__init__(address, [TELEGRAM], time=datetime.now, seed=address)

    @override
    def readout(self) -> list[bytes]:
        return self.telegrams() if self.is_still else super().readout()

    def subentry(self) -> dict[str, Any]:
        """Return what is stored of it when a search found it."""
        telegrams = tuple(map(parse_telegram, self.peek()))
        readout = Readout(telegrams=telegrams, complete=True)
        stored = meter_subentry(
            self.address,
            readout,
            f"Meter {self.address}",
            Catalogue(profiles=()),
            Quirks(),
        )
        return {**stored, "subentry_id": ulid_now()}


class Installation:
    """A bus of meters behind a gateway on a port of this machine."""

    def __init__(self, count: int) -> None:
        """Make the meters, at the addresses from 1 on."""
        self.meters = [Meter(address) for address in range(1, count + 1)]
        self.bus = SimulatedBus(self.meters)
        self.port = 0

    async def open(self) -> None:
        """Let it be asked."""
        self.port = await self.bus.serve_tcp(port=self.port)

    @property
    def mbus(self) -> dict[str, Any]:
        """What an entry of M-Bus stores of the connection."""
        return {
            "type": "tcp",
            "host": "127.0.0.1",
            "port": self.port,
            "baud_rate": 38400,
        }

    @property
    def bare(self) -> dict[str, Any]:
        """What an entry of the bare integration stores of the connection."""
        return {"host": "127.0.0.1", "port": self.port, "meters": len(self.meters)}


def subentries(meters: Iterable[Meter]) -> list[dict[str, Any]]:
    """Return what is stored of meters."""
    return [meter.subentry() for meter in meters]


class Entry:
    """An entry of one of the two integrations, on a bus of its own."""

    def __init__(self, domain: str, count: int) -> None:
        """Install the meters."""
        self.domain = domain
        self.installation = Installation(count)
        self.id = ""

    async def add(self, home_assistant: HomeAssistant, count: int, **more: Any) -> Cost:
        """Add the entry with the first so many of the meters, and return what that cost."""
        installation = self.installation
        await installation.open()
        is_ours = self.domain == "mbus"
        meters = subentries(installation.meters[:count]) if is_ours else []
        data = installation.mbus if is_ours else installation.bare
        answer = await home_assistant.do(
            "add",
            domain=self.domain,
            title=f"{self.domain} {installation.port}",
            data=data,
            options={},
            meters=meters,
            polls=False,
            **more,
        )
        self.id = answer.result
        return answer.cost
