"""Counters of this process, for /metrics. Numbers only: nothing here names a customer or a conversation."""

from typing import Final

from prometheus_client import Counter, Histogram

FRAMES_IN: Final = Counter("csbot_frames_received", "Frames that widgets sent, by what became of them.", ["outcome"])
CATCH_UPS: Final = Counter("csbot_catch_ups", "Times that a socket was behind and read the rows again.")
OVERFLOWS: Final = Counter("csbot_overflows", "Times that a socket was too slow and its live frames were dropped.")
LANE_LOSSES: Final = Counter("csbot_lane_losses", "Times that the live lane was lost.")
MESSAGES_TOGETHER: Final = Histogram(
    "csbot_messages_together", "How many messages of customers were stored at once.", buckets=(1, 2, 5, 10, 20, 50, 100)
)
