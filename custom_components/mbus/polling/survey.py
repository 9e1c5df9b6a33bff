"""How well each meter is heard: what the exchanges in the bus trace tell of it, and what to do about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..protocol import (
    SELECTED,
    Address,
    Discard,
    Exchange,
    Frame,
    FrameError,
    parse_frame,
)
from .coordinator import MBusRuntimeData

type _Who = int | str


_FEW: Final = 0.9
_MANY: Final = 0.05


@dataclass(slots=True, kw_only=True)
class Hearing:
    """Of requests to one meter: how many, answered, damaged by something on the line, and sent since the one before was not answered.

    `readings` are the answers with data, `busy` the seconds that those took with their requests.
    """

    requests: int = 0
    answers: int = 0
    damaged: int = 0
    repeats: int = 0
    readings: int = 0
    busy: float = 0.0

    @property
    def share(self) -> float | None:
        """The part of the requests that was answered; None where there was none."""
        return self.answers / self.requests if self.requests else None

    @property
    def duration(self) -> float | None:
        """How long a request for data takes with its answer, on average, in seconds; None where there was none."""
        return self.busy / self.readings if self.readings else None

    @property
    def advice(self) -> str | None:
        """The key of what is to be done about the worst of it; None where all is well."""
        if not self.requests:
            return None
        if not self.answers:
            return "silent"
        if self.damaged > _MANY * self.requests:
            return "damaged"
        return "few_answers" if self.answers < _FEW * self.requests else None


def survey(exchanges: Iterable[Exchange]) -> dict[_Who, Hearing]:
    """Return how well each one that was asked is heard, by primary address or by identification."""
    heard: dict[_Who, Hearing] = {}
    was_answered: dict[_Who, bool] = {}
    for who, frame, exchange in _requests(exchanges):
        of_meter = heard.setdefault(who, Hearing())
        of_meter.requests += 1
        of_meter.answers += exchange.is_answered
        of_meter.damaged += Discard.NOISE in exchange.discarded
        if frame.asks_for_data:
            of_meter.readings += exchange.is_answered
            of_meter.busy += exchange.duration if exchange.is_answered else 0.0
        of_meter.repeats += not was_answered.get(who, True)
        was_answered[who] = exchange.is_answered
    return heard


def known_as(address: Address) -> _Who:
    """Return what a meter is found by in a survey."""
    return address if isinstance(address, int) else address.identification


def bus_table(data: MBusRuntimeData) -> list[dict[str, Any]]:
    """Return a row for each meter, by its subentry: when it was last read, and how well it is heard."""
    heard = survey(data.connection.trace)
    rows = []
    for meter_id, coordinator in data.coordinators.items():
        reading = coordinator.data.reading
        of_meter = heard.get(known_as(coordinator.meter.address), Hearing())
        rows.append(
            {
                "meter": meter_id,
                "last_read": reading.time.isoformat() if reading else None,
                "requests": of_meter.requests,
                "answered": _rounded(of_meter.share),
                "duration": _rounded(of_meter.duration),
                "damaged": of_meter.damaged,
                "repeated": of_meter.repeats,
                "advice": of_meter.advice,
            }
        )
    return rows


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 4)


def _requests(exchanges: Iterable[Exchange]) -> Iterator[tuple[_Who, Frame, Exchange]]:
    """Give who was asked; at 253 that is who was selected last."""
    selected: _Who = SELECTED
    for exchange in exchanges:
        try:
            frame = parse_frame(exchange.request)
        except FrameError:
            continue
        if frame.is_selection:
            selected = frame.data[3::-1].hex().upper()
        yield selected if frame.address == SELECTED else frame.address, frame, exchange
