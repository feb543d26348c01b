"""A customer's message on its way through all processes and back."""

import asyncio
import uuid

from tests.flow.conftest import Stack, echo
from tests.flow.visitor import Visitor
from tests.model import Hold, Refuse, envelope, streamed

LONG_ANSWER = "พัสดุของคุณอยู่ระหว่างจัดส่งค่ะ จะถึงภายในวันศุกร์นี้ หากยังไม่ได้รับแจ้งเราได้เลยนะคะ 🙏🏽"


def test_a_question_is_answered_and_streamed(stack: Stack) -> None:
    stack.model.will(streamed(envelope(LONG_ANSWER, intent="สอบถามสถานะคำสั่งซื้อ"), pause=0.02))

    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            reply = await visitor.answer_to(await visitor.ask("พัสดุอยู่ไหนคะ"))
            assert reply["text"] == LONG_ANSWER
            await visitor.wait_for(
                lambda: visitor.all("run")[-1:] != [] and visitor.all("run")[-1]["state"] == "closed"
            )
            deltas = [frame for frame in visitor.all("delta") if frame["run"] == reply["run"]]
            assert len(deltas) > 3
            # What came just before the end may travel in the stored message only.
            assert LONG_ANSWER.startswith("".join(frame["text"] for frame in deltas))
            assert visitor.frames.index(deltas[0]) < visitor.frames.index(reply)
            assert [run["state"] for run in visitor.all("run")] == ["open", "closed"]

    asyncio.run(scenario())


def test_the_second_question_knows_the_first(stack: Stack) -> None:
    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            await visitor.answer_to(await visitor.ask("รองเท้าสีแดงมีไหม"))
            await visitor.answer_to(await visitor.ask("แล้วไซซ์ 42 ล่ะ"))

    asyncio.run(scenario())
    contents = [message["content"] for message in stack.model.calls[-1].body["messages"]]
    assert stack.model.calls[-1].last_words == "แล้วไซซ์ 42 ล่ะ"
    assert any("รองเท้าสีแดงมีไหม" in content for content in contents)


def test_a_burst_is_answered_once(stack: Stack) -> None:
    question = "จะเปลี่ยนที่อยู่ได้ไหม"
    # Slow enough for the whole burst, however slow the machine is.
    stack.model.default = lambda call: echo(call) if question in call.last_words else [Hold()]

    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            await visitor.ask("สวัสดีค่ะ")
            await asyncio.to_thread(stack.model.wait_for_calls, 1)
            await visitor.ask("สั่งเสื้อไปเมื่อวาน")
            last = await visitor.ask(question)
            reply = await visitor.answer_to(last)
            assert question in reply["text"]
            assert len(visitor.said_by("customer")) == 3
            await nothing_more_comes(stack, visitor)
            assert len(visitor.said_by("bot")) == 1

    asyncio.run(scenario())


async def nothing_more_comes(stack: Stack, visitor: Visitor) -> None:
    """Wait until nothing of the conversation is unanswered or being answered."""
    for _ in range(200):
        rows = stack.rows(
            "SELECT c.answered_seq >= c.customer_seq AND NOT EXISTS (SELECT 1 FROM conversations_run r"
            " WHERE r.conversation_id = c.id AND r.state = 'open') FROM conversations_conversation c"
            " WHERE c.public_id = %s",
            uuid.UUID(visitor.conversation),
        )
        if rows == [(True,)]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the conversation does not come to rest")


def test_a_resend_is_acknowledged_alike_and_another_text_is_refused(stack: Stack) -> None:
    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            client_id = str(uuid.uuid4())
            for _ in range(3):
                await visitor.ask("คืนเงินกี่วันคะ", client_id=client_id)
            await visitor.wait_for(lambda: len(visitor.all("ack")) == 3)
            assert len({ack["seq"] for ack in visitor.all("ack")}) == 1
            await visitor.ask("อย่างอื่น", client_id=client_id)
            await visitor.wait_for(lambda: visitor.last("nack") is not None)
            nack = visitor.last("nack")
            assert nack is not None and nack["code"] == "conflict"
            await visitor.answer_to(client_id)
            assert [message["text"] for message in visitor.said_by("customer")] == ["คืนเงินกี่วันคะ"]
            assert len(visitor.said_by("bot")) == 1

    asyncio.run(scenario())


def test_a_reload_in_the_middle_of_a_reply_loses_nothing(stack: Stack) -> None:
    stack.model.will(streamed(envelope(LONG_ANSWER), pause=0.05))

    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            client_id = await visitor.ask("ของถึงวันไหน")
            await visitor.wait_for(lambda: len(visitor.all("delta")) >= 2)
            await visitor.lose_connection()
            await visitor.wait_for(lambda: len(visitor.all("welcome")) == 2)
            reply = await visitor.answer_to(client_id)
            assert reply["text"] == LONG_ANSWER
            assert len(visitor.said_by("bot")) == 1

    asyncio.run(scenario())


def test_who_asks_for_a_person_gets_one(stack: Stack) -> None:
    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            await visitor.answer_to(await visitor.ask("สวัสดี"))
            await visitor.send({"type": "ask_human", "reason": "อยากคุยกับคน"})
            await visitor.wait_for(lambda: visitor.said_by("system") != [] and visitor.last("owner") is not None)
            owner = visitor.last("owner")
            assert owner is not None and owner["state"] == "waiting"
            calls = len(stack.model.calls)
            await visitor.ask("มีใครอยู่ไหม")
            await visitor.wait_for(lambda: not visitor.outbox)
            assert len(stack.model.calls) == calls

    asyncio.run(scenario())


def test_a_model_that_always_fails_ends_at_a_person(stack: Stack) -> None:
    stack.model.default = lambda _call: [Refuse(500)]

    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            await visitor.ask("มีส่วนลดไหม")
            await visitor.wait_for(lambda: visitor.last("owner") is not None, seconds=40)
            owner = visitor.last("owner")
            assert owner is not None and owner["state"] == "waiting"
            assert visitor.said_by("bot") == []

    asyncio.run(scenario())


def test_a_model_that_wants_a_person_gets_one(stack: Stack) -> None:
    stack.model.will(streamed(envelope("ขอส่งต่อให้เจ้าหน้าที่นะคะ", escalate=True)))

    async def scenario() -> None:
        async with Visitor(stack.url) as visitor:
            reply = await visitor.answer_to(await visitor.ask("สินค้าเสียหายมาก ต้องการร้องเรียน"))
            assert reply["text"] == "ขอส่งต่อให้เจ้าหน้าที่นะคะ"
            await visitor.wait_for(lambda: any(owner["state"] == "waiting" for owner in visitor.all("owner")))

    asyncio.run(scenario())
