"""The calls that `bench.gateway` compares: through the gateway, with csbot's client alone, with the SDK alone."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.utils import timezone
from openai import AsyncOpenAI

from conversations.gateway.catalog import Candidate, Catalog, Key
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.metering import CallWatch, Origin
from conversations.gateway.models import ProviderKind, Purpose
from conversations.gateway.pricing import PriceEntry, UnitPrices
from conversations.gateway.routing import plan
from conversations.gateway.secrets import Secret
from conversations.gateway.settling import success
from conversations.llm.client import Client
from conversations.llm.envelope import EnvelopeReader
from conversations.llm.requests import ChatMessage, Deadlines, Sampling

PRICES: Final = PriceEntry(
    UnitPrices("USD", Decimal("0.15"), Decimal("0.003"), Decimal("0.60")), timezone.now() - timedelta(days=400)
)
MESSAGES: Final = [ChatMessage("system", "Answer in json."), ChatMessage("user", "สินค้ามีไซซ์ไหนบ้างคะ")]
DEADLINES: Final = Deadlines(10, 10, 30)


def made_up_candidate(number: int, *, base_url: str = "http://127.0.0.1:1/v1") -> Candidate:
    """Return a candidate of a made-up shop."""
    return Candidate(
        route_id=number,
        provider_id=number,
        account_id=number,
        model_id=number,
        provider=f"provider-{number}",
        kind=ProviderKind.DEEPSEEK,
        base_url=base_url,
        model="deepseek-flash",
        keys=(Key("a", Secret("a")), Key("b", Secret("b"))),
        group=1 + number // 3,
        prices=(PRICES,),
    )


async def bare_call(client: Client) -> None:
    """Read an answer with csbot's client alone."""
    await client.read(MESSAGES, sampling=Sampling(), deadlines=DEADLINES, on_text=lambda _text: 0.0)


async def sdk_call(sdk: AsyncOpenAI) -> None:
    """Stream an answer as the SDK's documentation shows it."""
    stream = await sdk.chat.completions.create(
        model="deepseek-flash",
        messages=[{"role": "user", "content": MESSAGES[1].content}],
        response_format={"type": "json_object"},
        stream=True,
        stream_options={"include_usage": True},
    )
    async for _chunk in stream:
        pass


async def routed_call(dispatcher: Dispatcher, catalog: Catalog, client: Client, conversation: int) -> None:
    """Stream an answer as a reply does: plan, lease, call, envelope, settle, row."""
    order = plan(catalog, conversation=uuid.UUID(int=conversation).bytes)
    lease = await dispatcher.acquire(order.candidates, conversation_id=conversation, tokens=1000, patience_seconds=5)
    watch = CallWatch(lease, Origin(Purpose.REPLY), number=0)
    reader = EnvelopeReader({"สินค้า"})

    def on_text(text: str) -> float:
        watch.see_text()
        reader.feed(text)
        return 0.0

    end = await client.read(MESSAGES, sampling=Sampling(), deadlines=DEADLINES, on_text=on_text)
    watch.see_end(end.finish_reason, end.usage)
    envelope = reader.finish()
    watch.succeed(is_repaired=envelope.is_repaired, has_escalated=envelope.escalate)
    watch.close()
    watch.row(run_id=None)
    await dispatcher.settle(lease, success(watch.usage))
