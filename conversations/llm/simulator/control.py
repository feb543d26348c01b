"""What the simulator was told to do from outside, and what it has done: for tests and for playing with failures."""

import random
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from conversations.llm.simulator.faults import Fault, find_faults, split_modes


class Order(BaseModel):
    """An order: fail like `mode` for the next `times` requests (None: until told otherwise), or a `share` of all.

    `seed` makes the share, and the noise, repeatable. `of` limits it to streamed or whole answers. The pace can be
    changed too, and so can the noise (see `luck`).
    """

    model_config = ConfigDict(extra="forbid")

    mode: str = ""
    times: int | None = Field(default=None, ge=0)
    share: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0
    of: Literal["all", "stream", "whole"] = "all"
    first_token_ms: float | None = Field(default=None, ge=0)
    token_ms: float | None = Field(default=None, ge=0)
    noise: float | None = Field(default=None, ge=0, le=10)


class Control:
    """The order in force."""

    def __init__(self) -> None:
        self.order = Order()
        self._faults: tuple[Fault, ...] = ()
        self._left: int | None = None
        self._chance = random.Random()  # noqa: S311 - which requests fail need not be a secret

    def follow(self, order: Order) -> None:
        """Take a new order, which replaces the old one. Raises RefusedError for an unknown mode."""
        self._faults = find_faults(split_modes(order.mode))
        self._left = order.times
        self._chance = random.Random(order.seed)  # noqa: S311 - as above
        self.order = order

    @property
    def left(self) -> int | None:
        """How many requests will still fail; None without a limit."""
        return self._left

    def faults_for(self, *, is_stream: bool) -> tuple[Fault, ...]:
        """Return how this request shall fail, and count it."""
        is_meant = self.order.of in {"all", "stream" if is_stream else "whole"}
        if not (self._faults and is_meant) or self._left == 0 or self._chance.random() >= self.order.share:
            return ()
        if self._left is not None:
            self._left -= 1
        return self._faults


@dataclass(slots=True)
class Figures:
    """What has been served since the start. A request the client gave up counts as `disconnected`."""

    requests: int = 0
    open: int = 0
    served: int = 0
    failed: int = 0
    disconnected: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    modes: dict[str, int] = field(default_factory=dict)

    def count(self, faults: tuple[Fault, ...]) -> None:
        """Count the modes that a request fails in."""
        self.failed += bool(faults)
        for fault in faults:
            self.modes[fault.name] = self.modes.get(fault.name, 0) + 1
