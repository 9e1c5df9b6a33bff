"""What meters and connections are called as long as nobody gives them a name."""

from ..protocol import Address, Header, Identity
from .manufacturers import manufacturer_name
from .texts import Texts, option_key


def meter_title(
    header: Header | Identity | None, address: Address, texts: Texts
) -> str:
    """Return what a meter is called until someone renames it: who made it, what it is, and its number.

    Set side by side, so that no word has to agree with another.
    """
    if header is None or header.identification is None:
        return f"{device_kind(None, texts)} {address}"
    maker = manufacturer_name(header.manufacturer or "")
    kind = texts[_kind_key(header.medium, texts)]
    return _capitalised(f"{maker} {kind} {header.identification}".strip())


def title_after_exchange(
    title: str,
    old: Identity | None,
    new: Identity | None,
    address: Address,
    texts: Texts,
) -> str:
    """Return what a meter is called when another took its place: nobody's name for it goes on naming the old number."""
    if old is None or new is None or not (old.identification and new.identification):
        return title
    if title == meter_title(old, address, texts):
        return meter_title(new, address, texts)
    return title.replace(old.identification, new.identification)


def identity_text(
    identity: Identity, texts: Texts, other: Identity | None = None
) -> str:
    """Return what tells a meter from all others, and what alone tells it from another one of its number."""
    text = " ".join(filter(None, (identity.manufacturer, identity.identification)))
    if number := identity.fabrication_number:
        pattern = texts[option_key("identity", "fabrication_number")]
        text = pattern.format(meter=text, number=number)
    if other is not None and other.matches(identity):
        pattern = texts[option_key("identity", "version")]
        kind = texts[_kind_key(identity.medium, texts)]
        text = pattern.format(meter=text, version=identity.version, kind=kind)
    return text


def device_kind(medium: int | None, texts: Texts) -> str:
    """Return what a device for a medium (device type code) is, such as "Heat meter"."""
    return _capitalised(texts[_kind_key(medium, texts)])


def link_kind(link_type: str, texts: Texts) -> str:
    """Return what leads to the bus."""
    return texts[option_key("link", link_type)]


def _kind_key(medium: int | None, texts: Texts) -> str:
    """Return the key of the text for a device type; of a reserved or unknown one, that of any meter."""
    key = option_key("device_type", f"{medium or 0:02x}")
    return key if key in texts else option_key("device_type", "00")


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]
