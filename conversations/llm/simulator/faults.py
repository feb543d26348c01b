"""Every way the simulator can be told to fail, by name. docs/simulator.md has the same list with what each does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conversations.llm.simulator.asked import MODE_MARK, RefusedError
from conversations.llm.simulator.delivery import Delivery, Redeliver
from conversations.llm.simulator.draft import Draft, Rewrite
from conversations.llm.simulator.odd_answers import ANSWER_FAULTS
from conversations.llm.simulator.odd_deliveries import DELIVERY_FAULTS


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail: what it does to the answer, or to its delivery. `source` is its section in the list of facts."""

    name: str
    source: str
    rewrite: Rewrite | None = None
    redeliver: Redeliver | None = None


FAULTS: dict[str, Fault] = {
    name: Fault(name, source, rewrite=rewrite) for name, (source, rewrite) in ANSWER_FAULTS.items()
} | {name: Fault(name, source, redeliver=redeliver) for name, (source, redeliver) in DELIVERY_FAULTS.items()}


def find_faults(names: Sequence[str]) -> tuple[Fault, ...]:
    """Return the faults with these names. Raises RefusedError for a name that is none."""
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise RefusedError(400, f"Unknown mode. Known are: {', '.join(sorted(FAULTS))}")
    return tuple(FAULTS[name] for name in names)


def split_modes(mode: str) -> tuple[str, ...]:
    """Return the names in `fence+crlf`."""
    return tuple(name for name in mode.split(MODE_MARK) if name)


def rewritten(draft: Draft, faults: Iterable[Fault]) -> Draft:
    """Return the answer as the faults make it."""
    for fault in faults:
        if fault.rewrite:
            draft = fault.rewrite(draft)
    return draft


def redelivered(delivery: Delivery, faults: Iterable[Fault]) -> Delivery:
    """Return the delivery as the faults make it."""
    for fault in faults:
        if fault.redeliver:
            delivery = fault.redeliver(delivery)
    return delivery
