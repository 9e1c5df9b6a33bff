"""Choosing records: the list a person ticks, and the bindings that follow from the ticks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from homeassistant.helpers.selector import SelectOptionDict

from .adding import bind
from .const import CONF_INDEX, CONF_TELEGRAM
from .description import is_sensible, record_label
from .protocol import Record, Telegram


def record_options(
    telegrams: Sequence[Telegram],
    bindings: Sequence[Mapping[str, Any]],
    texts: Mapping[str, str],
) -> list[SelectOptionDict]:
    """Return every record as an option, and every binding whose record is not among them."""
    several = len(telegrams) > 1 or any(item[CONF_TELEGRAM] for item in bindings)
    options = {
        key: f"{key.partition('.')[0]}.{label}" if several else label
        for key, record in _records(telegrams)
        for label in [record_label(record, texts)]
    }
    for item in bindings:
        key = _key(item[CONF_TELEGRAM], item[CONF_INDEX])
        place = key if several else item[CONF_INDEX]
        options.setdefault(key, f"{place} · {item.get('title') or item['name']} · –")
    return [
        SelectOptionDict(value=key, label=options[key])
        for key in sorted(options, key=_place)
    ]


def sensible_records(telegrams: Sequence[Telegram]) -> list[str]:
    """Return the options that are ticked from the start."""
    return [key for key, record in _records(telegrams) if is_sensible(record)]


def bound_records(bindings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the options that are ticked because they are bound."""
    return sorted(
        {_key(item[CONF_TELEGRAM], item[CONF_INDEX]) for item in bindings}, key=_place
    )


def chosen_bindings(
    chosen: Collection[str],
    telegrams: Sequence[Telegram],
    bindings: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return the bindings that are still ticked, as they were, and new ones for new ticks."""
    kept = [
        item
        for item in bindings
        if _key(item[CONF_TELEGRAM], item[CONF_INDEX]) in chosen
    ]
    taken = {item["name"] for item in kept}
    for key in sorted(set(chosen) - set(bound_records(bindings)), key=_place):
        kept.append(bind(telegrams, *_place(key), taken))
        taken.add(kept[-1]["name"])
    return kept


def _records(telegrams: Sequence[Telegram]) -> Iterator[tuple[str, Record]]:
    for number, telegram in enumerate(telegrams):
        for record in telegram.records:
            yield _key(number, record.index), record


def _key(telegram: int, index: int) -> str:
    return f"{telegram}.{index}"


def _place(key: str) -> tuple[int, int]:
    telegram, _, index = key.partition(".")
    return int(telegram), int(index)
