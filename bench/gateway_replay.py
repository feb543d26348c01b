"""A replay of real traffic through the simulator, which has a prefix cache: what share of prompt tokens it serves."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.figures import Report, at_least
from conversations.gateway.catalog import Candidate, Key
from conversations.gateway.models import ProviderKind
from conversations.gateway.secrets import Secret
from conversations.llm.client import Client
from conversations.llm.envelope import read_envelope
from conversations.llm.requests import Deadlines, Usage
from conversations.llm.simulator.delivery import Pace
from conversations.llm.simulator.server import Setup, Simulator, start
from conversations.playbook.content import Playbook
from conversations.playbook.prompt import Speaker, Turn, build_prompt

WARM_UP: Final = 20
CACHED_LIMIT: Final = 0.85
HISTORY_TOKENS: Final = 2000
DEADLINES: Final = Deadlines(30, 30, 60)


def questions(source: Path, *, messages: int) -> Iterator[tuple[str, str, str]]:
    """Yield session, language and text of the first messages, in the order in which they came."""
    with source.open(encoding="utf-8") as lines:
        for _number, line in zip(range(messages), lines, strict=False):
            row = json.loads(line)
            yield row["session"], row["lang"], row["text"]


async def measure_cache(report: Report, *, source: Path, messages: int, playbook: Playbook) -> None:
    """Ask every question with its conversation so far, and count what the cache served after the warm-up."""
    runner, port = await start(Simulator(Setup(pace=Pace(0, 0))), host="127.0.0.1", port=0)
    client = Client(candidate_at(port).endpoint(Key("k", Secret("k"))))
    turns: dict[str, list[Turn]] = defaultdict(list)
    used: list[Usage] = []
    for session, language, text in questions(source, messages=messages):
        turns[session].append(Turn(Speaker.CUSTOMER, text))
        prompt = build_prompt(playbook, turns[session], locale=language, budget_tokens=HISTORY_TOKENS)
        answer = await client.complete(prompt.messages, sampling=playbook.sampling, deadlines=DEADLINES)
        envelope = read_envelope(answer.text, playbook.intent_keys)
        turns[session].append(Turn(Speaker.BOT, envelope.response, intent=envelope.intent))
        used.append(answer.usage or Usage())
    await client.aclose()
    await runner.cleanup()
    warm = used[WARM_UP:]
    prompt_tokens, cached = sum(each.prompt_tokens for each in warm), sum(each.cached_tokens for each in warm)
    print(f"\n{len(used):,} messages of {len(turns):,} sessions, {prompt_tokens / len(warm):,.0f} prompt tokens each")
    report.add(
        at_least("prompt tokens from the cache", cached / prompt_tokens * 100, limit=CACHED_LIMIT * 100, unit="%")
    )


def candidate_at(port: int) -> Candidate:
    """Return the simulator as a candidate."""
    return Candidate(
        route_id=1,
        provider_id=1,
        account_id=1,
        model_id=1,
        provider="simulator",
        kind=ProviderKind.SIMULATOR,
        base_url=f"http://127.0.0.1:{port}/v1",
        model="csbot-simulator",
        keys=(Key("k", Secret("k")),),
    )
