"""What is known of a meter on the wire, whoever asked it last."""

from dataclasses import dataclass

from ..line.frame import FRAME_COUNT_BIT


@dataclass(slots=True)
class Slave:
    """What is known of a meter by the address at which it is asked; times are the event loop's.

    `frame_count` is the FCB of the next request for data, `selection` the request that selected the
    meter last. It stands at its first telegram while `is_at_first`. A uniform one sends several
    telegrams of one form, None while that isn't known; the access number of a counting one is always
    that of the telegram before and one. Nothing is asked before `rest_until`, and until `late_until`
    an answer that was given up may still come.
    """

    frame_count: int = FRAME_COUNT_BIT
    selection: bytes | None = None
    is_at_first: bool = False
    is_uniform: bool | None = None
    is_counting: bool = False
    rest_until: float = 0.0
    late_until: float = 0.0
