"""What is taken into the history and what isn't, for actions and for people."""

from collections import defaultdict
from collections.abc import Sequence

from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..presentation.texts import Texts, option_key
from .past import Past
from .totals import LeftOut, LeftOutTotal, StoredTotal


def past_data(past: Past, texts: Texts) -> JsonObjectType:
    """Return the stored totals of one sensor that are taken, those that aren't, and why."""
    return {
        "taken": [_total_data(one) for one in past.totals],
        "left_out": [
            {
                **_total_data(one),
                "reason": texts[option_key("left_out", one.reason)],
            }
            for one in past.left_out
        ],
        "reason": _reason(past, texts),
    }


def _total_data(total: StoredTotal | LeftOutTotal) -> JsonObjectType:
    return {
        "storage_number": total.storage_number,
        "time": dt_util.as_local(total.moment).isoformat() if total.moment else None,
        "value": total.value,
    }


def taken_text(past: Past, texts: Texts) -> str:
    """Return how many values are taken, and of which time; of one alone, the time."""
    first, *others = past.totals
    if not others:
        return _shown(first)
    return texts[option_key("history", "taken")].format(
        number=len(past.totals),
        first=_shown(first),
        last=_shown(past.totals[-1]),
    )


def left_out_text(name: str, past: Past, texts: Texts) -> str:
    """Return a list of what of a sensor's past is left out, and why; empty where nothing is."""
    if reason := _reason(past, texts):
        return f"**{name}**: {reason}"
    alike = defaultdict[LeftOut, list[LeftOutTotal]](list)
    for one in past.left_out:
        alike[one.reason].append(one)
    lines = [
        f"- {_storages(totals, texts)}: {texts[option_key('left_out', reason)]}"
        for reason, totals in alike.items()
    ]
    heading = f"**{name}**, {texts[option_key('history', 'left_out')]}:"
    return "\n".join([heading, "", *lines]) if lines else ""


def _storages(totals: Sequence[LeftOutTotal], texts: Texts) -> str:
    """Return of which storage numbers totals are; with the time where it is one alone."""
    numbers = sorted(total.storage_number for total in totals)
    text = texts[option_key("record_part", "storage")].format(
        number=", ".join(map(str, numbers))
    )
    [first, *others] = totals
    return text if others or not first.moment else f"{text} ({_shown(first)})"


def _reason(past: Past, texts: Texts) -> str | None:
    return texts[option_key("no_history", past.reason)] if past.reason else None


def _shown(total: StoredTotal | LeftOutTotal) -> str:
    return dt_util.as_local(total.moment).strftime("%Y-%m-%d") if total.moment else "–"
