"""Choosing records: the list a person ticks, and the bindings that follow from the ticks.

An option is a record, by telegram and index, or a part of the manufacturer's bytes, by telegram and key.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from ..const import CONF_INDEX, CONF_TELEGRAM
from ..meters.binding import Binding
from ..meters.bound import NOTHING_ELSE
from ..presentation.naming import binding_name, name_key
from ..presentation.record_label import block_label, record_label
from ..presentation.texts import Texts
from ..profiles.block import BlockField, BlockPlace
from ..profiles.interpretation import Interpretations, meant
from ..protocol import Function, Record, Telegram
from .adding import bind, bind_block, sensible_places

type BlockFields = Mapping[BlockPlace, BlockField]

_DATES: Final = ("date", "date_time")

_LONGEST_LIST: Final = 12
"""Records that a dialog shows at one look; more of them are searched."""
_PRESENT: Final = (Function.INSTANTANEOUS, Function.ERROR)

NO_FIELDS: Final[BlockFields] = {}


def record_options(
    telegrams: Sequence[Telegram],
    bindings: Iterable[Binding],
    texts: Texts,
    medium: int | None,
    interpretations: Interpretations = NOTHING_ELSE,
    fields: BlockFields = NO_FIELDS,
) -> list[SelectOptionDict]:
    """Return every record and field as an option, and every binding whose record is not among them.

    They come by telegram, in each the present values first. A field that is bound is what it was bound to, wherever a
    changed file has it now.
    """
    bindings = [*bindings]
    labels = {
        (key := _key(binding.telegram, _where(binding))): (
            f"{key} · {binding_name(binding, texts)} · –"
        )
        for binding in bindings
    }
    present = set()
    names: Counter[str] = Counter()
    for key, record in _records(telegrams):
        place = place_of(key)
        interpretation = interpretations.get(place)
        signature = meant(record, interpretation)
        name = name_key(signature)
        names[name] += 1
        label = record_label(
            record,
            texts,
            medium,
            names[name],
            telegram=telegrams[place[0]],
            interpretation=interpretation,
            kept_at=kept_at(telegrams, record),
        )
        labels[key] = f"{place[0]}.{label}"
        if not signature.storage_number and signature.function in _PRESENT:
            present.add(key)
    bound = {(one.telegram, one.block.key): one.block for one in bindings if one.block}
    for (telegram, key), field in {**fields, **bound}.items():
        if (
            data := telegrams[telegram].manufacturer_data
            if telegram < len(telegrams)
            else b""
        ):
            label = block_label(field, data, texts, medium)
            labels[_key(telegram, key)] = f"{telegram} · {label}"

    def order(key: str) -> tuple[int, bool, int, str]:
        telegram, index, part = _order(key)
        return telegram, key not in present, index, part

    return [
        SelectOptionDict(value=key, label=labels[key])
        for key in sorted(labels, key=order)
    ]


def records_selector(options: Sequence[SelectOptionDict]) -> SelectSelector:
    """Return a field for any number of records: a list to tick, and where that would be long, one that is searched."""
    is_long = len(options) > _LONGEST_LIST
    return SelectSelector(
        SelectSelectorConfig(
            options=options,
            multiple=True,
            mode=SelectSelectorMode.DROPDOWN if is_long else SelectSelectorMode.LIST,
        )
    )


def sensible_records(
    telegrams: Sequence[Telegram],
    interpretations: Interpretations = NOTHING_ELSE,
    fields: BlockFields = NO_FIELDS,
) -> list[str]:
    """Return the options that are ticked from the start."""
    return [_key(*place) for place in sensible_places(telegrams, interpretations)] + [
        _key(telegram, field.key)
        for (telegram, _), field in fields.items()
        if field.interpretation.rule.ticked
    ]


def bound_records(bindings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the options that are ticked because they are bound."""
    return sorted({_key_of(item) for item in bindings}, key=_order)


def chosen_bindings(
    chosen: Collection[str],
    shown: Collection[str],
    telegrams: Sequence[Telegram],
    bindings: Sequence[dict[str, Any]],
    interpretations: Interpretations = NOTHING_ELSE,
    fields: BlockFields = NO_FIELDS,
) -> list[dict[str, Any]]:
    """Return the bindings without those that were unticked, and with new ones for new ticks.

    `shown` were ticked when the list was shown: what was bound or unbound elsewhere meanwhile stays so.
    """
    kept = [
        item
        for item in bindings
        if (key := _key_of(item)) in chosen or key not in shown
    ]
    taken = {item["name"] for item in kept}
    by_key = {
        _key(telegram, field.key): field for (telegram, _), field in fields.items()
    }
    new = set(chosen).difference(shown, bound_records(kept))
    for key in sorted(new, key=_order):
        if field := by_key.get(key):
            kept.append(bind_block(_order(key)[0], field, taken))
        else:
            kept.append(bind(telegrams, *place_of(key), taken, interpretations))
        taken.add(kept[-1]["name"])
    return kept


def kept_at(telegrams: Sequence[Telegram], record: Record) -> str | None:
    """Return the date that a meter sends for the storage that a record is in; None where it is one itself."""
    signature = record.signature
    if not signature.storage_number or signature.quantity in _DATES:
        return None
    return next(
        (
            str(other.value)
            for telegram in telegrams
            for other in telegram.records
            if other.signature.quantity in _DATES
            and not other.signature.modifiers
            and other.signature.storage_number == signature.storage_number
            and other.signature.subunit == signature.subunit
            and other.signature.tariff in (0, signature.tariff)
            and other.value is not None
        ),
        None,
    )


def place_of(key: str) -> tuple[int, int]:
    """Return telegram and index of the record that an option stands for."""
    telegram, _, index = key.partition(".")
    return int(telegram), int(index)


def _records(telegrams: Sequence[Telegram]) -> Iterator[tuple[str, Record]]:
    for number, telegram in enumerate(telegrams):
        for record in telegram.records:
            yield _key(number, record.index), record


def _key_of(item: Mapping[str, Any]) -> str:
    block = item.get("block")
    where = block["interpretation"]["entry"] if block else item[CONF_INDEX]
    return _key(item[CONF_TELEGRAM], where)


def _key(telegram: int, where: int | str) -> str:
    return f"{telegram}.{where}"


def _where(binding: Binding) -> int | str:
    """Return what tells an option from others of its telegram."""
    if binding.block:
        return binding.block.key
    assert binding.index is not None
    return binding.index


def _order(key: str) -> tuple[int, int, str]:
    """Return what options are sorted by: records by index, then what is in the manufacturer's bytes."""
    telegram, _, where = key.partition(".")
    if where.isdecimal():
        return int(telegram), int(where), ""
    return int(telegram), 1 << 16, where
