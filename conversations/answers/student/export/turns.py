"""The turns that were approved, read from the database: what was said, masked, and the answer that was right.

Approved means one of: an editor approved an agent's correction; staff approved the very answer as a known one; the
customer rated the conversation with four or five stars and no person had to take over. Turns are read anew each time
from the conversations themselves: of erased customers nothing is left.

What a known answer served was made by nobody at that moment: it is marked, and whose words it repeats is looked up.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from django.utils import timezone

from conversations.answers.models import AnswerState, Judge, KnownAnswer, KnownLabel, KnownQuestion
from conversations.answers.normal import answer_key, question_key
from conversations.answers.student.labels import CUSTOMER
from conversations.models import Conversation, Message, Run, RunState, Sender
from conversations.playbook.models import Correction
from conversations.playbook.opening import envelope_json
from conversations.playbook.prompt import Speaker, Turn
from conversations.text.masking import mask

AT_ONCE: Final = 500
GOOD_RATING: Final = 4
HISTORY: Final = 20
UNKNOWN: Final = "unknown: served from known answers"
"""Stands for a provider where nobody can tell any more whose words a known answer repeated; no terms allow it."""
SPEAKERS: Final = {Sender.CUSTOMER: Speaker.CUSTOMER, Sender.BOT: Speaker.BOT, Sender.AGENT: Speaker.AGENT}


class Approval(StrEnum):
    """Who approved a turn."""

    CORRECTION = "correction"
    KNOWN = "known_answer"
    RATING = "rating"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its decision."""

    intent: str
    escalate: bool
    action_required: bool
    response: str

    @property
    def envelope(self) -> str:
        """The answer as the model has to give it."""
        return envelope_json(
            intent=self.intent,
            escalate=self.escalate,
            action_required=self.action_required,
            response=self.response,
        )


@dataclass(frozen=True)
class ApprovedTurn:
    """What was said up to a question, and the right answer; `rejected` is the bot's, where a person corrected it.

    `provider` and `model` made the answer; people have neither. `said_by` are the providers whose models said
    something before: trainers learn those words too, unless they are told not to. `is_served`: a known answer said it.
    """

    group: str
    locale: str
    said: tuple[Turn, ...]
    question: str
    answer: Answer
    approval: Approval
    on: date
    provider: str = ""
    model: str = ""
    rejected: Answer | None = None
    rejected_provider: str = ""
    said_by: frozenset[str] = frozenset()
    is_served: bool = False


@dataclass(frozen=True)
class Shop:
    """What is the same for all turns: public texts of the shop that are no personal data, and what staff approved."""

    public: tuple[str, ...]
    known: frozenset[tuple[str, str]]
    corrections: dict[int, Correction]


def read_shop(public: Sequence[str]) -> Shop:
    """Return what staff approved."""
    approved = KnownQuestion.objects.filter(answer__state=AnswerState.APPROVED).values_list("key", "answer__text")
    corrections = Correction.objects.approved().filter(message__isnull=False)
    return Shop(
        public=tuple(public),
        known=frozenset((key, answer_key(text)) for key, text in approved),
        corrections={correction.message_id: correction for correction in corrections if correction.message_id},
    )


def approved_turns(shop: Shop, *, conversation_ids: Sequence[int] | None = None) -> Iterator[ApprovedTurn]:
    """Return the approved turns of all conversations, or of these, in the order in which they were said."""
    rows = Conversation.objects.order_by("pk").select_related("customer")
    rows = rows if conversation_ids is None else rows.filter(pk__in=conversation_ids)
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        last = chunk[-1].pk
        messages, runs = read_messages(chunk)
        makers = makers_of(runs)
        for conversation in chunk:
            yield from turns_of(conversation, messages[conversation.pk], runs, makers, shop)


def read_messages(conversations: Sequence[Conversation]) -> tuple[dict[int, list[Message]], dict[int, Run]]:
    """Return the conversations' messages, in order, and the runs that made answers, by their ids."""
    found: dict[int, list[Message]] = defaultdict(list)
    for message in Message.objects.filter(conversation__in=conversations).order_by("conversation_id", "seq"):
        if message.sender in SPEAKERS:
            found[message.conversation_id].append(message)
    runs = Run.objects.filter(conversation__in=conversations, state=RunState.CLOSED)
    return found, {run.pk: run for run in runs.filter(outcome__in=("answered", "escalated"))}


def known_served(run: Run) -> int | None:
    """Return the known answer that a run served; None where a model answered."""
    known = run.trace.get("known", {})
    return known[step].get("answer", 0) if (step := known.get("served")) else None


