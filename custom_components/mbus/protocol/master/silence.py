"""What a line sends where no meter answers: its silence, which is not always without a byte."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..errors import (
    ChangingNoiseError,
    DistortedEchoError,
    MBusError,
    NobodyAnswersError,
    NoisyLineError,
)
from ..line.frame import Control, Frame, short_frame
from ..line.reply import Discard, Reply

_NOBODY = 252
"""An address that no meter may have."""
_MANY = 3
"""Of the requests to nobody; noise after fewer of them is chance."""
_LONG = 32
"""Bytes of noise that are more than that of a converter which switches."""

REQUESTS_TO_NOBODY = [
    Frame(short_frame(control, _NOBODY))
    for control in (
        Control.SND_NKE,
        Control.REQ_UD2,
        Control.REQ_UD2 | 0x20,
        Control.REQ_UD1,
        Control.REQ_UD1 | 0x20,
    )
]
"""Each another one, so that a request that comes back distorted is no constant reply."""


class Silence:
    """Tells what comes where no meter answers from what several meters may have sent."""

    def __init__(self) -> None:
        """Expect nothing to come."""
        self._constant: bytes | None = None
        self.is_noisy = False
        """Now this comes and now that, so that several meters can't be told from none."""
        self.is_endless = False
        """What comes never stops."""
        self.acknowledges = False
        """Something acknowledges whatever is sent."""

    @property
    def is_constant(self) -> bool:
        """Always the same comes."""
        return self._constant is not None

    def covers(self, reply: Reply[Any]) -> bool:
        """Say whether this noise is what comes where no meter answers."""
        if self.is_noisy or self._constant is None:
            return self.is_noisy
        # It may come more than once while an answer is waited for.
        return not _noise(reply).replace(self._constant, b"")

    def learn(self, replies: Sequence[Reply[Any]]) -> MBusError | None:
        """Take note of the replies to requests to nobody; give what there is to tell of them."""
        noisy = [reply for reply in replies if Discard.NOISE in reply.discarded]
        [(usual, times), *_] = Counter(map(_noise, noisy)).most_common(1) or [(b"", 0)]
        if any(
            reply.answer is not None or not reply.discarded.keys() <= _HARMLESS
            for reply in replies
        ):
            self.acknowledges = all(reply.answer is not None for reply in replies)
            return NobodyAnswersError(address=_NOBODY)
        if len(noisy) < _MANY:
            return None
        self.is_endless = all(map(never_ends, replies))
        if times >= _MANY and not self.is_endless:
            self._constant = usual
            return NoisyLineError(noise=usual)
        self.is_noisy = True
        if all(len(_noise(reply)) == len(reply.request) for reply in noisy):
            return DistortedEchoError()
        return ChangingNoiseError(noise=usual)


def never_ends(reply: Reply[Any]) -> bool:
    """Say whether noise came for as long as was listened."""
    return reply.went_on and len(reply.raw) > _LONG


_HARMLESS = {Discard.ECHO, Discard.NOISE}


def _noise(reply: Reply[Any]) -> bytes:
    return bytes(reply.raw).removeprefix(reply.request)
