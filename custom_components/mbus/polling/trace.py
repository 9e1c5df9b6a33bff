"""The bus trace: the last exchanges on a bus, limited in number."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from homeassistant.util import dt as dt_util

from ..protocol import Exchange
from .masking import masked_hex

EXCHANGE_OVERHEAD = 400
"""Bytes that an exchange takes beside those on the line: its objects in memory."""


class BusTrace:
    """The last exchanges: what was sent, what came back and how it ended; `size` is in bytes."""

    def __init__(self, length: int) -> None:
        """Keep up to `length` exchanges."""
        self._exchanges: deque[Exchange] = deque()
        self._length = length
        self.size = 0

    def __len__(self) -> int:
        """Return the number of exchanges kept."""
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        """Give the exchanges, the oldest first."""
        return iter(self._exchanges)

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange; the oldest goes when there are too many."""
        self._exchanges.append(exchange)
        self.size += _size(exchange)
        if len(self._exchanges) > self._length:
            self.drop_oldest()

    def drop_oldest(self) -> None:
        """Forget the oldest exchange."""
        self.size -= _size(self._exchanges.popleft())

    def clear(self) -> None:
        """Forget all."""
        self._exchanges.clear()
        self.size = 0

    def as_list(self, *, masked: bool) -> list[dict[str, Any]]:
        """Return the exchanges, the oldest first; masked: meter numbers, customer and password bytes are hidden."""
        to_hex = masked_hex if masked else lambda data: data.hex(" ")
        return [
            {
                "time": dt_util.utc_from_timestamp(exchange.time).isoformat(),
                "duration": round(exchange.duration, 4),
                "request": to_hex(exchange.request),
                "reply": to_hex(exchange.reply),
                "outcome": exchange.outcome,
            }
            for exchange in self._exchanges
        ]


def _size(exchange: Exchange) -> int:
    return len(exchange.request) + len(exchange.reply) + EXCHANGE_OVERHEAD
