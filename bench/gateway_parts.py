"""What `bench.gateway` measures, once Django is set up."""

import gc
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

import uvloop
from django.db import connection
from django.utils import timezone
from openai import AsyncOpenAI
from redis.asyncio import Redis as AsyncRedis

from bench.figures import Report, at_most, percentile, table
from bench.gateway_calls import bare_call, made_up_candidate, routed_call, sdk_call
from bench.gateway_chunks import measure_chunks
from bench.gateway_replay import measure_cache
from bench.processes import ModelServer, model_server
from conversations.gateway.admission import Admission
from conversations.gateway.catalog import Catalog
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.models import (
    Account,
    Arm,
    LanguageModel,
    LLMCall,
    Outcome,
    Provider,
    ProviderKind,
    Route,
)
from conversations.gateway.rollup import count_calls, sum_up
from conversations.gateway.routing import plan
from conversations.gateway.summary import provider_summary
from conversations.llm.client import Client
from conversations.playbook.reading import current_playbook
from conversations.playbook.starter import load_starter_playbook
from conversations.redis import new_async_client

MEMORY_LIMIT_US: Final = 50.0
REDIS_LIMIT_US: Final = 500.0
SUMMARY_LIMIT_MS: Final = 100.0
RATIO_LIMIT: Final = 0.5
DECISIONS: Final = 20_000
CALLS: Final = 300
CANDIDATES: Final = 6
DAYS: Final = 100
NOWHERE: Final = "redis://127.0.0.1:1/0"


@dataclass
class Times:
    """What each of many calls took, in microseconds: by the wall clock, and of Python's own time."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def cells(self, name: str) -> tuple[str, ...]:
        """Return a row for the table."""
        walls = (f"{percentile(self.wall, share):,.1f}" for share in (0.5, 0.95, 0.99))
        return name, *walls, f"{percentile(self.cpu, 0.5):,.1f}", f"{percentile(self.cpu, 0.99):,.1f}"


async def timed(work: Callable[[], Awaitable[object]], *, rounds: int, times: Times | None = None) -> Times:
    """Call something again and again, without the collector's pauses."""
    times = times or Times()
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        cpu, wall = time.thread_time(), time.perf_counter()
        await work()
        times.wall.append((time.perf_counter() - wall) * 1e6)
        times.cpu.append((time.thread_time() - cpu) * 1e6)
    gc.enable()
    return times


async def decisions(admission: Admission, *, rounds: int) -> Times:
    """Return what a decision takes: the plan of a conversation, and a lease."""
    catalog = Catalog(stamp=None, candidates=tuple(made_up_candidate(number) for number in range(CANDIDATES)))
    conversations = iter([uuid.UUID(int=number).bytes for number in range(rounds + 500)])

    async def decide() -> None:
        order = plan(catalog, conversation=next(conversations), arm=Arm.STABLE)
        await admission.admit(order.candidates, tokens=1000)

    await timed(decide, rounds=500)
    return await timed(decide, rounds=rounds)


