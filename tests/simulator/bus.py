"""The bus: carries a request to the meters, and what they answer back."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from . import frames
from .faults import Fault, Faults
from .gateway import CHARACTER_BITS, Answer, Burst, Gateway, PtyGateway, TcpGateway
from .line import overlap
from .meter import SimulatedMeter
from .slave import FrameCount

RESPONSE_DELAY = 0.02
# What a skew in bit times is measured by where the bus has no rate.
NOMINAL_BAUD_RATE = 2400


class _Reply(NamedTuple):
    meter: SimulatedMeter
    delay: float
    data: bytes


class Request(bytes):
    """A request as the bus saw it, and what became of it."""

    time: float
    """When it began, by the event loop's clock."""
    gateway: Gateway
    faults: frozenset[Fault]
    """The faults that took effect."""
    reply: bytes
    """What went to the gateway for it, damage included."""


class SimulatedBus:
    """Meters on one pair of wires, and the gateways that lead to it.

    With a `baud_rate` every byte takes its time, eleven bits, in both directions, and a meter
    answers `response_delay` seconds after the request's last bit; without one, all is at once. Of
    several meters that answer at once, each begins `skew` bit times after the one before: with 0
    acknowledgements make one clean E5, with 1 to 10 garbage, with more several clean ones.
    """

    def __init__(
        self,
        meters: Iterable[SimulatedMeter] = (),
        *,
        baud_rate: int | None = None,
        response_delay: float | None = None,
        skew: float = 0.0,
        faults: Faults | None = None,
        converter_noise: bytes = b"",
        reply_noise: bytes = b"",
        echo: Callable[[bytes], bytes] | None = None,
        recovery: float = 0.0,
    ) -> None:
        """Set up a bus.

        `converter_noise` is what comes where no meter answers, `reply_noise` what comes before each
        reply, and `echo` says what of a request comes back with it. For `recovery` bit times after an
        answer no request is heard.
        """
        self.meters = list(meters)
        self.baud_rate = baud_rate
        self.response_delay = response_delay
        self.skew = skew
        self.faults = faults or Faults()
        self.converter_noise = converter_noise
        self.reply_noise = reply_noise
        self.echo = echo
        self.recovery = recovery
        self.gateways: list[Gateway] = []
        self.requests: list[Request] = []
        self.counts: Counter[str] = Counter()
        self._last_reply = b""
        self._late: dict[Gateway, bytes] = {}
        self._busy_until = 0.0

    async def __aenter__(self) -> Self:
        """Return the bus."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all gateways."""
        await self.close()

    async def serve_tcp(
        self, host: str = "127.0.0.1", port: int = 0, **manners: Any
    ) -> int:
        """Open a TCP gateway, which has the `manners` of a TcpGateway, and return its port."""
        gateway = TcpGateway(self, **manners)
        port = await gateway.start(host, port)
        self.gateways.append(gateway)
        return port

    async def serve_pty(self, link: str | Path | None = None, **pace: Any) -> str:
        """Open a serial gateway and return its path, which is `link` if given."""
        gateway = PtyGateway(self, link=link, **pace)
        self.gateways.append(gateway)
        return await gateway.start()

    async def close(self) -> None:
        """Close all gateways."""
        gateways, self.gateways = self.gateways, []
        for gateway in gateways:
            await gateway.close()

    def exchange(self, frame: bytes, gateway: Gateway, time: float) -> Answer:
        """Carry one request, begun at `time`, to the meters, and say what `gateway` passes on."""
        request = Request(frame)
        request.time, request.gateway = time, gateway
        drawn = self.faults.draw(request)
        bit_time = gateway.character_time / CHARACTER_BITS
        if self.recovery and time < self._busy_until + self.recovery * bit_time:
            drawn.add(Fault.REQUEST_LOST)
        if Fault.GATEWAY_DOWN in drawn:
            answer, effective = (
                Answer(down_time=self.faults.down_time),
                {Fault.GATEWAY_DOWN},
            )
        else:
            answer, effective = self._exchange(request, gateway, drawn)
        request.faults = frozenset(effective)
        request.reply = b"".join(burst.data for burst in answer.bursts)
        self.requests.append(request)
        self.faults.counts.update(effective)
        self._note_overlap(request, answer)
        return answer

    def _exchange(
        self, request: Request, gateway: Gateway, drawn: set[Fault]
    ) -> tuple[Answer, set[Fault]]:
        late = self._late.pop(gateway, b"")
        answering, effective = self._ask(request, gateway, drawn)
        bursts = self._on_the_line(answering, gateway.character_time)
        if len(bursts) == 1 and answering:
            bursts, more = self._distort(bursts[0], answering[0], gateway, drawn)
            effective |= more
        if bursts and answering and self.reply_noise:
            first = bursts[0]
            bursts[0] = Burst(delay=first.delay, data=self.reply_noise + first.data)
        if Fault.NOISE_BEFORE in drawn:
            bursts.insert(0, Burst(delay=0, data=self.faults.noise()))
            effective.add(Fault.NOISE_BEFORE)
        if Fault.ECHO in drawn or self.echo is not None:
            sending = len(request) * gateway.character_time
            echo = bytes(request) if self.echo is None else self.echo(request)
            bursts.insert(0, Burst(delay=-sending, data=echo))
            effective |= {Fault.ECHO} & drawn
        if late:
            bursts.insert(0, Burst(delay=0, data=late))
        answer = Answer(
            bursts=tuple(bursts),
            split=Fault.SPLIT in effective,
            reset=Fault.GATEWAY_RESET in effective,
        )
        return answer, effective

    def _ask(
        self, request: Request, gateway: Gateway, drawn: set[Fault]
    ) -> tuple[list[_Reply], set[Fault]]:
        """Give every meter the request; return the answers and the faults that took effect."""
        if Fault.REQUEST_LOST in drawn:
            return [], {Fault.REQUEST_LOST}
        effective: set[Fault] = set()
        answering = []
        for meter in self.meters:
            reply, fault = self._receive(meter, request, gateway, drawn)
            if reply is not None:
                answering.append(_Reply(meter, self._delay(meter), reply))
                effective |= {fault} if fault else set()
        return answering, effective

    @staticmethod
    def _receive(
        meter: SimulatedMeter, request: Request, gateway: Gateway, drawn: set[Fault]
    ) -> tuple[bytes | None, Fault | None]:
        """Give one meter the request, while it may take the FCB for another than it is."""
        own, access_number = meter.quirks.frame_count, meter.access_number
        fault = None
        if Fault.FRAME_COUNT_SKIPPED in drawn and meter.repeats(request):
            fault, meter.quirks.frame_count = (
                Fault.FRAME_COUNT_SKIPPED,
                FrameCount.ADVANCES,
            )
        elif Fault.FRAME_COUNT_REPEATED in drawn and not meter.repeats(request):
            fault, meter.quirks.frame_count = (
                Fault.FRAME_COUNT_REPEATED,
                FrameCount.REPEATS,
            )
        reply = meter.receive(request, gateway.baud_rate)
        meter.quirks.frame_count = own
        if fault is Fault.FRAME_COUNT_REPEATED and meter.access_number != access_number:
            fault = None  # There was nothing yet to repeat.
        return reply, fault

    def _delay(self, meter: SimulatedMeter) -> float:
        if meter.quirks.response_delay is not None:
            return meter.quirks.response_delay
        if self.response_delay is not None:
            return self.response_delay
        return 0.0 if self.baud_rate is None else RESPONSE_DELAY

    def _on_the_line(
        self, answering: Sequence[_Reply], character_time: float
    ) -> list[Burst]:
        """Return what a receiver reads of all the answers together."""
        if not answering:
            return (
                [Burst(delay=0, data=self.converter_noise)]
                if self.converter_noise
                else []
            )
        if len(answering) == 1:
            return [Burst(delay=answering[0].delay, data=answering[0].data)]
        self.counts["collisions"] += 1
        bit_time = (
            character_time or CHARACTER_BITS / NOMINAL_BAUD_RATE
        ) / CHARACTER_BITS
        first = min(reply.delay for reply in answering)
        characters = overlap(
            ((reply.delay - first) / bit_time + position * self.skew, reply.data)
            for position, reply in enumerate(answering)
        )
        bursts: list[Burst] = []
        previous = -1e9
        for start, byte in characters:
            if start - previous < CHARACTER_BITS + 1:
                last = bursts.pop()
                bursts.append(Burst(delay=last.delay, data=last.data + bytes((byte,))))
            else:
                # At full speed nothing waits that a meter doesn't wait for by itself.
                after = start * bit_time if character_time else 0
                bursts.append(Burst(delay=first + after, data=bytes((byte,))))
            previous = start
        return bursts

    def _distort(
        self, burst: Burst, answer: _Reply, gateway: Gateway, drawn: set[Fault]
    ) -> tuple[list[Burst], set[Fault]]:
        """Let the faults at the one answer that there is; return also those that took effect."""
        effective = set()
        data, delay = burst.data, burst.delay
        if frames.is_long(data):
            if Fault.ACK_INSTEAD in drawn:
                data = frames.ACK
                effective.add(Fault.ACK_INSTEAD)
            for fault in (Fault.FOREIGN_ADDRESS, Fault.FOREIGN_METER):
                if fault in drawn and (foreign := self._foreign(answer.meter, fault)):
                    data = foreign
                    effective.add(fault)
        undamaged = data
        data, damage = self.faults.damage(data, drawn)
        effective |= damage
        if Fault.DUPLICATE in drawn:
            data *= 2
            effective.add(Fault.DUPLICATE)
        if Fault.MERGE in drawn and self._last_reply:
            data = self.faults.shuffled(self._last_reply, data)
            effective.add(Fault.MERGE)
        self._last_reply = undamaged
        if Fault.NOISE_AFTER in drawn:
            data += self.faults.noise()
            effective.add(Fault.NOISE_AFTER)
        if Fault.SPLIT in drawn:
            effective.add(Fault.SPLIT)
        if Fault.GATEWAY_RESET in drawn:
            data = data[: len(data) // 2]
            effective.add(Fault.GATEWAY_RESET)
        if Fault.DROP in drawn:
            effective.add(Fault.DROP)
            return [], effective
        if Fault.LATE in drawn:
            effective.add(Fault.LATE)
            if self.faults.late_delay is None:
                self._late[gateway] = data
                return [], effective
            delay = self.faults.late_delay
        return [Burst(delay=delay, data=data)], effective

    def _foreign(self, asked: SimulatedMeter, fault: Fault) -> bytes | None:
        others = [meter for meter in self.meters if meter is not asked]
        if not others:
            return None
        reply = self.faults.random.choice(self.faults.random.choice(others).peek())
        if fault is Fault.FOREIGN_ADDRESS:
            return reply
        body = frames.body_of(reply)
        return frames.enclose(body[:1] + bytes((asked.address,)) + body[2:])

    def _note_overlap(self, request: Request, answer: Answer) -> None:
        """Count requests that come while the line is still in use."""
        character_time = request.gateway.character_time
        if not character_time:
            return
        self.counts["overlaps"] += request.time < self._busy_until
        end = request.time + len(request) * character_time
        self._busy_until = end + max(
            (burst.delay + len(burst.data) * character_time for burst in answer.bursts),
            default=0,
        )