def makers_of(runs: Mapping[int, Run]) -> dict[int, frozenset[str]]:
    """Return whose models made what each run said. Of a known answer: all that ever said these very words."""
    served = {run.pk: answer for run in runs.values() if (answer := known_served(run)) is not None}
    repeated = repeated_by(set(served.values()))
    lost = frozenset({UNKNOWN})
    return {
        run.pk: repeated.get(served[run.pk], lost) if run.pk in served else frozenset({run.provider} - {""})
        for run in runs.values()
    }


def repeated_by(answer_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Return whose models said the words of these known answers; nobody's are those that staff wrote."""
    said = KnownLabel.objects.filter(answer__in=answer_ids, is_right=True, judge=Judge.WORDS, run_id__isnull=False)
    runs: dict[int, set[int]] = defaultdict(set)
    for answer_id, run_id in said.values_list("answer_id", "run_id"):
        runs[answer_id].add(run_id or 0)
    every = {run_id for some in runs.values() for run_id in some}
    providers = dict(Run.objects.filter(pk__in=every).values_list("pk", "provider"))
    there = KnownAnswer.objects.filter(pk__in=answer_ids).values_list("pk", flat=True)
    # A run that is gone went with its customer: who made the words is gone, too.
    return {pk: frozenset(providers.get(run_id) or UNKNOWN for run_id in runs[pk]) for pk in there}


def turns_of(
    conversation: Conversation,
    messages: Sequence[Message],
    runs: Mapping[int, Run],
    makers: Mapping[int, frozenset[str]],
    shop: Shop,
) -> Iterator[ApprovedTurn]:
    """Return the approved turns of one conversation."""
    answered_seq = 0
    needed_people = any(message.sender == Sender.AGENT or message.escalate for message in messages)
    is_rated = (conversation.rating or 0) >= GOOD_RATING and not needed_people
    for place, message in enumerate(messages):
        run = runs.get(message.run_id or 0)
        if message.sender != Sender.BOT or run is None or message.is_stopped:
            continue
        question = [each for each in messages if answered_seq < each.seq <= run.covers_seq and is_customers(each)]
        answered_seq = run.covers_seq
        if question and (approval := approval_of(message, question, shop, is_rated=is_rated)):
            before = [each for each in messages[:place] if each.seq < question[0].seq][-HISTORY:]
            made = turn_of(conversation, (before, question, message, run), approval, shop)
            yield replace(made, said_by=providers_of(before, makers), is_served=known_served(run) is not None)


def providers_of(said: Sequence[Message], makers: Mapping[int, frozenset[str]]) -> frozenset[str]:
    """Return whose models said some of this."""
    return frozenset().union(*(makers.get(each.run_id or 0, frozenset()) for each in said))


def is_customers(message: Message) -> bool:
    """Whether a customer said it."""
    return message.sender == Sender.CUSTOMER


def approval_of(message: Message, question: Sequence[Message], shop: Shop, *, is_rated: bool) -> Approval | None:
    """Return who approved an answer, if anybody did."""
    if message.pk in shop.corrections:
        return Approval.CORRECTION
    if (question_key(words_of(question)), answer_key(message.text)) in shop.known:
        return Approval.KNOWN
    return Approval.RATING if is_rated else None


def words_of(question: Sequence[Message]) -> str:
    """Return what a customer said in one go."""
    return "\n".join(message.text for message in question)


def turn_of(
    conversation: Conversation,
    found: tuple[Sequence[Message], Sequence[Message], Message, Run],
    approval: Approval,
    shop: Shop,
) -> ApprovedTurn:
    """Return a turn, everything in it masked."""
    before, question, message, run = found
    names = (conversation.customer.name,) if conversation.customer.name else ()

    def masked(text: str) -> str:
        return mask(text, with_orders=True, known=names, public=shop.public)

    given = Answer(message.intent, bool(message.escalate), bool(message.action_required), masked(message.text))
    correction = shop.corrections.get(message.pk)
    provider, model = ("", "") if correction else (run.provider, run.model)
    return ApprovedTurn(
        group=f"{CUSTOMER}{conversation.customer_id}",
        locale=conversation.locale,
        said=tuple(turn_said(each, masked(each.text)) for each in (*before, *question)),
        question=masked(words_of(question)),
        answer=corrected(correction, masked(correction.response)) if correction else given,
        approval=approval,
        on=timezone.localdate(message.created_at),
        rejected=given if correction else None,
        rejected_provider=run.provider if correction else "",
        provider=provider,
        model=model,
    )


def corrected(correction: Correction, response: str) -> Answer:
    """Return what a person would have answered."""
    return Answer(correction.intent, correction.escalate, correction.action_required, response)


def turn_said(message: Message, text: str) -> Turn:
    """Return a message as a turn of the prompt."""
    return Turn(
        SPEAKERS[Sender(message.sender)],
        text,
        intent=message.intent,
        action_required=bool(message.action_required),
        escalate=bool(message.escalate),
    )
