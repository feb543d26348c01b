"""Replies being written: snapshots, deltas by offset, owner epochs."""

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from conversations.actions.append import Verdict
from conversations.actions.customers import add_customer_message
from conversations.actions.ownership import hand_back, owner_item, take
from conversations.actions.runs import Figures, finish_run, open_run
from conversations.events.frames import delta_frame, run_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import publish
from conversations.events.snapshots import snapshot_key
from conversations.models import Conversation, Owner, Run
from conversations.redis import redis_client
from tests.web.server import Client, Frame, WebProcess

ANSWER = "สวัสดีค่ะ ยินดีให้บริการ"
PLAIN = Verdict(intent="อื่นๆ", action_required=False, escalate=False)


@pytest.fixture
def agent(web: WebProcess) -> AbstractBaseUser:
    return get_user_model().objects.create_user("nok", first_name="นก")


@pytest.fixture
def run(talk: Conversation) -> Run:
    """A reply in progress."""
    return begin(talk)


def begin(talk: Conversation) -> Run:
    add_customer_message(talk.pk, client_id=uuid.uuid4(), text="สวัสดี")
    opened = open_run(talk.pk, worker="test")
    assert opened is not None
    return opened.run


def delta(run: Run, start: int, end: int, *, text: str = ANSWER) -> Item:
    frame = delta_frame(run.pk, offset=start, text=text[start:end])
    topic = conversation_topic(run.conversation_id)
    return Item(topic, Kind.DELTA, frame, epoch=run.owner_epoch, run=run.pk, end=end)


def snapshot(run: Run, text: str) -> None:
    redis_client().set(snapshot_key(run.pk), text, ex=60)


def finish(run: Run, text: str = ANSWER) -> None:
    assert finish_run(run.pk, text=text, verdict=PLAIN, figures=Figures()).message


def joined(frames: list[Frame], text: str = "") -> str:
    """Join deltas by their offsets, as a client does; a hole or an overlap fails."""
    for frame in frames:
        if frame["type"] == "delta":
            assert frame["offset"] == len(text)
            text += frame["text"]
    return text


def test_a_reply_opens_is_written_and_is_stored(widget: Client, talk: Conversation) -> None:
    run = begin(talk)
    publish([delta(run, 0, 5)])
    publish([delta(run, 5, 9), delta(run, 9, len(ANSWER))])
    finish(run)
    frames = widget.all_so_far()
    opened, closed = (frame for frame in frames if frame["type"] == "run")
    assert opened == {"type": "run", "id": str(run.pk), "state": "open", "reply_to": 1, "owner_epoch": 1}
    assert closed["state"] == "closed" and joined(frames) == ANSWER
    messages = [frame for frame in frames if frame["type"] == "message"]
    assert [message["sender"] for message in messages] == ["customer", "bot"]
    assert messages[1]["run"] == str(run.pk) and messages[1]["text"] == ANSWER


def test_who_comes_late_gets_a_snapshot_and_only_what_follows_it(web: WebProcess, session: Frame, run: Run) -> None:
    snapshot(run, ANSWER[:9])
    with web.widget(session["token"]) as client:
        assert client.welcome["run"] == {"id": str(run.pk), "text": ANSWER[:9]}
        publish([delta(run, 0, 5), delta(run, 5, 9), delta(run, 7, 12), delta(run, 12, 15), delta(run, 12, 15)])
        frames = client.all_so_far()
    assert [frame["type"] for frame in frames] == ["message", "delta", "delta"]
    assert joined(frames, ANSWER[:9]) == ANSWER[:15]


def test_a_run_without_text_yet_is_in_the_welcome_too(web: WebProcess, session: Frame, run: Run) -> None:
    with web.widget(session["token"]) as client:
        assert client.welcome["run"] == {"id": str(run.pk), "text": ""}


def test_a_lost_piece_is_filled_from_the_snapshot(widget: Client, run: Run) -> None:
    publish([delta(run, 0, 3)])
    snapshot(run, ANSWER[:12])
    publish([delta(run, 8, 12), delta(run, 12, 14)])
    assert joined(widget.all_so_far()) == ANSWER[:14]


