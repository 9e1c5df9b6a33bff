"""Which profile a meter gets, and what it says of a whole readout."""

from collections.abc import Collection, Sequence

from ..protocol import Telegram
from .block import WHOLE_BLOCK, BlockField, BlockPlace
from .common import has_cooling_register, interpret_commonly
from .interpretation import Interpretation, Place
from .profile import Profile


def best_profile(
    profiles: Collection[Profile], telegrams: Sequence[Telegram]
) -> Profile | None:
    """Return the profile that asks for most of what the meter is, a user's own before ours; None where none is for it."""
    fitting = [
        ((profile.is_own, precision), profile)
        for profile in profiles
        if (precision := profile.precision_for(telegrams)) is not None
    ]
    return max(fitting, key=lambda one: one[0])[1] if fitting else None


def interpretations(
    profile: Profile | None, telegrams: Sequence[Telegram]
) -> dict[Place, Interpretation]:
    """Return what the records of a readout mean where that isn't what the standard says.

    The profile's entries go before the rules that need none.
    """
    found = dict[Place, Interpretation]()
    counts_cooling = has_cooling_register(telegrams)
    header = telegrams[0].header if telegrams else None
    if header is not None:
        for number, telegram in enumerate(telegrams):
            for record in telegram.records:
                meaning = interpret_commonly(
                    record, header, counts_cooling=counts_cooling
                )
                if meaning is not None:
                    found[number, record.index] = meaning
    if profile is not None:
        for number, index, meaning in profile.interpret(telegrams):
            found[number, index] = meaning
    return found


def block_fields(
    profile: Profile | None, telegrams: Sequence[Telegram]
) -> dict[BlockPlace, BlockField]:
    """Return what can be shown of the manufacturer's bytes in a readout: the fields that are known, and the whole."""
    known = profile.block_fields if profile else ()
    return {
        (number, field.key): field
        for number, telegram in enumerate(telegrams)
        if telegram.manufacturer_data
        for field in (*known, WHOLE_BLOCK)
        if field.is_in(telegram.manufacturer_data)
    }
