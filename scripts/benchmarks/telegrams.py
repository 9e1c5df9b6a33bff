"""Telegrams to work on: those of real meters where they are at hand, else some of our own."""

from dataclasses import dataclass
import json
from pathlib import Path
from random import Random
from typing import Self

from custom_components.mbus.protocol import parse_telegram

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "telegrams.jsonl"

_CHECKED_FROM = 4
_CONTROL_INFORMATION = 6
_ACCESS_NUMBERS = {0x72: 15, 0x73: 11}

_OWN = {
    # Heat: energy, volume, power, flow, temperatures, hours, clock, two years of due dates.
    "78 56 34 12 24 23 2F 04": (
        "0C 78 78 56 34 12  04 06 39 30 00 00  04 14 15 CD 5B 07  0B 2D 45 01 00  0B 3B 13 06 00"
        "0A 5A 77 06  0A 5E 34 04  0A 62 43 02  04 22 53 3C 00 00  04 6D 23 0E 56 3B"
        "44 06 11 22 00 00  42 6C 5F 3C  44 14 15 CD 00 07  84 01 06 00 11 00 00  82 01 6C 5F 2C"
        "14 2D 39 00 00 00  14 3B 80 0C 00 00  8C 10 06 43 05 00 00  02 FD 17 00 00  1F"
    ),
    # Cold water: volume, backward volume, flow, months.
    "41 52 63 74 2D 2C 1B 16": (
        "0C 13 54 06 65 01  0C 93 3C 10 00 00 00  0B 3B 13 06 00  04 6D 23 0E 56 3B"
        "4C 13 00 06 65 01  42 EC 7E 5F 3C  CC 01 13 00 06 60 01  01 FD 74 55  02 FD 17 00 00"
    ),
    # Electricity: energies by tariff and direction, power, voltage, current of three phases.
    "99 88 77 66 42 04 10 02": (
        "0E 84 00 56 34 12 00 00 00  8E 10 84 00 56 34 12 00 00 00  04 86 3C 33 00 00 00"
        "04 A9 FC 01 10 27 00 00  04 A9 FC 02 11 27 00 00  04 A9 FC 03 12 27 00 00"
        "02 FD C8 FC 01 FC 08  02 FD C8 FC 02 FD 08  02 FD C8 FC 03 FE 08"
        "03 FD D9 FC 01 10 27 00  03 FD D9 FC 02 11 27 00  03 FD D9 FC 03 12 27 00"
        "04 FB 97 72 10 27 00 00  02 FB 2E F4 01  01 FF 13 04"
    ),
    # Room sensor: real numbers and a plain text unit.
    "34 08 00 54 96 15 32 1B": (
        "05 67 18 DF B0 41  02 FC 03 48 52 25 74 44 0D  12 FC 03 48 52 25 74 C8 11  01 FD 1B 00"
    ),
}  # fmt: skip


def checked(body: bytes) -> bytes:
    """Put what stands between the second start byte and the checksum in a sound frame."""
    length = len(body)
    return bytes((0x68, length, length, 0x68)) + body + bytes((sum(body) % 256, 0x16))


def load_telegrams() -> tuple[str, list[bytes]]:
    """Say where the telegrams come from, and give them."""
    if CORPUS.exists():
        entries = map(json.loads, CORPUS.read_text().splitlines())
        frames = [
            bytes.fromhex(entry["hex"]) for entry in entries if entry["kind"] == "valid"
        ]
        return "real meters", frames
    return "our own", [
        checked(
            bytes.fromhex("08 01 72") + bytes.fromhex(header + "01 00 00 00" + records)
        )
        for header, records in _OWN.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A telegram of which access number and values can be made others, as a meter does."""

    frame: bytes
    binary: tuple[int, ...]
    digits: tuple[int, ...]

    @classmethod
    def of(cls, frame: bytes) -> Self:
        """Find the bytes to change: low bytes of numbers, so that they stay numbers."""
        binary = [_ACCESS_NUMBERS[frame[_CONTROL_INFORMATION]]]
        digits: list[int] = []
        position = _CONTROL_INFORMATION
        for record in parse_telegram(frame).records:
            whole = record.header + record.raw
            if (found := frame.find(whole, position)) < 0 or record.value is None:
                continue
            position = found + len(whole)
            first, last = position - len(record.raw), position - 1
            match record.header[0] & 0x0F:
                case 0x1 | 0x2 | 0x3 | 0x4 | 0x6 | 0x7 if record.unit:
                    binary += range(first, last)
                case 0x5:
                    binary += range(first, last - 1)
                case 0x9 | 0xA | 0xB | 0xC | 0xE:
                    digits += range(first, last)
        return cls(frame=frame, binary=tuple(binary), digits=tuple(digits))

    def vary(self, random: Random) -> bytes:
        """Give the telegram with other values and the checksum that belongs to them."""
        frame = bytearray(self.frame)
        for position in self.binary:
            frame[position] = random.randrange(256)
        for position in self.digits:
            frame[position] = random.randrange(10) << 4 | random.randrange(10)
        return checked(bytes(frame[_CHECKED_FROM:-2]))
