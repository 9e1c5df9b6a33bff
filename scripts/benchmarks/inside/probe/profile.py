"""Where the CPU of the main thread goes: its stack, weighed with the CPU that it took since it was looked at last."""

from collections import Counter
from pathlib import Path
import signal
from time import thread_time
from types import FrameType

EVERY = 0.001  # s of CPU of the whole process


class Sampler:
    """Looks at the stack until it is stopped. A signal does it: another thread would only get its turn in pauses."""

    def __init__(self) -> None:
        """Begin."""
        self._stacks = Counter[str]()
        self._before = thread_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)

    def stop(self, path: str) -> None:
        """Write the stacks, outermost first, each with its microseconds, as flame graphs are made of."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        lines = (f"{stack} {count}\n" for stack, count in self._stacks.most_common())
        Path(path).write_text("".join(lines))

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        taken = int((thread_time() - self._before) * 1_000_000)
        self._stacks[_stack(frame)] += taken
        self._before = thread_time()


def _stack(frame: FrameType | None) -> str:
    calls = list[str]()
    while frame:
        code = frame.f_code
        calls.append(
            f"{'/'.join(Path(code.co_filename).parts[-2:])}:{code.co_qualname}"
        )
        frame = frame.f_back
    return ";".join(reversed(calls))
