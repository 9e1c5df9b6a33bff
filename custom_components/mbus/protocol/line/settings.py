"""What a link is opened with: a serial port, or a TCP gateway."""

from dataclasses import dataclass
from typing import Literal, cast, override
from urllib.parse import urlsplit

LONGEST_WAIT = 86_400.0
"""Seconds; who would wait longer waits for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSettings:
    """A serial port: device path, or a URL that serialx knows (socket, rfc2217, esphome)."""

    port: str
    baud_rate: int = 2400
    parity: Literal["N", "E", "O"] = "E"
    data_bits: int = 8
    stop_bits: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for settings that no port has."""
        if not self.port:
            raise ValueError("port is empty")
        _check_baud_rate(self.baud_rate)
        if self.parity not in ("N", "E", "O"):
            raise ValueError(f"parity is N, E or O, not {self.parity!r}")
        if self.data_bits not in range(5, 9):
            raise ValueError(f"data_bits are 5 to 8, not {self.data_bits}")
        if self.stop_bits not in (1, 2):
            raise ValueError(f"stop_bits are 1 or 2, not {self.stop_bits}")

    @override
    def __str__(self) -> str:
        """Name the port."""
        return self.port

    @property
    def over_network(self) -> bool:
        """The port is reached by a URL."""
        return "://" in self.port


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSettings:
    """A transparent gateway; `baud_rate` is that of the bus behind it."""

    host: str
    port: int
    baud_rate: int = 2400

    over_network = True

    def __post_init__(self) -> None:
        """Raise ValueError for settings that no gateway has."""
        if not self.host:
            raise ValueError("host is empty")
        if not 1 <= self.port <= 0xFFFF:
            raise ValueError(f"port {self.port} is not within 1 to 65535")
        _check_baud_rate(self.baud_rate)

    @override
    def __str__(self) -> str:
        """Name host and port."""
        return f"{self.host}:{self.port}"


type LinkSettings = SerialSettings | TcpSettings


def _check_baud_rate(baud_rate: int) -> None:
    if not baud_rate >= 1:
        raise ValueError(f"baud_rate is 1 at least, not {baud_rate}")


def parse_link_url(
    url: str, *, baud_rate: int = 2400, parity: str = "E"
) -> LinkSettings:
    """Read `tcp://host:port`, or anything that SerialSettings takes. Raises ValueError."""
    if not url.lower().startswith("tcp://"):
        return SerialSettings(
            port=url, baud_rate=baud_rate, parity=cast(Literal["N", "E", "O"], parity)
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as err:
        raise ValueError(f"{url}: {err}") from err
    if not host or not port:
        raise ValueError(f"{url} lacks a host or a port")
    return TcpSettings(host=host, port=port, baud_rate=baud_rate)
