"""The list of a meter's records, as far as it needs no profile: what is told apart, dated, ticked, and never a riddle."""

from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.flows.adding import bind_sensible
from custom_components.mbus.flows.record_choice import record_options, sensible_records
from custom_components.mbus.meters.binding import Binding
from custom_components.mbus.meters.bound import bound_to
from custom_components.mbus.meters.evaluation import value_in
from custom_components.mbus.presentation.display import display_of, native_value
from custom_components.mbus.presentation.texts import Texts, async_get_texts
from custom_components.mbus.profiles.catalogue import read_catalogue
from custom_components.mbus.protocol import Telegram, long_frame, parse_telegram

CATALOGUE = read_catalogue()


@pytest.fixture(name="texts")
async def texts_fixture(hass: HomeAssistant, enable_custom_integrations: None) -> Texts:
    """Return the texts in English."""
    return await async_get_texts(hass)


def telegram(*records: str, medium: int = 4, maker: str = "4304") -> Telegram:
    """Return a telegram of a maker that no profile is for."""
    header = bytes.fromhex(f"78563412 {maker} 01") + bytes([medium, 1, 0, 0, 0])
    return parse_telegram(
        long_frame(8, 1, 0x72, header + bytes.fromhex("".join(records)))
    )


def lines(texts: Texts, *telegrams: Telegram) -> list[str]:
    """Return the list of records."""
    header = telegrams[0].header
    assert header is not None
    options = record_options(
        telegrams, (), texts, header.medium, CATALOGUE.interpret(telegrams)
    )
    return [option["label"] for option in options]


def ticks(*telegrams: Telegram) -> list[str]:
    """Return what is ticked from the start."""
    return sensible_records(telegrams, CATALOGUE.interpret(telegrams))


async def test_cooling_by_vife(texts: Texts) -> None:
    """On heat meters, 3C is cooling and 3B beside it heating; on volume only beside energy; elsewhere it is export."""
    both = telegram("04863b 01000000", "04863c 02000000", "04933c 03000000")
    assert lines(texts, both) == [
        "0.0 · Energy, heating · 1 kWh",
        "0.1 · Energy, cooling · 2 kWh",
        "0.2 · Volume, cooling · 0.003 m³",
    ]
    assert ticks(both) == ["0.0", "0.1", "0.2"]
    volume = telegram("0406 01000000", "04933c 03000000")
    assert lines(texts, volume)[1] == "0.1 · Volume, export · 0.003 m³"
    electricity = telegram("04863b 01000000", "04863c 02000000", medium=2)
    assert lines(texts, electricity)[1] == "0.1 · Energy, export · 2 kWh"


async def test_cooling_by_tariff(texts: Texts) -> None:
    """Only on meters for heat and cooling, only of makers known for it, and not beside a register of cooling."""
    sent = ("0406 01000000", "841006 02000000")
    engelmann = {"maker": "c514"}
    cooling = telegram(*sent, medium=0x0D, **engelmann)
    assert lines(texts, cooling)[1] == "0.1 · Energy, cooling · 2 kWh"
    for other in (
        telegram(*sent, medium=4, maker="c514"),
        telegram(*sent, medium=0x0D),
        telegram(*sent, "04863c 05000000", medium=0x0D, maker="c514"),
    ):
        assert lines(texts, other)[1] == "0.1 · Energy, tariff 1 · 2 kWh"


async def test_units_spelt_out(texts: Texts) -> None:
    """A unit of the standard's is that unit; a total is not taken for one that only rises."""
    sent = telegram(
        "047c 04684156 6b 67120000".replace(" ", ""),
        "027c 0125 3200".replace(" ", ""),
        "027c 03485225 3b00".replace(" ", ""),
        "027c 03 6f6f66 3b00".replace(" ", ""),
        "027c 02 336d 3b00".replace(" ", ""),
    )
    assert lines(texts, sent) == [
        "0.0 · Apparent energy · 4,711 kVAh",
        "0.1 · Percentage · 50 %",
        "0.2 · Relative humidity · 59 %",
        "0.3 · Value, “foo” · 59 foo",
        "0.4 · Volume · 59 m³",
    ]
    meanings = CATALOGUE.interpret([sent])
    stored = bound_to([sent], 0, 0, meanings)
    binding = Binding.from_dict({"id": "1", "name": "it", **stored})
    assert display_of(binding, 4).description.state_class == "total"


async def test_kept_values_have_their_date(texts: Texts) -> None:
    """Where the meter sends one for that storage; the name of an entity says no date, which moves on."""
    sent = telegram("4406 01000000", "426c bf25", "840106 01000000")
    assert lines(texts, sent) == [
        "0.0 · Energy, storage 1 (2021-05-31) · 1 kWh",
        "0.1 · Date, storage 1 · 2021-05-31",
        "0.2 · Energy, storage 2 · 1 kWh",
    ]


def test_of_two_of_one_name_the_first_is_ticked() -> None:
    """Nobody could tell two entities of the same name apart; the other one can be ticked."""
    sent = telegram("042b 01000000", "042b 02000000", "0406 01000000")
    assert ticks(sent) == ["0.0", "0.2"]
    assert [item["index"] for item in bind_sensible([sent], {})] == [0, 2]


def test_many_values_in_one_are_shown_as_bytes() -> None:
    """A compact profile is no number, and no sensor that stays unknown."""
    sent = telegram("0d931f 04 01020304".replace(" ", ""))
    stored = bound_to([sent], 0, 0)
    binding = Binding.from_dict({"id": "1", "name": "it", **stored})
    display = display_of(binding, 7)
    assert display.description.device_class is None
    assert native_value(display, value_in(binding, [sent])) == "01020304"


def test_a_text_that_a_profile_names_is_shown_as_one() -> None:
    """The text of its VIF is no unit, which would ask for a number."""
    sent = telegram("0d7c084449202e74737563 03333231", medium=7, maker="7704")
    sent = parse_telegram(
        long_frame(8, 1, 0x72, sent.frame[7:13] + b"\x14" + sent.frame[14:-2])
    )
    stored = bound_to([sent], 0, 0, CATALOGUE.interpret([sent]))
    binding = Binding.from_dict({"id": "1", "name": "it", **stored})
    assert binding.meaning is not None
    assert binding.meaning.quantity == "customer"
    display = display_of(binding, 7)
    assert native_value(display, "123") == "123"
