"""What a customer does to a conversation: write, read, rate, and come in the first place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.actions import statements
from conversations.actions.append import append_customer_message, message_item
from conversations.actions.ownership import OWNER_FIELDS, SEQ_FIELDS, owner_item, queue_changed_item, reopen_locked
from conversations.database import row_of, rows_of
from conversations.events.lane import Item
from conversations.events.publisher import announce
from conversations.models import Conversation, Customer, Message, Owner, Priority, Sender, Site

COMMENT_CHARS = 1000


class ConflictError(Exception):
    """The same client_id came before with another text, or from somebody else."""


class NotResolvedError(Exception):
    """A rating came for a conversation that isn't resolved."""


@dataclass(frozen=True)
class Stored:
    """A stored customer message; `wants_reply` where the bot owes an answer to it.

    `open_run_id` is the run that may still take it along, where one is answering the customer's earlier messages.
    """

    seq: int
    at: datetime
    is_new: bool
    wants_reply: bool
    open_run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a customer writes, before it is stored."""

    conversation_id: int
    client_id: UUID
    text: str


def add_questions(asked: Sequence[Asked]) -> list[Stored | None]:
    """Store what many customers write to the bot, in one round trip; waits for nobody's lock.

    None for whatever isn't the usual course, which is `add_customer_message`'s: a resend, another owner, a conversation
    that somebody is changing at this very moment or that is gone, a second message of the same conversation.
    """
    first: dict[int, Asked] = {}
    for each in asked:
        first.setdefault(each.conversation_id, each)
    now = timezone.now()
    given = statements.QUESTION.parameters(Message(sender=Sender.CUSTOMER, created_at=now))
    ids, texts = [each.client_id for each in first.values()], [each.text for each in first.values()]
    rows = rows_of(statements.store_questions(), (list(first), ids, texts, now, now, *given))
    found: dict[int, Stored] = {}
    stored = []
    for conversation_id, pk, seq, open_run_id in rows:
        each = first[conversation_id]
        message = Message(pk=pk, conversation_id=conversation_id, seq=seq, sender=Sender.CUSTOMER, created_at=now)
        message.text, message.client_id = each.text, each.client_id
        stored.append(message)
        found[conversation_id] = Stored(seq=seq, at=now, is_new=True, wants_reply=True, open_run_id=open_run_id)
    if stored:
        announce(*map(message_item, stored))
    return [found.get(each.conversation_id) if first[each.conversation_id] is each else None for each in asked]


def add_customer_message(conversation_id: int, *, client_id: UUID, text: str) -> Stored:
    """Store what the customer wrote, once per `client_id`. Raises ConflictError."""
    try:
        return _store_for_bot(conversation_id, client_id=client_id, text=text) or _store(
            conversation_id, client_id=client_id, text=text
        )
    except IntegrityError:
        # A resend is rare, so nobody looks for it beforehand: the constraint finds it.
        earlier = Message.objects.filter(conversation_id=conversation_id, client_id=client_id).first()
        if earlier is None:
            raise
        return _same_again(earlier, text=text)


def _store_for_bot(conversation_id: int, *, client_id: UUID, text: str) -> Stored | None:
    """Store it where the bot answers and nothing came with this id before, in one round trip. None otherwise."""
    now = timezone.now()
    message = Message(
        conversation_id=conversation_id, sender=Sender.CUSTOMER, text=text, client_id=client_id, created_at=now
    )
    given = statements.CUSTOMER_MESSAGE.parameters(message)
    row = row_of(statements.store_question(), (now, now, conversation_id, client_id, *given))
    if row is None:
        return None
    message.pk, message.seq, open_run_id = row
    announce(message_item(message))
    return Stored(seq=message.seq, at=now, is_new=True, wants_reply=True, open_run_id=open_run_id)


@transaction.atomic
def _store(conversation_id: int, *, client_id: UUID, text: str) -> Stored:
    locked = Conversation.objects.locked(conversation_id)
    reopened = reopen_locked(locked) if locked.owner == Owner.RESOLVED else None
    open_run_id = locked.runs.open().values_list("pk", flat=True).first() if locked.is_unanswered else None
    message = append_customer_message(locked, text=text, client_id=client_id)
    wants_reply = locked.owner == Owner.BOT
    if wants_reply:
        locked.reply_requested_at = message.created_at
    locked.save(update_fields=(*SEQ_FIELDS, *OWNER_FIELDS))
    announce(*_announcements(locked, message=message, reopened=reopened))
    return Stored(seq=message.seq, at=message.created_at, is_new=True, wants_reply=wants_reply, open_run_id=open_run_id)


def _same_again(earlier: Message, *, text: str) -> Stored:
    if (earlier.sender, earlier.text) != (Sender.CUSTOMER, text):
        raise ConflictError
    return Stored(seq=earlier.seq, at=earlier.created_at, is_new=False, wants_reply=False)


def _announcements(locked: Conversation, *, message: Message, reopened: list[Item] | None) -> list[Item]:
    items = [message_item(message)]
    if reopened is not None:
        items += [*reopened, owner_item(locked)]
    if reopened is not None or locked.owner != Owner.BOT:
        items.append(queue_changed_item(locked))
    return items


def mark_read(conversation_id: int, *, seq: int) -> None:
    """Note that the customer saw everything up to `seq`."""
    Conversation.objects.filter(pk=conversation_id, read_seq__lt=seq, head_seq__gte=seq).update(read_seq=seq)


@transaction.atomic
def rate(conversation_id: int, *, score: int, comment: str) -> None:
    """Store the customer's rating (1-5) of a resolved conversation. Raises NotResolvedError."""
    locked = Conversation.objects.locked(conversation_id)
    if locked.owner != Owner.RESOLVED:
        raise NotResolvedError
    locked.rating, locked.rating_comment = score, comment[:COMMENT_CHARS]
    locked.save(update_fields=["rating", "rating_comment"])
    announce(queue_changed_item(locked))


@transaction.atomic
def start_conversation(customer: Customer, *, locale: str) -> Conversation:
    """Return the customer's conversation, created where there was none."""
    conversation, _created = Conversation.objects.get_or_create(
        customer=customer, defaults={"site": customer.site, "locale": locale}
    )
    return conversation


@dataclass(frozen=True)
class Identity:
    """Who the shop says its customer is, and how much the customer matters to it (None: it doesn't say)."""

    external_id: str
    name: str = ""
    email: str = ""
    priority: Priority | None = None


@transaction.atomic
def known_customer(site: Site, *, identity: Identity, locale: str) -> Customer:
    """Return the shop's customer, created or updated from what the shop says."""
    customer, _created = Customer.objects.update_or_create(
        site=site,
        external_id=identity.external_id,
        defaults={"name": identity.name, "email": identity.email, "last_seen_at": timezone.now()},
        create_defaults={"name": identity.name, "email": identity.email, "locale": locale},
    )
    return customer


def new_visitor(site: Site, *, locale: str) -> Customer:
    """Return a new anonymous customer."""
    return Customer.objects.create(site=site, locale=locale)


def change_locale(conversation_id: int, *, locale: str) -> None:
    """Let csbot speak another language with this customer from now on."""
    Conversation.objects.filter(pk=conversation_id).exclude(locale=locale).update(locale=locale)
