"""Who answers: escalate, take, take over from a colleague, hand back, resolve, reopen.

Each change locks the row, raises the owner epoch, throws the bot's open run away and is announced on commit. A bot's
reply carries the epoch it was opened in, so none of an older epoch can be stored afterwards.
"""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from conversations.actions.append import append_system_message, message_item
from conversations.actions.duty import Duty, duty_at
from conversations.actions.people import display_name
from conversations.actions.sentences import Sentence, say
from conversations.events.control import Order
from conversations.events.frames import Expect, iso, owner_frame, run_frame, to_json
from conversations.events.lane import DESK_TOPIC, Item, Kind, conversation_topic
from conversations.events.publisher import announce, tell_workers_on_commit
from conversations.models import Conversation, Escalation, Message, Owner, Reason, RunState

OWNER_FIELDS = ("owner", "owner_epoch", "agent", "resolved_at", "episode_start_seq", "reply_requested_at")
SEQ_FIELDS = ("head_seq", "customer_seq", "answered_seq", "last_message_at")
FAILURES = frozenset({Reason.FAILED, Reason.REFUSED, Reason.OVERLOAD, Reason.BUDGET})


def expectation(conversation: Conversation) -> Expect | None:
    """Return when a person will answer a waiting conversation; None where nobody is waited for."""
    if conversation.owner != Owner.WAITING:
        return None
    duty = duty_at(conversation.site, now=timezone.now())
    message = say(
        _escalated_sentence(duty, reason=Reason.CUSTOMER), locale=conversation.locale, **_hours(duty, conversation)
    )
    expect: Expect = {"on_duty": duty.is_on, "message": message}
    if duty.changes_at:
        expect["until" if duty.is_on else "from"] = iso(duty.changes_at)
    return expect


def owner_item(conversation: Conversation) -> Item:
    """Return the live item that tells who owns the conversation."""
    agent_name = display_name(conversation.agent) if conversation.agent else ""
    frame = owner_frame(conversation, agent_name=agent_name, expect=expectation(conversation))
    return Item(
        conversation_topic(conversation.pk),
        Kind.OWNER,
        frame,
        seq=conversation.head_seq,
        epoch=conversation.owner_epoch,
    )


def queue_changed_item(conversation: Conversation) -> Item:
    """Return the item that makes every open desk look at its queue again."""
    frame = to_json({"type": "queue", "conversation": conversation.pk, "owner": conversation.owner})
    return Item(DESK_TOPIC, Kind.STAFF, frame)


def change_owner(locked: Conversation, *, owner: Owner, agent: AbstractBaseUser | None = None) -> list[Item]:
    """Move a locked conversation to another owner, without saving it; return what to announce."""
    locked.owner = owner
    locked.owner_epoch += 1
    locked.agent_id = agent.pk if agent else None
    return _discard_open_runs(locked)


def save_and_announce(locked: Conversation, *, items: list[Item], messages: list[Message]) -> None:
    """Save a locked conversation whose owner changed, and announce everything in its order."""
    locked.save(update_fields=(*OWNER_FIELDS, *SEQ_FIELDS))
    announce(*items, *map(message_item, messages), owner_item(locked), queue_changed_item(locked))


@transaction.atomic
def escalate(conversation_id: int, *, reason: Reason, detail: str = "") -> Escalation | None:
    """Hand the bot's conversation to people. None if they already have it."""
    locked = Conversation.objects.locked(conversation_id)
    if locked.owner not in (Owner.BOT, Owner.RESOLVED):
        return None
    escalation, items, message = escalate_locked(locked, reason=reason, detail=detail)
    save_and_announce(locked, items=items, messages=[message])
    return escalation


def escalate_locked(
    locked: Conversation, *, reason: Reason, detail: str = ""
) -> tuple[Escalation, list[Item], Message]:
    """Escalate a locked conversation without saving it; the customer is told honestly who will answer when."""
    items = change_owner(locked, owner=Owner.WAITING)
    locked.resolved_at = None
    escalation = Escalation.objects.create(conversation=locked, reason=reason, detail=detail)
    duty = duty_at(locked.site, now=timezone.now())
    sentence = _escalated_sentence(duty, reason=reason)
    text = say(sentence, locale=locked.locale, **_hours(duty, locked))
    return escalation, items, append_system_message(locked, sentence=sentence, text=text)


@transaction.atomic
def take(conversation_id: int, *, agent: AbstractBaseUser) -> bool:
    """Make `agent` the one who answers. False if a colleague already is; True also if `agent` already was."""
    locked = Conversation.objects.locked(conversation_id)
    if locked.owner == Owner.AGENT:
        return is_held_by(locked, agent=agent)
    _mark_taken(locked, agent=agent)
    _join(locked, agent=agent)
    return True


