"""Choosing records: the list a person ticks, and the bindings that follow from the ticks."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from homeassistant.helpers.selector import SelectOptionDict

from ..const import CONF_INDEX, CONF_TELEGRAM
from ..meters.binding import Binding
from ..presentation.naming import binding_name, name_key
from ..presentation.record_label import record_label
from ..presentation.texts import Texts
from ..protocol import Record, Telegram
from .adding import bind, is_sensible


def record_options(
    telegrams: Sequence[Telegram],
    bindings: Iterable[Binding],
    texts: Texts,
    medium: int | None,
) -> list[SelectOptionDict]:
    """Return every record as an option, and every binding whose record is not among them."""
    labels = {
        (
            binding.telegram,
            binding.index,
        ): f"{binding.index} · {binding_name(binding, texts)} · –"
        for binding in bindings
    }
    names: Counter[str] = Counter()
    for key, record in _records(telegrams):
        name = name_key(record.signature)
        names[name] += 1
        labels[place_of(key)] = record_label(record, texts, medium, names[name])
    several = any(telegram for telegram, _ in labels)
    return [
        SelectOptionDict(
            value=_key(*place), label=f"{place[0]}.{label}" if several else label
        )
        for place, label in sorted(labels.items())
    ]


def sensible_records(telegrams: Sequence[Telegram]) -> list[str]:
    """Return the options that are ticked from the start."""
    return [key for key, record in _records(telegrams) if is_sensible(record)]


def bound_records(bindings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the options that are ticked because they are bound."""
    return sorted(
        {_key(item[CONF_TELEGRAM], item[CONF_INDEX]) for item in bindings}, key=place_of
    )


def chosen_bindings(
    chosen: Collection[str],
    shown: Collection[str],
    telegrams: Sequence[Telegram],
    bindings: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return the bindings without those that were unticked, and with new ones for new ticks.

    `shown` were ticked when the list was shown: what was bound or unbound elsewhere meanwhile stays so.
    """
    kept = [
        item
        for item in bindings
        if (key := _key(item[CONF_TELEGRAM], item[CONF_INDEX])) in chosen
        or key not in shown
    ]
    taken = {item["name"] for item in kept}
    new = set(chosen).difference(shown, bound_records(kept))
    for key in sorted(new, key=place_of):
        kept.append(bind(telegrams, *place_of(key), taken))
        taken.add(kept[-1]["name"])
    return kept


def place_of(key: str) -> tuple[int, int]:
    """Return telegram and index of the record that an option stands for."""
    telegram, _, index = key.partition(".")
    return int(telegram), int(index)


def _records(telegrams: Sequence[Telegram]) -> Iterator[tuple[str, Record]]:
    for number, telegram in enumerate(telegrams):
        for record in telegram.records:
            yield _key(number, record.index), record


def _key(telegram: int, index: int) -> str:
    return f"{telegram}.{index}"
