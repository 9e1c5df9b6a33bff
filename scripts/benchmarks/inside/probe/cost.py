"""What something cost inside of Home Assistant."""

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Cost:
    """CPU of the event loop's thread and of the whole process, time, and the longest steps and pauses (all in s).

    A step is the CPU that the loop's thread takes from one wake-up to its next wait, without the pauses: those are the
    garbage collector's, whose length follows from all that Home Assistant holds.
    """

    cpu: float = 0.0
    process: float = 0.0
    wall: float = 0.0
    steps: list[float] = field(default_factory=list)
    usual: float = 0.0
    """What 99 of 100 steps take at most."""
    pauses: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """The longest step."""
        return max(self.steps, default=0.0)