@transaction.atomic
def take_over(conversation_id: int, *, agent: AbstractBaseUser, holder_id: int) -> bool:
    """Make `agent` answer in place of the colleague who is believed to hold the conversation.

    False if somebody else holds it by now, or nobody: of two who take over at once, the second believed in a holder
    who is gone. True also if `agent` holds it already. When the customer's wait ended stays as it was.
    """
    locked = Conversation.objects.locked(conversation_id)
    if is_held_by(locked, agent=agent):
        return True
    if locked.owner != Owner.AGENT or locked.agent_id != holder_id:
        return False
    locked.escalations.unresolved().update(taken_by=agent)
    _join(locked, agent=agent)
    return True


@transaction.atomic
def hand_back(conversation_id: int, *, agent: AbstractBaseUser) -> bool:
    """Give the conversation back to the bot, which sees only what no person answered. False if it isn't `agent`'s."""
    locked = Conversation.objects.locked(conversation_id)
    if not is_held_by(locked, agent=agent):
        return False
    items = change_owner(locked, owner=Owner.BOT)
    locked.episode_start_seq = locked.answered_seq + 1
    if locked.is_unanswered:
        locked.reply_requested_at = timezone.now()
    _close_escalations(locked)
    text = say(Sentence.HANDED_BACK, locale=locked.locale)
    message = append_system_message(locked, sentence=Sentence.HANDED_BACK, text=text)
    save_and_announce(locked, items=items, messages=[message])
    return True


@transaction.atomic
def resolve(conversation_id: int, *, agent: AbstractBaseUser) -> bool:
    """Close the matter. False if it isn't `agent`'s to close."""
    locked = Conversation.objects.locked(conversation_id)
    if not is_held_by(locked, agent=agent):
        return False
    items = change_owner(locked, owner=Owner.RESOLVED)
    locked.resolved_at = timezone.now()
    locked.answered_seq = locked.customer_seq
    _close_escalations(locked)
    text = say(Sentence.RESOLVED, locale=locked.locale)
    message = append_system_message(locked, sentence=Sentence.RESOLVED, text=text)
    save_and_announce(locked, items=items, messages=[message])
    return True


def reopen_locked(locked: Conversation) -> list[Item]:
    """Start a new episode with the bot because the customer wrote after the matter was resolved."""
    items = change_owner(locked, owner=Owner.BOT)
    locked.resolved_at = None
    locked.episode_start_seq = locked.head_seq + 1
    locked.answered_seq = locked.customer_seq
    return items


def is_held_by(conversation: Conversation, *, agent: AbstractBaseUser) -> bool:
    """Whether this agent answers the customer now."""
    return conversation.owner == Owner.AGENT and bool(conversation.agent_id == agent.pk)


def _join(locked: Conversation, *, agent: AbstractBaseUser) -> None:
    items = change_owner(locked, owner=Owner.AGENT, agent=agent)
    locked.resolved_at = None
    text = say(Sentence.AGENT_JOINED, locale=locked.locale, agent=display_name(agent))
    message = append_system_message(locked, sentence=Sentence.AGENT_JOINED, text=text)
    save_and_announce(locked, items=items, messages=[message])


def _discard_open_runs(locked: Conversation) -> list[Item]:
    items = []
    for run in locked.runs.open():
        run.state, run.ended_at, run.outcome = RunState.DISCARDED, timezone.now(), "owner_changed"
        run.save(update_fields=["state", "ended_at", "outcome"])
        tell_workers_on_commit(Order.CANCEL, run_id=run.pk)
        items.append(Item(conversation_topic(locked.pk), Kind.RUN, run_frame(run), run=run.pk))
    return items


def _escalated_sentence(duty: Duty, *, reason: Reason) -> Sentence:
    if reason in FAILURES:
        return Sentence.FAILED_ON_DUTY if duty.is_on else Sentence.FAILED_OFF_DUTY
    return Sentence.ESCALATED_ON_DUTY if duty.is_on else Sentence.ESCALATED_OFF_DUTY


def _hours(duty: Duty, conversation: Conversation) -> dict[str, str]:
    clock = duty.clock(conversation.locale)
    return {"until": clock, "from_": clock}


def _mark_taken(locked: Conversation, *, agent: AbstractBaseUser) -> None:
    taken = locked.escalations.unresolved().update(taken_at=timezone.now(), taken_by=agent)
    if not taken:
        now = timezone.now()
        Escalation.objects.create(
            conversation=locked, reason=Reason.AGENT, opened_at=now, taken_at=now, taken_by_id=agent.pk
        )


def _close_escalations(locked: Conversation) -> None:
    locked.escalations.unresolved().update(closed_at=timezone.now())
