"""The model of `cost_replay`: the bundled simulator, prefix cache and all, that also knows what its customers ask.

An able model understands questions that are no example's; the simulator, which compares letters, doesn't. Here it looks
the right answer up. So whatever is wrong in the replay was made wrong by csbot, not by its model.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import psutil
from typing_extensions import override

from bench.cost_day import Label, Line
from bench.processes import HOST, ModelServer
from conversations.llm.simulator.asked import Asked
from conversations.llm.simulator.delivery import Pace
from conversations.llm.simulator.knowledge import Envelope
from conversations.llm.simulator.server import Setup, Simulator, start

PACE: Final = Pace(first_token_seconds=0.04, token_seconds=0.002)
"""Quick: the bill doesn't depend on it."""


class AbleModel(Simulator):
    """A simulator that knows the right answers."""

    def __init__(self, day: Sequence[Line]) -> None:
        super().__init__(Setup(pace=PACE))
        self._known = {line.text: line.labels[0] for line in day}

    @override
    def answer_to(self, asked: Asked) -> Envelope:
        """Return the right answer to what was asked last; out of the prompt where it isn't known."""
        label = self._known.get(asked.prompt[-1].content)
        return super().answer_to(asked) if label is None else envelope_of(label)


def envelope_of(label: Label) -> Envelope:
    """Return the right answer in csbot's form."""
    return {
        "intent": label.intent,
        "escalate": False,
        "action_required": label.action_required,
        "response": label.answer,
    }


@asynccontextmanager
async def able_model(day: Sequence[Line]) -> AsyncGenerator[ModelServer]:
    """Run the model in this process."""
    runner, port = await start(AbleModel(day), host=HOST, port=0)
    try:
        yield ModelServer(port, psutil.Process())
    finally:
        await runner.cleanup()