async def measure_decisions(report: Report) -> None:
    """Measure decisions from memory alone, then with Redis, beside a round trip to Redis that does nothing."""
    alone = Admission(AsyncRedis.from_url(NOWHERE), hold_seconds=60)
    alone._dark_until = time.monotonic() + 3600
    from_memory = await decisions(alone, rounds=DECISIONS)
    client = new_async_client()
    nothing = await client.script_load("return 1")
    trip = await timed(lambda: client.evalsha(nothing, 1, "csbot:none", "x"), rounds=DECISIONS // 4)
    with_redis = await decisions(Admission(client, hold_seconds=60), rounds=DECISIONS // 4)
    await client.aclose()
    report.add(
        at_most(
            "decision from memory, p99 of Python's time",
            percentile(from_memory.cpu, 0.99),
            limit=MEMORY_LIMIT_US,
            unit="us",
        ),
        at_most("decision with Redis, p99", percentile(with_redis.wall, 0.99), limit=REDIS_LIMIT_US, unit="us"),
    )
    headers = ("decision", "p50 us", "p95 us", "p99 us", "Python p50 us", "Python p99 us")
    parts = (("from memory", from_memory), ("with Redis", with_redis), ("a bare round trip to Redis", trip))
    print(table(headers, [times.cells(name) for name, times in parts]))


async def measure_latency(report: Report, model: ModelServer) -> None:
    """Measure a call through the gateway beside the same call without it, in turns, in one run."""
    candidate = made_up_candidate(1, base_url=model.base_url)
    catalog = Catalog(stamp=None, candidates=(candidate,))
    client, redis = Client(candidate.endpoint(candidate.keys[0])), new_async_client()
    dispatcher = Dispatcher(Admission(redis, hold_seconds=60))
    numbers = count()
    sdk = AsyncOpenAI(api_key="x", base_url=model.base_url, max_retries=0)
    documented, bare, routed = Times(), Times(), Times()
    for _ in range(CALLS):
        await timed(lambda: sdk_call(sdk), rounds=1, times=documented)
        await timed(lambda: bare_call(client), rounds=1, times=bare)
        await timed(lambda: routed_call(dispatcher, catalog, client, next(numbers)), rounds=1, times=routed)
    await client.aclose()
    await redis.aclose()
    await sdk.close()
    headers = ("a call of 60 tokens, unpaced", "p50 us", "p95 us", "p99 us", "Python p50 us", "Python p99 us")
    parts = (("the SDK as documented", documented), ("csbot's client alone", bare), ("through the gateway", routed))
    print(table(headers, [times.cells(name) for name, times in parts]))
    middle = percentile(documented.wall, 0.5)
    added = percentile(routed.wall, 0.5) - percentile(bare.wall, 0.5)
    report.add(
        at_most("added by the gateway / bare SDK call", added / middle, limit=RATIO_LIMIT, unit="x"),
        at_most("whole call / bare SDK call", percentile(routed.wall, 0.5) / middle, limit=1.0, unit="x"),
    )


def fill(rows: int) -> None:
    """Write so many calls, evenly over the last DAYS, of two providers and three arms."""
    now = timezone.now()
    for number in (1, 2):
        provider = Provider.objects.create(name=f"bench-{number}", kind=ProviderKind.OPENAI, base_url="http://x/v1")
        account = Account.objects.create(provider=provider)
        model = LanguageModel.objects.create(provider=provider, name="m")
        Route.objects.create(account=account, model=model)
        _fill(provider, account, model, rows=rows // 2, now=now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE conversations_llmcall")


def _fill(provider: Provider, account: Account, model: LanguageModel, *, rows: int, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO conversations_llmcall (run_id, number, purpose, provider_id, account_id, model_id,
                key_fingerprint, arm, playbook_version, is_switched, is_streamed, started_at, first_token_ms, total_ms,
                is_metered, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens, currency, input_price,
                cached_price, output_price, cost, outcome, finish_reason, has_escalated)
            SELECT %(first)s + n, 0, 'reply', %(provider)s, %(account)s, %(model)s, 'abcdef012345',
                (ARRAY['', 'stable', 'canary'])[1 + n %% 3], 'version', false, true,
                %(now)s - make_interval(days => %(days)s) * (1 - n::float / %(rows)s),
                100 + (n * 7919) %% 900, 900 + (n * 104729) %% 5000,
                true, 3000 + n %% 500, 2500, 150, 0, 'USD', 0.15, 0.003, 0.6, 0.000172500000,
                (ARRAY['ok', 'ok', 'ok', 'ok', 'ok', 'repaired', 'ok', 'server', 'ok', 'ok'])[1 + n %% 10],
                'stop', false
            FROM generate_series(1::bigint, %(rows)s) AS n
            """,
            {
                "first": provider.pk * 1_000_000_000,
                "provider": provider.pk,
                "account": account.pk,
                "model": model.pk,
                "now": now,
                "days": DAYS,
                "rows": rows,
            },
        )


def measure_summary(report: Report, *, rows: int) -> None:
    """Fill the table, sum up the last days, and time the summary of 24 hours."""
    started = time.perf_counter()
    fill(rows)
    print(f"\n{LLMCall.objects.count():,} rows written in {time.perf_counter() - started:.0f} s")
    hour = (timezone.now() - timedelta(hours=30)).replace(minute=0, second=0, microsecond=0)
    sums = []
    while hour + timedelta(hours=1) < timezone.now() - timedelta(minutes=10):
        started = time.perf_counter()
        sum_up(hour)
        sums.append((time.perf_counter() - started) * 1000)
        hour += timedelta(hours=1)
    took = []
    for _ in range(20):
        started = time.perf_counter()
        found = provider_summary()
        took.append((time.perf_counter() - started) * 1000)
    for (provider, arm, currency), tally in sorted(found.items(), key=str):
        print(
            f"provider {provider} {arm or '-':7} {tally.calls:>7,} calls, success {tally.success_share or 0:.3f}, "
            f"first token p50/p95/p99 {[round(tally.first_token_ms(share) or 0) for share in (0.5, 0.95, 0.99)]} ms, "
            f"cached {tally.cached_share or 0:.2f}, {tally.cost:.4f} {currency}"
        )
    print(f"an hour is summed up in {percentile(sums, 0.5):.0f} ms")
    report.add(
        at_most("summary of 24 hours, worst of 20", max(took), limit=SUMMARY_LIMIT_MS, unit="ms"),
    )
    explain(timezone.now() - timedelta(minutes=70))


def explain(since: datetime) -> None:
    """Print the plan of the only query on the big table: the rows after the last whole hour."""
    calls = LLMCall.objects.filter(started_at__gte=since, outcome=Outcome.OK)
    print(calls.values("provider_id").explain(analyze=True, buffers=True))
    started = time.perf_counter()
    count_calls(since, timezone.now())
    print(f"the rows of 70 minutes in all ways: {(time.perf_counter() - started) * 1000:.1f} ms")


def measure(*, rows: int, replay: Path | None, messages: int) -> int:
    """Measure all of it; return the process's exit code."""
    report = Report("The gateway by itself")

    async def on_loop() -> None:
        await measure_decisions(report)
        async with model_server(first_token_ms=0, token_ms=0) as model:
            await measure_latency(report, model)
        await measure_chunks(report)

    uvloop.run(on_loop())
    if replay:
        load_starter_playbook()
        playbook = current_playbook()
        uvloop.run(measure_cache(report, source=replay, messages=messages, playbook=playbook))
    if rows:
        measure_summary(report, rows=rows)
    return report.close()
