"""Meters that serve what a test needs: given frames, or values that tell where they belong."""

from collections.abc import Sequence
from typing import Any, override

from . import frames
from .meter import SimulatedMeter
from .records import integer


class FrameMeter(SimulatedMeter):
    """Serves the frames given, in their order, as telegrams of one readout.

    Only the A field and the checksum are made its own.
    """

    has_records = False

    def __init__(self, given: Sequence[bytes], address: int, **options: Any) -> None:
        """Set up a meter that is known by the secondary address in the first frame, if any."""
        body = frames.body_of(given[0])
        super().__init__(address, **options)
        match body[2]:
            case 0x72 | 0x76 if len(body) >= 15:
                self.set_secondary_address(body[3:11])
            case 0x73 if len(body) == 19:
                self.identification = body[6:2:-1].hex().upper()
        self._given = list(given)

    @override
    def telegrams(self) -> list[bytes]:
        return self._given

    @override
    def readout(self) -> list[bytes]:
        return self._given

    @override
    def telegram_frame(self, telegram: bytes, *, more: bool) -> bytes:
        body = frames.body_of(telegram)
        return frames.enclose(body[:1] + bytes((self.address,)) + body[2:])


class CodedMeter(SimulatedMeter):
    """Every value says which it is: meter, telegram, index and count of the readout.

    `decode` takes such a value apart.
    """

    def __init__(
        self,
        address: int,
        *,
        telegram_count: int = 3,
        record_count: int = 4,
        of_one_form: bool = False,
        **options: Any,
    ) -> None:
        """Set up a meter; its number is its identification.

        Of one form, its telegrams differ in nothing but their values.
        """
        super().__init__(address, **options)
        self.readouts = 0
        self._telegram_count = telegram_count
        self._record_count = record_count
        self._of_one_form = of_one_form

    @override
    def telegrams(self) -> list[bytes]:
        return [
            b"".join(
                # Each record is of a storage number of its own: the signatures differ.
                integer(
                    f"C7 {0x80 | index:02X} {0 if self._of_one_form else telegram:02X} 16",
                    self.encode(
                        int(self.identification), telegram, index, self.readouts
                    ),
                )
                for index in range(self._record_count)
            )
            for telegram in range(self._telegram_count)
        ]

    @override
    def readout(self) -> list[bytes]:
        self.readouts += 1
        return super().readout()

    @staticmethod
    def encode(meter: int, telegram: int, index: int, readout: int) -> int:
        """Return the value that says this."""
        return ((meter * 16 + telegram) * 16 + index) << 24 | readout

    @staticmethod
    def decode(value: int) -> tuple[int, int, int, int]:
        """Return meter, telegram, index and count of the readout."""
        place = value >> 24
        return place >> 8, place >> 4 & 15, place & 15, value & 0xFFFFFF