def test_pieces_after_a_hole_that_cannot_be_filled_are_not_shown(widget: Client, run: Run) -> None:
    publish([delta(run, 0, 3), delta(run, 8, 12)])
    finish(run)
    frames = widget.all_so_far()
    assert joined(frames) == ANSWER[:3] and ANSWER in [frame.get("text") for frame in frames]


def test_a_run_whose_opening_was_lost_is_opened_before_its_text(
    web: WebProcess, widget: Client, talk: Conversation
) -> None:
    run = begin(talk)
    widget.all_so_far()
    Run.objects.filter(pk=run.pk).delete()
    silent = Run.objects.create(
        conversation=talk, owner_epoch=1, covers_seq=1, worker="test", lease_until=run.lease_until
    )
    snapshot(silent, ANSWER[:4])
    publish([delta(silent, 0, 4)])
    opened = widget.next("run", "delta")
    assert (opened["type"], opened["state"], opened["id"]) == ("run", "open", str(silent.pk))
    assert widget.next("delta")["text"] == ANSWER[:4]


def test_deltas_of_a_reply_that_ended_are_not_shown(widget: Client, run: Run) -> None:
    finish(run)
    publish([delta(run, 0, 5)])
    assert not [frame for frame in widget.all_so_far() if frame["type"] == "delta"]


def test_after_a_take_over_no_text_of_the_bots_is_shown(
    widget: Client, talk: Conversation, run: Run, agent: AbstractBaseUser
) -> None:
    publish([delta(run, 0, 5)])
    assert take(talk.pk, agent=agent)
    late = Item(conversation_topic(talk.pk), Kind.RUN, run_frame(run), epoch=run.owner_epoch, run=run.pk)
    publish([delta(run, 5, 9), late, delta(run, 9, 12)])
    frames = widget.all_so_far()
    kinds = [frame["type"] for frame in frames]
    owner = frames[kinds.index("owner")]
    assert (owner["state"], owner["agent"], owner["owner_epoch"]) == ("agent", "นก", 2)
    discarded = next(frame for frame in frames if frame["type"] == "run" and frame["state"] == "discarded")
    assert frames.index(discarded) < frames.index(owner)
    assert not {"delta", "run"} & set(kinds[kinds.index("owner") :])


def test_an_owner_alone_fences_the_bots_run_off_even_if_its_end_was_lost(
    widget: Client, talk: Conversation, run: Run
) -> None:
    publish([delta(run, 0, 5)])
    Conversation.objects.filter(pk=talk.pk).update(owner=Owner.WAITING, owner_epoch=2)
    talk.refresh_from_db()
    publish([owner_item(talk), delta(run, 5, 9), delta(run, 9, 12)])
    frames = widget.all_so_far()
    assert joined(frames) == ANSWER[:5]
    assert [frame["type"] for frame in frames if frame["type"] in ("owner", "delta")] == ["delta", "owner"]


def test_an_owner_who_was_missed_is_told_with_what_was_missed(
    web: WebProcess, widget: Client, talk: Conversation, agent: AbstractBaseUser
) -> None:
    take(talk.pk, agent=agent)
    hand_back(talk.pk, agent=agent)
    epochs = [frame["owner_epoch"] for frame in widget.all_so_far() if frame["type"] == "owner"]
    assert epochs == [2, 3]
    Conversation.objects.filter(pk=talk.pk).update(owner_epoch=4)
    assert widget.next("owner", seconds=8)["owner_epoch"] == 4


def test_a_waiting_customer_is_told_who_will_answer_when(web: WebProcess, session: Frame) -> None:
    with web.widget(session["token"]) as client:
        client.say(type="ask_human", reason="ขอคุยกับคน")
        owner = client.next("owner")
    assert owner["state"] == "waiting" and owner["expect"]["message"]
    with web.widget(session["token"], after_seq=1) as client:
        assert client.welcome["owner"] == "waiting" and client.welcome["owner_epoch"] == 2
        assert client.welcome["expect"] == owner["expect"]
