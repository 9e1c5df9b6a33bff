"""What a receiver reads when several slaves answer at once.

Each slave pulls the line to space (0) by its current, so the line is the wired-AND of all of
them; the receiver knows nothing of that and reads characters wherever it sees a start bit.
"""

from collections.abc import Iterable

CHARACTER_BITS = 11
_SAMPLES_PER_BIT = 16


def overlap(answers: Iterable[tuple[float, bytes]]) -> list[tuple[float, int]]:
    """Return the characters received from answers that start at the given bit times.

    Each comes with the bit time at which its start bit began.
    """
    spaces = 0
    for start, answer in answers:
        spaces |= _spaces(answer) << round(start * _SAMPLES_PER_BIT)
    return _receive(spaces)


def _spaces(answer: bytes) -> int:
    """Return the samples of an answer sent without gaps, lowest bit first, 1 where it is space."""
    spaces = 0
    sample = (1 << _SAMPLES_PER_BIT) - 1
    for position, byte in enumerate(answer):
        parity = byte.bit_count() & 1
        # Start bit, eight data bits, parity bit, stop bit; a space is a 0.
        levels = byte << 1 | parity << 9 | 1 << 10
        for bit in range(CHARACTER_BITS):
            if not levels >> bit & 1:
                spaces |= sample << (position * CHARACTER_BITS + bit) * _SAMPLES_PER_BIT
    return spaces


def _receive(spaces: int) -> list[tuple[float, int]]:
    line = f"{spaces:b}"[::-1]
    characters = []
    start = line.find("1")
    while start >= 0:
        middle = start + _SAMPLES_PER_BIT // 2
        byte = 0
        for bit in range(8):
            sample = middle + (bit + 1) * _SAMPLES_PER_BIT
            if line[sample : sample + 1] != "1":
                byte |= 1 << bit
        characters.append((start / _SAMPLES_PER_BIT, byte))
        # The receiver is ready for the next start bit in the middle of the stop bit; if that is
        # still a space (framing error) it waits for mark first.
        stop = middle + (CHARACTER_BITS - 1) * _SAMPLES_PER_BIT
        if line[stop : stop + 1] == "1":
            stop = line.find("0", stop)
            if stop < 0:
                break
        start = line.find("1", stop)
    return characters
