"""Orders to the worker that makes a run: names only; the listener lives with the worker's loop."""

from enum import StrEnum


class Order(StrEnum):
    """What a worker shall do about a run it makes."""

    CANCEL = "cancel"
    STOP = "stop"
    EXTEND = "extend"
