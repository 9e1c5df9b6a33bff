"""What release 0.1.0, which knew no profiles, stored of the families' records: all of it is still found.

`data/bound_by_0_1_0.json` was written by that release from the families' telegrams.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from custom_components.mbus.meters.binding import Binding
from custom_components.mbus.meters.meter import Meter, bindings_from
from custom_components.mbus.meters.reinterpretation import reinterpret, reinterpreted
from custom_components.mbus.profiles.catalogue import read_catalogue

from .families import FAMILIES
from .test_families import telegrams_of

STORED: Final[dict[str, list[dict[str, Any]]]] = json.loads(
    (Path(__file__).parent / "data" / "bound_by_0_1_0.json").read_text()
)
CATALOGUE = read_catalogue()


def stored(family: str) -> list[dict[str, Any]]:
    """Return a meter's bindings as they were stored."""
    return [
        {**item, "id": str(number), "name": str(number)}
        for number, item in enumerate(STORED[family])
    ]


@pytest.mark.parametrize("family", STORED)
def test_a_record_is_found_again(family: str) -> None:
    """No binding sees another record than the one it was made for, by no profile and with the profile applied."""
    telegrams = telegrams_of(FAMILIES[family])
    before = stored(family)
    meter = Meter(id="1", title="Meter", address=1, bindings=bindings_from(before))
    changes = reinterpret(meter, telegrams, CATALOGUE)
    meanings = CATALOGUE.interpret(telegrams)
    after = reinterpreted(before, changes, telegrams, meanings)
    assert not changes.kept
    for item in (*before, *after):
        record = Binding.from_dict(item).record_in(telegrams)
        assert record.header.hex() == item["header"]
    for item in after:
        place = item["telegram"], item["index"]
        assert bool(item.get("interpretation")) == (place in meanings)
