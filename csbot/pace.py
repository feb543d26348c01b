"""How often CPython looks for garbage in the processes that are full of replies."""

import gc
from typing import Final

# Objects that may be made before the young are looked through, and how much rarer the older generations are.
GC_THRESHOLDS: Final = (20_000, 20, 50)


def set_pace() -> None:
    """Spare what was loaded at the start from every search for garbage, and search less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
