"""How a benchmark tells its figures: as a table, or as one JSON object."""

from collections.abc import Mapping, Sequence
import json
import os
from typing import Any


def print_report(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    figures: Mapping[str, Any],
    *,
    as_json: bool,
) -> None:
    """Print the rows under their title, or the figures alone."""
    if as_json:
        print(json.dumps(figures))
        return
    print(title)
    cells = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        print(
            f"  {first[0]:<{first[1]}}",
            *(f"{cell:>{width}}" for cell, width in others),
            sep="  ",
        )


def machine() -> str:
    """Say how large the machine is, and how busy."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} CPUs, {pages * size / (1 << 30):.0f} GiB, load {os.getloadavg()[0]:.1f}"
