"""Distilled reasoners: how they are asked, and that customers see nothing of what they think."""

from collections.abc import Callable

import pytest

from conversations.gateway.models import LanguageModel, LLMCall, Outcome, Placement, ProviderKind, SamplingProfile
from conversations.gateway.placement import placed
from conversations.gateway.reading import current_catalog
from conversations.llm.requests import ChatMessage, Dialect
from conversations.models import Conversation
from conversations.replies.loop import ReplyLoop
from tests.gateway.conftest import Shop, add_route
from tests.gateway.test_failover import answer_of, ask, eventually, good, is_settled

PROMPT = (
    ChatMessage("system", "Be kind. Answer in json."),
    ChatMessage("user", "example?"),
    ChatMessage("assistant", '{"response": "example!"}'),
    ChatMessage("system", "The examples end here."),
    ChatMessage("user", "first"),
    ChatMessage("assistant", '{"response": "answer"}'),
    ChatMessage("user", "second"),
)


def roles(messages: object) -> list[str]:
    return [message.role for message in messages]  # type: ignore[attr-defined]


def test_a_chat_model_gets_the_prompt_as_it_is() -> None:
    assert placed(PROMPT, Placement.CHAT) is PROMPT


def test_a_reasoner_gets_no_system_message_and_no_examples() -> None:
    messages = placed(PROMPT, Placement.REASONER)
    assert roles(messages) == ["user", "user", "assistant", "user"]
    assert messages[0].content == "Be kind. Answer in json.\n\nThe examples end here."
    assert [message.content for message in messages[1:]] == ["first", '{"response": "answer"}', "second"]


def test_a_forced_reasoner_is_made_to_begin_by_thinking() -> None:
    assert placed(PROMPT, Placement.REASONER_FORCED)[-1] == ChatMessage("assistant", "<think>\n")


def make_reasoner(shop: Shop, placement: Placement = Placement.REASONER) -> None:
    """Make a self-hosted distilled model of a shop, sampled as its makers recommend."""
    shop.provider.kind = ProviderKind.SELF_HOSTED
    shop.provider.save()
    shop.account.keys.all().delete()
    LanguageModel.objects.filter(pk=shop.language_model.pk).update(placement=placement)
    SamplingProfile.objects.create(
        model=shop.language_model, is_thinking=True, temperature=0.6, top_p=0.95, max_tokens=2000
    )


@pytest.mark.parametrize("placement", [Placement.REASONER, Placement.REASONER_FORCED])
def test_what_goes_over_the_wire_to_a_reasoner(
    loop: ReplyLoop, open_shop: Callable[..., Shop], new_conversation: Callable[[], Conversation], placement: Placement
) -> None:
    shop = open_shop("local")
    make_reasoner(shop, placement)
    shop.server.default = good("ค่ะ")
    assert answer_of(loop, new_conversation())[0] == "ค่ะ"
    body = shop.server.calls[0].body
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.6, 0.95, 2000)
    assert "response_format" not in body and "thinking" not in body
    assert "system" not in [message["role"] for message in body["messages"]]
    is_forced = placement is Placement.REASONER_FORCED
    assert body.get("continue_final_message") is (True if is_forced else None)
    assert (body["messages"][-1]["content"] == "<think>\n") is is_forced


@pytest.mark.parametrize(
    "thought",
    ['<think>\nHm, {"response": "no"}.\n</think>\n\n', "Hm, the customer asks.\n</think>\n", "<think></think>", ""],
    ids=["whole", "without its opening", "empty", "none"],
)
def test_thinking_is_never_shown_however_it_arrives(
    loop: ReplyLoop, open_shop: Callable[..., Shop], new_conversation: Callable[[], Conversation], thought: str
) -> None:
    shop = open_shop("local")
    make_reasoner(shop)
    script = good("ค่ะ")(None)
    shop.server.default = lambda _call: [thought, *script] if thought else script
    assert answer_of(loop, new_conversation())[0] == "ค่ะ"


@pytest.mark.parametrize("mode", ["", "+reasoning", "+reasoning-braces", "+think", "+think-close-only"])
def test_the_simulator_stands_in_for_a_distilled_model(
    loop: ReplyLoop, simulator: str, new_conversation: Callable[[], Conversation], mode: str
) -> None:
    route = add_route("local", simulator, keys=())
    route.account.provider.kind = ProviderKind.SELF_HOSTED
    route.account.provider.save()
    LanguageModel.objects.update(name=f"csbot-simulator{mode}", placement=Placement.REASONER)
    SamplingProfile.objects.create(model=route.model, is_thinking=True, temperature=0.6, top_p=0.95, max_tokens=2000)
    [candidate] = current_catalog().candidates
    assert candidate.endpoint(candidate.keys[0]).dialect is Dialect.SELF_HOSTED
    conversation = new_conversation()
    ask(loop, conversation, "ร้านเปิดกี่โมงคะ")
    eventually(lambda: is_settled(conversation))
    message = conversation.messages.get(sender="bot")
    assert "think" not in message.text and "{" not in message.text
    assert "9" in message.text, "the shop facts reached it, without examples and without a system message"
    # A busy machine's first call may be too slow, and be made again.
    assert LLMCall.objects.latest("pk").outcome in {Outcome.OK, Outcome.REPAIRED}
