"""What is taken into the history and what isn't, for actions and for people."""

from collections import defaultdict
from collections.abc import Sequence

from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..presentation.texts import Texts, option_key
from .past import LeftOut, Past, StoredTotal


def past_data(past: Past, texts: Texts) -> JsonObjectType:
    """Return the stored totals of one sensor that are taken, those that aren't, and why."""
    return {
        "taken": [_total_data(one, texts) for one in past.totals],
        "left_out": [_total_data(one, texts) for one in past.left_out],
        "reason": _reason(past, texts),
    }


def _total_data(total: StoredTotal, texts: Texts) -> JsonObjectType:
    data: JsonObjectType = {
        "storage_number": total.storage_number,
        "time": dt_util.as_local(total.moment).isoformat() if total.moment else None,
        "value": total.value,
    }
    if total.left_out:
        data["reason"] = texts[option_key("left_out", total.left_out)]
    return data


def taken_text(past: Past, texts: Texts) -> str:
    """Return how many values are taken, and of which time."""
    return texts[option_key("history", "taken")].format(
        number=len(past.totals),
        first=_shown(past.totals[0]),
        last=_shown(past.totals[-1]),
    )


def left_out_text(name: str, past: Past, texts: Texts) -> str:
    """Return a list of what of a sensor's past is left out, and why; empty where nothing is."""
    if reason := _reason(past, texts):
        return f"**{name}**: {reason}"
    alike = defaultdict[LeftOut, list[StoredTotal]](list)
    for one in past.left_out:
        if one.left_out:
            alike[one.left_out].append(one)
    lines = [
        f"- {_storages(totals, texts)}: {texts[option_key('left_out', reason)]}"
        for reason, totals in alike.items()
    ]
    return "\n".join([f"**{name}**:", "", *lines]) if lines else ""


def _storages(totals: Sequence[StoredTotal], texts: Texts) -> str:
    """Return of which storage numbers totals are; with the time where it is one alone."""
    numbers = sorted(total.storage_number for total in totals)
    text = texts[option_key("record_part", "storage")].format(
        number=", ".join(map(str, numbers))
    )
    [first, *others] = totals
    return text if others or not first.moment else f"{text} ({_shown(first)})"


def _reason(past: Past, texts: Texts) -> str | None:
    return texts[option_key("no_history", past.reason)] if past.reason else None


def _shown(total: StoredTotal) -> str:
    return dt_util.as_local(total.moment).strftime("%Y-%m-%d") if total.moment else "–"
