"""What can go wrong between a request and its answer: drawn by chance, or told to."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import random

from . import frames


class Fault(StrEnum):
    """Kinds of faults, one exchange at a time."""

    # Before the meter
    REQUEST_LOST = "request_lost"
    FRAME_COUNT_REPEATED = (
        "frame_count_repeated"  # the last telegram again, though FCB changed
    )
    FRAME_COUNT_SKIPPED = (
        "frame_count_skipped"  # the next telegram, though FCB did not change
    )
    # The answer is another
    ACK_INSTEAD = "ack_instead"  # E5 in place of data
    FOREIGN_ADDRESS = "foreign_address"  # another meter's answer
    FOREIGN_METER = (
        "foreign_meter"  # another meter's answer, under the address asked for
    )
    FLOW_CONTROL = "flow_control"  # DFC set
    ENDLESS = "endless"  # 1F at the end
    WRONG_LENGTH = "wrong_length"
    # The answer is damaged
    CORRUPT = "corrupt"
    TRUNCATE = "truncate"
    # More than the answer
    DUPLICATE = "duplicate"
    MERGE = "merge"  # the last answer but this once more, in one piece with this
    NOISE_BEFORE = "noise_before"
    NOISE_AFTER = "noise_after"
    ECHO = "echo"
    # When, and in what pieces
    DROP = "drop"
    LATE = (
        "late"  # after the master gave up: with its next request, or after `late_delay`
    )
    SPLIT = "split"  # byte by byte
    # The way in
    GATEWAY_RESET = "gateway_reset"  # the connection breaks in the middle of the answer
    GATEWAY_DOWN = "gateway_down"  # it breaks, and can't be opened for `down_time`


_NEED_DATA = {
    Fault.FRAME_COUNT_REPEATED,
    Fault.FRAME_COUNT_SKIPPED,
    Fault.ACK_INSTEAD,
    Fault.FOREIGN_ADDRESS,
    Fault.FOREIGN_METER,
    Fault.FLOW_CONTROL,
    Fault.ENDLESS,
    Fault.WRONG_LENGTH,
}
_NOISE = b"\x00\xff\xf0\xfe\xfc\x68\x10\x16"


@dataclass(frozen=True, slots=True)
class _Script:
    fault: Fault
    matches: Callable[[bytes], bool]


def anything(_request: bytes) -> bool:
    """Match every request."""
    return True


def is_request_for_data(request: bytes) -> bool:
    """Match REQ_UD2."""
    return frames.parse_command(request).function == frames.REQ_UD2


class Faults:
    """Draws faults for each request, and counts those that took effect."""

    def __init__(
        self,
        chances: Mapping[Fault, float] | None = None,
        *,
        seed: int = 0,
        late_delay: float | None = None,
        down_time: float = 0.05,
    ) -> None:
        """Give each kind a chance per request; times are in seconds."""
        self.chances = dict(chances or {})
        self.late_delay = late_delay
        self.down_time = down_time
        self.counts: Counter[Fault] = Counter()
        self.random = random.Random(seed)
        self._scripts: deque[_Script] = deque()

    def once(self, *faults: Fault, matches: Callable[[bytes], bool] = anything) -> None:
        """Let each of `faults` happen once, one per request that matches, in this order."""
        self._scripts.extend(_Script(fault, matches) for fault in faults)

    def clear(self) -> None:
        """Let nothing go wrong from now on."""
        self.chances.clear()
        self._scripts.clear()

    def draw(self, request: bytes) -> set[Fault]:
        """Return what goes wrong with this request."""
        for_data = is_request_for_data(request)
        drawn = {
            fault
            for fault, chance in self.chances.items()
            if (for_data or fault not in _NEED_DATA) and self.random.random() < chance
        }
        for script in self._scripts:
            if script.matches(request) and (for_data or script.fault not in _NEED_DATA):
                self._scripts.remove(script)
                drawn.add(script.fault)
                break
        return drawn

    def damage(self, reply: bytes, faults: set[Fault]) -> tuple[bytes, set[Fault]]:
        """Change the bytes of an answer as `faults` tell; return it and those that took effect."""
        steps = {
            Fault.FLOW_CONTROL: self._set_flow_control,
            Fault.ENDLESS: self._make_endless,
            Fault.WRONG_LENGTH: self._wrong_length,
            Fault.CORRUPT: self._corrupt,
            Fault.TRUNCATE: self._truncate,
        }
        effective = set()
        for fault, change in steps.items():
            if fault in faults and reply:
                damaged = change(reply)
                if damaged != reply:
                    effective.add(fault)
                reply = damaged
        return reply, effective

    def noise(self) -> bytes:
        """Return one to five bytes of it, among them such as begin a frame."""
        return bytes(self.random.choices(_NOISE, k=self.random.randint(1, 5)))

    def shuffled(self, *pieces: bytes) -> bytes:
        """Return the pieces in one, in any order."""
        return b"".join(self.random.sample(pieces, k=len(pieces)))

    @staticmethod
    def _set_flow_control(reply: bytes) -> bytes:
        if not frames.is_long(reply):
            return reply
        body = frames.body_of(reply)
        return frames.enclose(bytes((body[0] | 0x10,)) + body[1:])

    @staticmethod
    def _make_endless(reply: bytes) -> bytes:
        body = frames.body_of(reply)
        if not frames.is_long(reply) or len(body) == 255:
            return reply
        return frames.enclose(body + b"\x1f")

    def _wrong_length(self, reply: bytes) -> bytes:
        if not frames.is_long(reply):
            return reply
        first = (reply[1] + self.random.randint(1, 255)) % 256
        second = self.random.choice((first, reply[2]))
        return bytes((0x68, first, second)) + reply[3:]

    def _corrupt(self, reply: bytes) -> bytes:
        """Flip up to four bits, but so that no other whole frame comes of it."""
        while True:
            damaged = bytearray(reply)
            for _ in range(self.random.randint(1, 4)):
                damaged[self.random.randrange(len(reply))] ^= (
                    1 << self.random.randrange(8)
                )
            if damaged != reply and not frames.is_whole(damaged):
                return bytes(damaged)

    def _truncate(self, reply: bytes) -> bytes:
        return reply[: self.random.randrange(len(reply))]
