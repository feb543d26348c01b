"""What a reply's run keeps for "Why this answer": the release, the model's own words, what was repaired."""

import uuid

from conversations.actions.customers import add_customer_message
from conversations.models import Conversation, Run, RunState
from conversations.models.run import MAX_RAW_CHARS
from conversations.playbook.releases import live_release
from conversations.replies.loop import ReplyLoop
from tests.model import Finish, Model, envelope, streamed
from tests.replies.conftest import conversation, loop, model
from tests.replies.test_loop import eventually

__all__ = ["conversation", "loop", "model"]


def ask(loop: ReplyLoop, conversation: Conversation) -> Run:
    """Let a customer ask, and return the run that answered or gave up."""
    add_customer_message(conversation.pk, client_id=uuid.uuid4(), text="ส่งของกี่วันคะ")
    loop.submit(conversation.pk)
    eventually(lambda: Run.objects.exclude(state=RunState.OPEN).exists())
    return Run.objects.get()


def test_a_run_keeps_its_release_and_the_models_own_words(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    said = "<think>ง่ายมาก</think>" + envelope("**2-3** วันค่ะ", intent="ไม่มีจริง")
    model.will(streamed(said))
    run = ask(loop, conversation)
    release = live_release()
    assert release is not None
    assert (run.release, run.raw) == (release.number, said)
    assert run.trace["repairs"] == ["reasoning", "intent", "markup"]


def test_what_was_no_reply_at_all_is_kept_too(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    for _ in range(3):
        model.will(streamed("ขอโทษนะ\x00 ไม่ตอบเป็นฟอร์ม"))
    run = ask(loop, conversation)
    assert (run.state, run.outcome) == (RunState.DISCARDED, "invalid")
    assert run.raw == "ขอโทษนะ\ufffd ไม่ตอบเป็นฟอร์ม"


def test_no_more_is_kept_than_a_column_holds(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    model.will([envelope("ก" * 20_000), Finish()])
    run = ask(loop, conversation)
    assert len(run.raw) == MAX_RAW_CHARS
