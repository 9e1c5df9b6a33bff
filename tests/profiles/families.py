"""A telegram of every family that has a profile, made by hand after its document: what each record sends and means.

By the profile's id: manufacturer, version and device type of the header, and records as bytes, each with the line that
the list of records is to show for it, written down from the document and not from what the code gives.
"""

from typing import Final, NamedTuple


class Family(NamedTuple):
    """A header and records with their lines."""

    manufacturer: str
    version: int
    medium: int
    records: tuple[tuple[str, str], ...]
    block: str = ""
    block_lines: tuple[str, ...] = ()


FAMILIES: Final[dict[str, Family]] = {
    "abb_a4x_b2x": Family(
        "ABB",
        0x20,
        0x02,
        (
            ("0e8400 139000000000", "Energy · 90.13 kWh"),
            ("8e408400 139000000000", "Energy, export · 90.13 kWh"),
            ("8e80408400 550800000000", "Reactive energy · 8.55 kvarh"),
            ("8ec0408400 550800000000", "Reactive energy, export · 8.55 kvarh"),
            ("8e8080408400 867600000000", "Apparent energy · 76,860 VAh"),
            ("8ec080408400 000000000000", "Apparent energy, export · 0 VAh"),
            ("8480c0408400 f5fcffff", "Energy, import minus export · -7.79 kWh"),
            (
                "84c0c0408400 a9fcffff",
                "Reactive energy, import minus export · -8.55 kvarh",
            ),
            ("04a900 4c070000", "Power · 18.68 W"),
            ("848040a900 b3feffff", "Reactive power · -3.33 var"),
            ("84808040a900 e20e0000", "Apparent power · 38.1 VA"),
            ("04a9ff8200 4c070000", "Power, phase 2 · 18.68 W"),
            ("0484ff8300 0a000000", "Energy, phase 3 · 0.1 kWh"),
            ("04fdc8ff8500 bb0f0000", "Voltage, phase 1 to 2 · 402.7 V"),
            ("04fdd9ff8100 c8010000", "Current, phase 1 · 0.456 A"),
            ("0affd900 0550", "Frequency · 50.05 Hz"),
            ("02ffe000 eb01", "Power factor · 0.491"),
            ("02ffe0ff8100 6e00", "Power factor, phase 1 · 0.11"),
            ("02ffd200 a2fd", "Phase angle of power · -60.6 °"),
            ("01ff9700 04", "Quadrant · 4"),
            ("01ff9300 01", "Active tariff · 1"),
            (
                "04ffa015 00000000",
                "Current transformer ratio, numerator · – (0 stands for no value)",
            ),
            (
                "04ffa200 01000000",
                "Current transformer ratio, denominator · 1",
            ),
            ("07ffa600 0000000000000080", "Error flags · 9223372036854775808"),
            ("04ff9800 9f030000", "Power failures · 927"),
            ("0dffaa00 0b 3030312d333135203134 41", "Model version · A41 513-100"),
            ("0effec00 001502010000", "Power outage time · 26.25 h"),
            ("0eed00 305912311224", "Date and time · 2024-12-31 12:59:30"),
            ("0efff9c400 399103000000", "CO2 emission · 39.139 kg"),
            ("0efff9c900 143900000000", "Cost · 39.14"),
            ("81808040fd9b00 01", "Digital input, input 4 · 1"),
            ("c140fd9b00 01", "Digital input, input 1, was on · 1"),
            ("8e808040fde100 420000000000", "Pulse count, input 4 · 42"),
            ("0484fff200 10270000", "Energy, resettable · 100 kWh"),
        ),
    ),
    "abb_delta": Family(
        "ABB",
        0x02,
        0x02,
        (
            ("0e04 139000000000", "Energy · 90.13 kWh"),
            ("8e904004 550800000000", "Reactive energy, tariff 1 · 8.55 kvarh"),
            ("01ff13 02", "Active tariff · 2"),
        ),
    ),
    "schneider_iem3000": Family(
        "SEC",
        0x15,
        0x02,
        (
            ("0703 64821a1600000000", "Energy · 370,836.068 kWh"),
            ("0503 0000c942", "Energy, no. 2 · 100.5 kWh"),
            ("0783ff09 e803000000000000", "Energy, export · 1 kWh"),
            ("874003 e803000000000000", "Reactive energy · 1 kvarh"),
            ("0783ff02 e803000000000000", "Energy, phase 2 · 1 kWh"),
            ("0783ff0d e803000000000000", "Energy, resettable · 1 kWh"),
            ("05fdc9ff01 00006643", "Voltage, phase 1 · 230 V"),
            ("05fdc9ff05 0000c843", "Voltage, phase 1 to 2 · 400 V"),
            ("05fddcff00 0000c03f", "Current, average · 1.5 A"),
            ("85402e 0000803f", "Reactive power · 1,000 var"),
            ("8580402e 0000803f", "Apparent power · 1,000 VA"),
            ("05ff0a 0000003f", "Power factor · 0.5"),
            ("05ff0a 0000d03f", "Power factor, no. 2 · 0.375"),
            ("05ff0b 00004842", "Frequency · 50 Hz"),
            ("871003 e803000000000000", "Energy, tariff 1 · 1 kWh"),
        ),
    ),
    "gavazzi_em": Family(
        "GAV",
        0xC7,
        0x02,
        (
            ("84402a a0090000", "Power, phase 1 · 246.4 W"),
            ("848040fd59 d2040000", "Current, phase 2 · 1.234 A"),
            ("84c040fd48 1a090000", "Voltage, phase 3 · 233 V"),
            (
                "84808040fd48 c40f0000",
                "Voltage, average line to line · 403.6 V",
            ),
            ("8240fdba73 e203", "Power factor, phase 1 · 0.994"),
            ("02fdba73 f602", "Power factor · 0.758"),
        ),
    ),
    "emu": Family(
        "EMU",
        0x10,
        0x02,
        (
            ("841003 e8030000", "Energy, tariff 1 · 1 kWh"),
            (
                "84904003 e8030000",
                "Reactive energy, inductive, tariff 1 · 1 kvarh",
            ),
            ("04abff01 0e000000", "Power, phase 1 · 14 W"),
            ("848040abff01 0e000000", "Reactive power, phase 1 · 14 var"),
            ("8480402b 0e000000", "Reactive power · 14 var"),
            ("02fdc8ff01 d108", "Voltage, phase 1 · 225.7 V"),
            ("03fdd9ff03 420000", "Current, phase 3 · 0.066 A"),
            ("01ffe1ff01 0d", "Power factor, phase 1 · 0.13"),
            ("02ff52 f401", "Frequency · 50 Hz"),
            ("02fd60 0300", "Power failures · 3"),
        ),
    ),
    "eastron_sdm": Family(
        "PAD",
        0x01,
        0x02,
        (
            ("0bfd47 563412", "Voltage · 1,234.56 V"),
            ("0bfd47 563412", "Voltage, no. 2 · 1,234.56 V"),
            ("0bfd59 563412", "Current · 123.456 A"),
            ("0b2a 563412", "Power · 12,345.6 W"),
            ("0b2a 563412", "Power, no. 2 · 12,345.6 W"),
        ),
    ),
    "saia_ale3": Family(
        "SBC",
        0x16,
        0x02,
        (
            ("8c1004 34120000", "Energy, tariff 1 · 12.34 kWh"),
            ("8c1104 34120000", "Energy, resettable, tariff 1 · 12.34 kWh"),
            ("02fdc9ff01 e600", "Voltage, phase 1 · 230 V"),
            ("02fddbff02 0c00", "Current, phase 2 · 1.2 A"),
            ("02acff00 4001", "Power · 3,200 W"),
            ("02acff03 4f00", "Power, phase 3 · 790 W"),
            ("8240acff01 0a00", "Reactive power, phase 1 · 100 var"),
            ("8240acff00 0a00", "Reactive power · 100 var"),
            ("02ff68 0000", "Transformer ratio · – (0 stands for no value)"),
            ("01ff13 01", "Active tariff · 1"),
        ),
    ),
    "finder_7e": Family(
        "FIN",
        0x23,
        0x02,
        (
            ("8c1004 34120000", "Energy, tariff 1 · 12.34 kWh"),
            ("8c1104 34120000", "Energy, resettable, tariff 1 · 12.34 kWh"),
            ("02fdc9ff01 e600", "Voltage, phase 1 · 230 V"),
            ("8240acff01 0a00", "Reactive power, phase 1 · 100 var"),
        ),
    ),
    "ime_conto_d4": Family(
        "IME",
        0x66,
        0x02,
        (
            ("849010ff80843b 362a0c00", "Energy, import · 797238"),
            ("8410ff80843b fe180c00", "Energy, import, tariff 1 · 792830"),
            ("84b010ff842b e8030000", "Power · 1,000 W"),
            ("848020ff8748 f6080000", "Voltage, phase 1 · 229.4 V"),
            ("849020ff8848 2d0f0000", "Voltage, phase 2 to 3 · 388.5 V"),
            ("84a020ff8959 d2040000", "Current, phase 3 · 1.234 A"),
            ("02ff8a48 f401", "Frequency · 50 Hz"),
            ("82b010ff8b28 e703", "Power factor · 0.999"),
        ),
    ),
    "ime_nemo": Family(
        "IME",
        0x1D,
        0x02,
        (
            ("8e5004 341200000000", "Energy · 12.34 kWh"),
            ("8e904004 341200000000", "Reactive energy · 12.34 kvarh"),
            ("8e6004 341200000000", "Energy, resettable · 12.34 kWh"),
            (
                "8ea04004 341200000000",
                "Reactive energy, resettable · 12.34 kvarh",
            ),
            ("85502b 00007a44", "Power, import · 1,000 W"),
            ("85602b 00007a44", "Power, export · 1,000 W"),
            ("8590402b 00007a44", "Reactive power, import · 1,000 var"),
            ("8540abff02 00007a44", "Power, phase 2 · 1,000 W"),
            ("858040abff03 00007a44", "Reactive power, phase 3 · 1,000 var"),
            ("05fdd9ff04 00007a44", "Current, neutral · 1 A"),
            ("05fdc8ff01 00007a44", "Voltage, phase 1 · 100 V"),
            ("05fdc8ff06 00007a44", "Voltage, phase 3 to 1 · 100 V"),
            ("05fdbaff01 0000403f", "Power factor, phase 1 · 0.75"),
            ("05ff5a 0000fa43", "Frequency · 50 Hz"),
            ("05fd3a 0000803f", "Power factor · 1"),
            ("02fd3a c800", "Number · 200"),
        ),
    ),
    "nzr_dhz": Family(
        "NZR",
        0x00,
        0x02,
        (
            ("840129 5efb0000", "Power, phase 1 · 643.5 W"),
            ("8202fd49 e600", "Voltage, phase 2 · 230 V"),
            ("8203fd5a 1e00", "Current, phase 3 · 0.3 A"),
            ("84002c cb000000", "Power · 2,030 W"),
        ),
    ),
    "gossen_emmod206": Family(
        "GMC",
        0xE6,
        0x02,
        (
            ("8240fd48 fc08", "Voltage, phase 1 · 230 V"),
            ("82c040fd59 e803", "Current, phase 3 · 1 A"),
        ),
    ),
    "kamstrup_omnipower": Family(
        "KAM",
        0x18,
        0x02,
        (
            ("04fff763 6cca7d04", "Energy, import, high resolution · 75,352.684 kWh"),
            ("02fff74b e300", "Voltage, phase 3 · 227 V"),
            ("02fff74c d204", "Current, phase 1 · 12.34 A"),
            ("02fff750 c305", "Power, phase 2 · 1,475 W"),
        ),
    ),
    "kamstrup_401": Family(
        "KAM",
        0x01,
        0x04,
        (("0406 39300000", "Energy · 12,345 kWh"),),
        f"{'00' * 30} 83101400 02000000 {'00' * 7} 311224 00",
        (
            "Date · 2024-12-31",
            "Volume, input 1 · 1,410.83 m³",
            "Volume, input 2 · 0.02 m³",
        ),
    ),
    "kamstrup_multical": Family(
        "KAM",
        0x19,
        0x04,
        (
            ("0415 abb71700", "Volume · 155,434.7 m³"),
            (
                "04eeff07 679d1200",
                "Volume, times flow temperature · 12,199,430 m³·°C",
            ),
            (
                "04ff08 6f0a1200",
                "Volume, times return temperature · 11,823,190 m³·°C",
            ),
            ("844014 d2040000", "Volume, input 1 · 12.34 m³"),
            ("84804014 d2040000", "Volume, input 2 · 12.34 m³"),
            ("02ff22 0001", "Information flags · 256"),
            ("04ff16 06851e00", "Model version · 2000134"),
            ("04ff17 c1d5b400", "Firmware version · 11851201"),
            ("3422 0a000000", "Error time · 10 h"),
            ("04863c 05000000", "Energy, cooling · 5 kWh"),
        ),
    ),
    "sharky_775": Family(
        "HYD",
        0x2F,
        0x0D,
        (
            ("0c06 34120000", "Energy · 1,234 kWh"),
            ("8c1006 42000000", "Energy, cooling · 42 kWh"),
            ("8c4013 34120000", "Volume, input 1 · 1.234 m³"),
            ("4c06 00100000", "Energy, last due date (2022-12-31) · 1,000 kWh"),
            ("426c df2c", "Date, last due date · 2022-12-31"),
        ),
    ),
    "elster_f96": Family(
        "ELS",
        0x2F,
        0x04,
        (
            ("8c1006 00000000", "Energy, tariff 1 · 0 kWh"),
            ("8c804013 34120000", "Volume, input 2 · 1.234 m³"),
        ),
    ),
    "sharky_774": Family(
        "DME",
        0x41,
        0x0D,
        (
            ("0aa618 0000", "Error time · 0 h"),
            ("8c2013 49440000", "Volume, cooling · 4.449 m³"),
            ("8c1006 34120000", "Energy, cooling · 1,234 kWh"),
            ("cc1006 00000000", "Energy, cooling, last due date (2021-05-31) · 0 kWh"),
            ("426c bf25", "Date, last due date · 2021-05-31"),
        ),
    ),
    "hydrus": Family(
        "DME",
        0x70,
        0x07,
        (
            ("4c13 34120000", "Volume, last due date · 1.234 m³"),
            ("cc0113 34120000", "Volume, last month (2019-10-31 23:59:00) · 1.234 m³"),
            (
                "c4016d 3b177f2a",
                "Date and time, last month · 2019-10-31 23:59:00",
            ),
        ),
    ),
    "engelmann_sensostar": Family(
        "EFE",
        0x00,
        0x0D,
        (
            ("0406 03000000", "Energy · 3 kWh"),
            ("841006 01000000", "Energy, cooling · 1 kWh"),
            ("84c04013 d2040000", "Volume, input 3 · 1.234 m³"),
            ("4406 02000000", "Energy, last due date · 2 kWh"),
            ("840113 01000000", "Volume, last month · 0.001 m³"),
            ("c40106 02000000", "Energy, month before last · 2 kWh"),
            ("84800106 01000000", "Energy, 31 months ago · 1 kWh"),
        ),
    ),
    "zenner_zelsius": Family(
        "ZRI",
        0x88,
        0x0D,
        (
            ("841006 8e000000", "Energy, cooling · 142 kWh"),
            ("840406 02000000", "Energy, last due date (2024-01-01) · 2 kWh"),
            ("841406 4c000000", "Energy, cooling, last due date (2024-01-01) · 76 kWh"),
            ("82046c 0131", "Date, last due date · 2024-01-01"),
            ("c40406 01000000", "Energy, due date before last · 1 kWh"),
            ("840a06 03000000", "Energy, last month · 3 kWh"),
        ),
    ),
    "zenner_edc": Family(
        "ZRI",
        0x00,
        0x07,
        (("0c943c 34120000", "Volume, backward · 12.34 m³"),),
    ),
    "minol_minocal": Family(
        "ZRM",
        0x82,
        0x04,
        (
            ("844013 d2040000", "Volume, input 1 · 1.234 m³"),
            ("8c804079 78563412", "Identification, input 2 · 12345678"),
        ),
    ),
    "sontex_supercal": Family(
        "SON",
        0x0D,
        0x04,
        (
            ("8c4013 34120000", "Volume, input 1 · 1.234 m³"),
            ("8c804079 78563412", "Identification, input 2 · 12345678"),
        ),
    ),
    "axioma_qalcosonic": Family(
        "AXI",
        0x0B,
        0x0D,
        (
            ("04863b 00000000", "Energy, heating · 0 kWh"),
            ("04863c ec000000", "Energy, cooling · 236 kWh"),
            ("8408863c ec000000", "Energy, cooling, last due date · 236 kWh"),
        ),
    ),
    "hydrocal_m3": Family(
        "BMT",
        0x0B,
        0x0D,
        (
            ("0c06 90230000", "Energy, heating · 2,390 kWh"),
            ("0c13 34120000", "Volume, heating · 1.234 m³"),
            ("0c06 24160000", "Energy, cooling · 1,624 kWh"),
            ("0c13 21000000", "Volume, cooling · 0.021 m³"),
            ("0c14 34120000", "Volume, input 1 · 12.34 m³"),
            ("0c14 78560000", "Volume, input 2 · 56.78 m³"),
        ),
    ),
    "hydrocal_m4": Family(
        "BMT",
        0x1A,
        0x0D,
        (
            ("0c03 06010000", "Energy · 0.106 kWh"),
            ("8c1003 39010000", "Energy, cooling · 0.139 kWh"),
            ("8c1013 43000000", "Volume, cooling · 0.043 m³"),
            ("8c804013 43000000", "Volume, input 2 · 0.043 m³"),
        ),
    ),
    "landis_gyr_ultraheat": Family(
        "LUG",
        0x04,
        0x04,
        (
            ("9b102d 000100", "Power, maximum · 10 kW"),
            ("9b103b 340000", "Volume flow, maximum · 0.034 m³/h"),
            ("891071 60", "Averaging duration · 60 min"),
            ("4c06 34120000", "Energy, last due date · 1,234 kWh"),
            ("3c22 10000000", "Error time · 10 h"),
        ),
    ),
    "landis_gyr_t330": Family(
        "LUG",
        0x0A,
        0x04,
        (
            ("0c06 05920000", "Energy · 9,205 kWh"),
            (
                "446d 3b17bf2c",
                "Date and time, last due date · 2021-12-31 23:59:00",
            ),
            (
                "4c06 82510000",
                "Energy, last due date (2021-12-31 23:59:00) · 5,182 kWh",
            ),
            ("8c0106 05900000", "Energy, last month · 9,005 kWh"),
            ("cc0106 98850000", "Energy, month before last · 8,598 kWh"),
            ("8c0206 12840000", "Energy, 3 months ago · 8,412 kWh"),
            ("8c0706 01000000", "Energy, 13 months ago · 1 kWh"),
            ("3c22 00000000", "Error time · 0 h"),
        ),
    ),
    "itron_cf": Family(
        "ACW",
        0x0A,
        0x0D,
        (
            ("0a5a 3007", "Flow temperature · 73 °C"),
            (
                "3a5e 9999",
                "Return temperature · – (the meter marks this value as one during an error)",
            ),
            ("8cc00013 21030000", "Volume, input 1 · 0.321 m³"),
            ("8c804014 23010000", "Volume, input 2 · 1.23 m³"),
            ("04863c 05000000", "Energy, cooling · 5 kWh"),
        ),
    ),
    "apator_elf2": Family(
        "APA",
        0x42,
        0x0D,
        (
            ("0c06 34120000", "Energy · 1,234 kWh"),
            ("8c4006 42000000", "Energy, cooling · 42 kWh"),
            ("8c4013 42000000", "Volume, cooling · 0.042 m³"),
            ("8c2013 42000000", "Volume, input 2 · 0.042 m³"),
        ),
    ),
    "sensus_pollucom": Family(
        "SEN",
        0x0E,
        0x04,
        (
            ("4c06 34120000", "Energy, last due date (2022-12-31) · 1,234 kWh"),
            ("426c df2c", "Date, last due date · 2022-12-31"),
        ),
    ),
    "ista_sensonic": Family(
        "IST", 0xA9, 0x04, (("0c06 34120000", "Energy · 1,234 kWh"),)
    ),
    "itron_cyble": Family(
        "ACW",
        0x14,
        0x07,
        (
            ("0c13 34120000", "Volume · 1.234 m³"),
            ("04937f c8000000", "Volume, backward · 0.2 m³"),
            ("027c09656d6974202e746162 f210", "Remaining battery life · 4,338 d"),
            ("0d7c084449202e74737563 03333231", "Customer · 123"),
            ("4c13 21000000", "Volume, last due date (2022-12-31) · 0.021 m³"),
            ("426c df2c", "Date, last due date · 2022-12-31"),
        ),
        "10 01 1f",
        (
            "Error flags · backflow, leak, backflow alarm valid, leak alarm valid, tamper",
        ),
    ),
    "relay_padpuls": Family(
        "REL",
        0x41,
        0x03,
        (
            ("0c14 34120000", "Volume · 12.34 m³"),
            ("4c14 21000000", "Volume, last due date (2022-12-31) · 0.21 m³"),
            ("426c df2c", "Date, last due date · 2022-12-31"),
        ),
        "c0 01 0a 0c",
        (
            "Pulse denominator · 10",
            "Pulse numerator · 1",
            "Digital input · 12",
        ),
    ),
    "elvaco_cma": Family(
        "ELV",
        0x16,
        0x1B,
        (
            ("0265 a208", "External temperature · 22.1 °C"),
            ("4265 a208", "External temperature, average of 1 hour · 22.1 °C"),
            (
                "b20165 0000",
                "External temperature, average of 24 hours · – (the meter marks this value as one during an error)",
            ),
            ("02fc0348522574 6217", "Relative humidity · 59.86 %"),
            ("c2017c03485225 3b00", "Relative humidity, storage 3 · 59 %"),
            ("427c03485225 3b00", "Relative humidity, average of 1 hour · 59 %"),
            ("42fb1a 4a02", "Relative humidity, average of 1 hour, no. 2 · 58.6 %"),
        ),
    ),
    "elster_falcon": Family(
        "ELS", 0x0A, 0x07, (("4413 d2040000", "Volume, last due date · 1.234 m³"),)
    ),
    "apator_na1": Family(
        "APA",
        0x15,
        0x07,
        (
            ("0c78 75376800", "Fabrication number · 00683775"),
            ("046d 1db45834", "Date and time · 2026-04-24 20:29:00"),
            ("0413 f73e0000", "Volume · 16.119 m³"),
            ("023b 0d00", "Volume flow · 0.013 m³/h"),
            ("4413 85010000", "Volume, last month (2026-04-01) · 0.389 m³"),
            ("426c 4134", "Date, last month · 2026-04-01"),
            ("0227 0902", "Operating time · 521 d"),
            (
                "03fd17 1c0300",
                "Error flags · M-Bus was disconnected, #3, flow was below the minimum, processor was reset, #9",
            ),
        ),
    ),
    "aquametro_topas": Family(
        "AMT",
        0xF1,
        0x07,
        (
            ("0413 d2040000", "Volume · 1.234 m³"),
            ("841013 0a000000", "Volume, backward · 0.01 m³"),
            ("c40113 d2040000", "Volume, last month · 1.234 m³"),
        ),
    ),
    "wehrle_modularis": Family(
        "RAM", 0x03, 0x07, (("0c13 34120000", "Volume · 1.234 m³"),)
    ),
}
