"""What a meter has of the profile of its family: how it is read, and how often at most."""

from copy import replace
from dataclasses import fields
from typing import Any

from ..const import CONF_PROFILE_QUIRKS, CONF_SHORTEST_PERIOD
from ..profiles.profile import Profile
from ..protocol import Quirks


def with_other_profile(quirks: Quirks, old: Quirks | None, new: Quirks) -> Quirks:
    """Return quirks in which what one profile had given is what another one gives; what was entered otherwise stays."""
    before = old or Quirks()
    given = {
        name: getattr(new, name)
        for name in (field.name for field in fields(Quirks))
        if getattr(quirks, name) == getattr(before, name)
    }
    changed = replace(quirks, **given | {"usual_application": False})
    was_told = quirks.usual_application and changed.application_reset is None
    return replace(changed, usual_application=was_told)


def given_by(profile: Profile | None, *, is_known: bool = True) -> dict[str, Any]:
    """Return what a meter stores of what its profile, if it has one, gives.

    While it is not known which one that is, the next whole reading tells.
    """
    quirks = profile.quirks if profile else Quirks()
    return {
        CONF_PROFILE_QUIRKS: quirks.as_dict() if is_known else None,
        CONF_SHORTEST_PERIOD: profile and profile.shortest_period,
    }
