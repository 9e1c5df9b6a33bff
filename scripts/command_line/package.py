"""The protocol package, alone."""

from pathlib import Path
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custom_components.mbus import protocol
else:
    # Last in the path, as its neighbours are named like modules of the standard library.
    sys.path.append(str(Path(__file__).parents[2] / "custom_components" / "mbus"))
    import protocol

__all__ = ["protocol"]
