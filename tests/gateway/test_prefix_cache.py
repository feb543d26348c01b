"""The provider's prefix cache: the prompt's static part comes first, so nearly all of it is served from there."""

from collections.abc import Callable

from django.db.models import Sum

from conversations.gateway.models import LLMCall, ProviderKind
from conversations.models import Conversation
from conversations.replies.loop import ReplyLoop
from tests.gateway.conftest import add_route
from tests.gateway.test_failover import ask, eventually, is_settled

WARM_UP = 12
VISITORS = 30
QUESTIONS = ("ร้านเปิดกี่โมงคะ", "ส่งของกี่วันถึงเชียงใหม่", "Can I return shoes that are too small?", "มีไซซ์ 38 ไหม")


def test_after_warm_up_85_per_cent_of_prompt_tokens_come_from_the_cache_and_each_row_says_so(
    loop: ReplyLoop, simulator: str, new_conversation: Callable[[], Conversation]
) -> None:
    route = add_route("local", simulator)
    route.account.provider.kind = ProviderKind.SIMULATOR
    route.account.provider.save()
    conversations = [new_conversation() for _ in range(VISITORS)]
    for question in (0, 1):
        for number, conversation in enumerate(conversations):
            ask(loop, conversation, f"{QUESTIONS[(number + question) % len(QUESTIONS)]} {number}")
            eventually(lambda conversation=conversation: is_settled(conversation))  # type: ignore[misc]
    calls = LLMCall.objects.order_by("started_at")
    warm = calls.filter(pk__gt=calls[WARM_UP - 1].pk).aggregate(
        prompt=Sum("prompt_tokens"), cached=Sum("cached_tokens")
    )
    assert warm["cached"] / warm["prompt"] >= 0.85
    assert all(call.cached_tokens <= call.prompt_tokens for call in calls)
