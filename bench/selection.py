"""Whether the nearest examples pay: is the right one among them, is the answer better, what does it cost?

    python -m bench.selection --data DIR [--asked 1000] [--read 300] [--base-url URL --model NAME]

DIR holds banking77_train.csv (PolyAI, CC-BY-4.0) and truevoice_train.csv (TrueVoice, Apache-2.0). Without an endpoint
the reader is the bundled simulator, which copies what the example that it finds nearest shows: it says how far
examples alone carry a model that understands nothing. The key of an endpoint is read from SELECTION_API_KEY.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from bench.figures import Checked, at_least, at_most, table
from bench.selection_data import Asked, Questions, playbook_of, read_questions
from conversations.llm.client import Client
from conversations.llm.envelope import read_envelope
from conversations.llm.errors import LLMError
from conversations.llm.requests import ChatMessage, Deadlines, Dialect, Endpoint, Sampling
from conversations.llm.simulator.answering import answer
from conversations.playbook.content import Playbook
from conversations.playbook.nearest import ExampleIndex, GramIndex, Near
from conversations.playbook.prompt import Speaker, Turn, build_prompt
from conversations.playbook.sizes import prompt_price, prompt_size

LIMITS: Final = (1, 3, 5, 10)
RECORDS: Final = {
    "banking77_train": ("92.1", "95.8", "97.0", "98.1"),
    "truevoice_train": ("62.5", "-", "-", "-"),
}
"""Nearest by a sentence encoder (MiniLM, 22 million weights) or, for Thai, by characters: first records."""
BEST: Final = 97.0
VARIED: Final = "nearest, then one of each likely intent"
SEARCH_LIMIT_MS: Final = 4.0
ANSWER_TOKENS: Final = 60
THOUSAND: Final = 1000
PER_CENT: Final = 100

Reader = Callable[[Sequence[ChatMessage], Playbook], str]
"""Asks somebody, and returns the intent that the answer names."""


@dataclass(frozen=True)
class DeepSeekPrices:
    """Off-peak, November 2026, for a million tokens."""

    currency: str = "USD"
    input: Decimal = Decimal("0.15")
    cached_input: Decimal = Decimal("0.003")
    output: Decimal = Decimal("0.60")


def main() -> None:
    """Measure both sets and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--asked", type=int, default=2000)
    parser.add_argument("--read", type=int, default=300)
    parser.add_argument("--base-url", default="")
    parser.add_argument("--model", default="")
    options = parser.parse_args()
    sets = [
        read_questions(options.data / "banking77_train.csv", columns=["label"], most=options.asked),
        read_questions(options.data / "truevoice_train.csv", columns=["action", "object"], most=options.asked),
    ]
    checked = [figure for questions in sets for figure in measure_choice(questions)]
    read = endpoint_reader(options.base_url, options.model) if options.base_url else simulator_reader
    for questions in sets:
        measure_answers(questions, read, count=options.read)
    print("\n" + table(("figure", "measured", "limit", ""), [figure.cells() for figure in checked]))
    sys.exit(0 if all(figure.is_kept for figure in checked) else 1)


def measure_choice(questions: Questions) -> list[Checked]:
    """Print how often the true intent is among the chosen examples."""
    started = time.thread_time()
    index = ExampleIndex([each.text for each in questions.pool], [each.intent for each in questions.pool])
    built = time.thread_time() - started
    started = time.thread_time()
    chosen = {limit: [numbers(index.choose(each.text, limit=limit)) for each in questions.asked] for limit in LIMITS}
    search_ms = (time.thread_time() - started) / len(LIMITS) / len(questions.asked) * THOUSAND
    plain = nearest_only(questions, limit=max(LIMITS))
    shares = {
        "nearest only": [share(questions, [near[:limit] for near in plain]) for limit in LIMITS],
        VARIED: [share(questions, chosen[limit]) for limit in LIMITS],
    }
    headers = ("chosen", *(f"k = {limit}" for limit in LIMITS))
    printed = [(way, *(f"{value:.1f}" for value in found)) for way, found in shares.items()]
    print(f"\n{questions.name}: {len(questions.pool):,} examples, {len(questions.asked):,} questions; ", end="")
    print(f"index {built:.2f} s, search {search_ms:.2f} ms of CPU\n")
    print(table(headers, [*printed, ("first records", *RECORDS[questions.name])]))
    return [
        *(
            [at_least("BANKING77, k = 5", shares[VARIED][2], limit=BEST, unit="%")]
            if "banking" in questions.name
            else []
        ),
        at_most(f"{questions.name}: search", search_ms, limit=SEARCH_LIMIT_MS, unit="ms"),
    ]


