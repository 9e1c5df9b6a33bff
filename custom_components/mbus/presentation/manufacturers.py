"""Names of manufacturers often met on wired M-Bus, by their three letters (FLAG association)."""

from typing import Final

MANUFACTURERS: Final[dict[str, str]] = {
    "ABB": "ABB",
    "ACW": "Itron",
    "AMT": "Integra",
    "APA": "Apator",
    "BMT": "BMeters",
    "DME": "Diehl",
    "EFE": "Engelmann",
    "ELS": "Elster",
    "ELV": "Elvaco",
    "EMH": "EMH",
    "EMU": "EMU",
    "FIN": "Finder",
    "GMC": "Gossen Metrawatt",
    "GWF": "GWF",
    "HYD": "Diehl",
    "ISK": "Iskraemeco",
    "ITW": "Itron",
    "KAM": "Kamstrup",
    "LGB": "Landis+Gyr",
    "LGZ": "Landis+Gyr",
    "LSE": "Siemens",
    "LUG": "Landis+Gyr",
    "NZR": "NZR",
    "PAD": "Relay",
    "QDS": "Qundis",
    "RAM": "Rossweiner",
    "REL": "Relay",
    "SBC": "Saia-Burgess",
    "SEN": "Sensus",
    "SLB": "Itron",
    "SON": "Sontex",
    "SPX": "Sensus",
    "TCH": "Techem",
    "ZRI": "Zenner",
    "ZRM": "Zenner",
}


def manufacturer_name(code: str) -> str:
    """Return the name behind three letters, or the letters themselves."""
    return MANUFACTURERS.get(code, code)
