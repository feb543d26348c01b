"""How the busiest processes share the machine: how often CPython looks for garbage, and who goes first."""

import gc
import os
from typing import Final

# Objects that may be made before the young are looked through, and how much rarer the older generations are.
GC_THRESHOLDS: Final = (20_000, 20, 50)
WORKER_NICENESS: Final = 5


def set_pace() -> None:
    """Spare what was loaded at the start from every search for garbage, and search less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def let_doors_go_first() -> None:
    """Give way to the web processes: under too much load replies become slower, but customers are still heard."""
    os.nice(WORKER_NICENESS)