def numbers(chosen: Sequence[Near]) -> list[int]:
    """Return the places of chosen examples."""
    return [near.number for near in chosen]


def nearest_only(questions: Questions, *, limit: int) -> list[list[int]]:
    """Return the places of the most similar examples of each question, whatever their intents, best first."""
    index = GramIndex([each.text for each in questions.pool])
    scores = (index.similarities(each.text) for each in questions.asked)
    return [[int(place) for place in np.argsort(-found, kind="stable")[:limit]] for found in scores]


def share(questions: Questions, chosen: Sequence[Sequence[int]]) -> float:
    """Return for how many per cent of the questions an example of the true intent was chosen."""
    found = sum(
        any(questions.pool[number].intent == each.intent for number in places)
        for each, places in zip(questions.asked, chosen, strict=True)
    )
    return found * PER_CENT / len(questions.asked)


def measure_answers(questions: Questions, read: Reader, *, count: int) -> None:
    """Print what answers name the right intent with which examples in the prompt, and what they cost."""
    ways = {
        "1 of each intent, always": (questions.some_of_each(1), []),
        "5 of each intent, always": (questions.some_of_each(5), []),
        "1 of each, always + 5 nearest": (questions.some_of_each(1), questions.pool),
        "5 nearest only": ([], questions.pool),
    }
    rows = [
        cells(way, playbook_of(questions, pinned=pinned, further=further), questions.asked[:count], read)
        for way, (pinned, further) in ways.items()
    ]
    headers = ("examples", "right intent %", "fixed tokens", "own tokens", "USD/1,000, prefix cache", "without")
    print(f"\n{questions.name}: {count} answers\n\n{table(headers, rows)}")


def cells(way: str, playbook: Playbook, asked: Sequence[Asked], read: Reader) -> tuple[str, ...]:
    """Return one way's row."""
    right, fixed, own, cached, uncached = 0, 0, 0, Decimal(0), Decimal(0)
    for each in asked:
        prompt = build_prompt(playbook, [Turn(Speaker.CUSTOMER, each.text)], locale="th", budget_tokens=1000)
        size = prompt_size(prompt)
        price = prompt_price(size, DeepSeekPrices(), answer_tokens=ANSWER_TOKENS)
        right += read(prompt.messages, playbook) == each.intent
        fixed, own = size.fixed, own + size.total - size.fixed
        cached, uncached = cached + price.cached, uncached + price.uncached
    total = len(asked)
    money = (f"{cached / total:.3f}", f"{uncached / total:.3f}")
    return way, f"{right * PER_CENT / total:.1f}", f"{fixed:,}", f"{own / total:,.0f}", *money


def simulator_reader(messages: Sequence[ChatMessage], _playbook: Playbook) -> str:
    """Return the intent that the simulator answers with."""
    return str(answer(messages).get("intent", ""))


def endpoint_reader(base_url: str, model: str) -> Reader:
    """Return a reader that asks a real model."""
    key = os.environ.get("SELECTION_API_KEY", "none")
    client = Client(Endpoint("bench", base_url, key, model, Dialect.DEEPSEEK))
    runner = asyncio.Runner()

    def read(messages: Sequence[ChatMessage], playbook: Playbook) -> str:
        try:
            work = client.complete(messages, sampling=Sampling(temperature=0.0), deadlines=Deadlines())
            return read_envelope(runner.run(work).text, playbook.intent_keys).intent
        except LLMError:
            return ""

    return read


if __name__ == "__main__":
    main()
