"""Opening a run and gathering all it needs from the database in one piece of work, so that none is held later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings

from conversations.actions.runs import Figures, Stamps, extend_run, fail_run, open_run, read_stamps
from conversations.answers import board as boards
from conversations.answers.board import Board
from conversations.answers.student.steering import steering_of
from conversations.events.lane import conversation_topic
from conversations.events.live import ReplyStream
from conversations.gateway import reading as catalogs
from conversations.gateway.arms import assigned_arm
from conversations.gateway.budgets import Ceiling, ceiling_of, within_budgets
from conversations.gateway.catalog import Catalog
from conversations.gateway.metering import Origin
from conversations.gateway.models import Purpose, Tier
from conversations.gateway.routing import Plan, plan
from conversations.llm.requests import ChatMessage, Sampling
from conversations.models import Conversation, Message, Reason, Sender, Spoken
from conversations.playbook import reading as playbooks
from conversations.playbook.content import IntentEntry, Playbook
from conversations.playbook.prompt import Speaker, Turn, build_prompt, last_words
from conversations.playbook.reasoning import Calculation
from conversations.replies.known import LookUp, look_up

HISTORY_MESSAGES: Final = 60
USUAL_ANSWER_TOKENS: Final = 150
SPEAKERS: Final = {Sender.CUSTOMER: Speaker.CUSTOMER, Sender.BOT: Speaker.BOT, Sender.AGENT: Speaker.AGENT}


@dataclass(frozen=True, slots=True)
class Question:
    """All that a model call needs: the prompt, how to sample, which intents the answer may name, and whom to ask.

    `calculation` and `rules` are what the answer is judged by (see `judging`).
    """

    messages: Sequence[ChatMessage]
    sampling: Sampling
    intents: frozenset[str]
    trace: dict[str, object]
    tokens: int
    plan: Plan
    origin: Origin
    rules: Mapping[str, IntentEntry]
    calculation: Calculation | None = None


@dataclass(frozen=True, slots=True)
class OpenReply:
    """A run that was just opened, and its question; `is_known_only`: no budget is left for a model."""

    run_id: int
    conversation_id: int
    stream: ReplyStream
    question: Question
    looked: LookUp
    is_known_only: bool = False


def open_reply(conversation_id: int, *, worker: str) -> OpenReply | None:
    """Open a run for what is unanswered. None if nothing is, another run is at it, or no budget is left: people are."""
    opened = open_run(conversation_id, worker=worker, history=HISTORY_MESSAGES)
    if opened is None:
        return None
    run = opened.run
    known = known_at(opened.stamps)
    ceiling = ceiling_of(known.catalog)
    if ceiling is Ceiling.PEOPLE:
        give_to_people(run.pk)
        return None
    looked = look_up(opened.conversation, run, spoken=opened.spoken, playbook=known.playbook, board=known.board)
    if looked.ended is not None:
        return open_reply(conversation_id, worker=worker) if looked.ended.wants_reply else None
    if ceiling is Ceiling.KNOWN and looked.asked is None:
        give_to_people(run.pk)
        return None
    stream = ReplyStream(conversation_topic(conversation_id), run.pk, run.owner_epoch)
    question = ask_about(opened.conversation, known, spoken=opened.spoken)
    if looked.trace:
        question.trace["known"] = looked.trace
    return OpenReply(run.pk, conversation_id, stream, question, looked, is_known_only=ceiling is Ceiling.KNOWN)


def give_to_people(run_id: int) -> None:
    """End a run with a person, because no budget is left for a model."""
    fail_run(run_id, reason=Reason.BUDGET, outcome=Reason.BUDGET.value, figures=Figures())


def extend_reply(run_id: int) -> Question | None:
    """Let an open run answer what came since, too; return the new question. None if nothing came or it has ended."""
    conversation = extend_run(run_id)
    if conversation is None:
        return None
    spoken = Message.objects.recent(conversation=conversation, limit=HISTORY_MESSAGES)
    return ask_about(conversation, known_at(read_stamps()), spoken=spoken)


@dataclass(frozen=True, slots=True)
class Known:
    """What the shop's people have set up: what the bot knows, who may answer, and what is known already."""

    playbook: Playbook
    catalog: Catalog
    board: Board


def known_at(stamps: Stamps) -> Known:
    """Return all of it as it was when the stamps were read; what changed is read again."""
    return Known(
        playbooks.SHELF.at(stamps.playbook), catalogs.SHELF.at(stamps.gateway), boards.SHELF.at(stamps.answers)
    )


def ask_about(conversation: Conversation, known: Known, *, spoken: Sequence[Spoken]) -> Question:
    """Return the question for the conversation's unanswered messages; `spoken` is its newest history."""
    route_plan = plan_for(conversation, known.catalog)
    playbook = known.playbook
    if route_plan.release_id is not None:
        playbook = playbooks.playbook_of_release(route_plan.release_id)
    turns = turns_of(conversation, spoken)
    steering = steering_of(last_words(turns))
    prompt = build_prompt(
        playbook,
        turns,
        locale=conversation.locale,
        budget_tokens=settings.CSBOT_HISTORY_TOKENS,
        intent=steering.intent,
    )
    if steering.is_simple and prompt.calculation is None:
        route_plan = economical_first(route_plan)
        prompt.trace["is_simple"] = True
    return Question(
        prompt.messages,
        prompt.sampling,
        playbook.intent_keys,
        prompt.trace,
        tokens=estimated_tokens(prompt.trace),
        plan=route_plan,
        origin=Origin(
            Purpose.REPLY,
            route_plan.arm,
            route_plan.rollout_id,
            playbook_version=playbook.version,
            release=playbook.number,
        ),
        rules=playbook.intents_by_key,
        calculation=prompt.calculation,
    )


def plan_for(conversation: Conversation, known: Catalog) -> Plan:
    """Return whom to ask for this conversation, in order, under the rollout that is live."""
    catalog = within_budgets(known)
    return plan(catalog, conversation=conversation.public_id.bytes, arm=assigned_arm(conversation, catalog.rollout))


def economical_first(route_plan: Plan) -> Plan:
    """Return the plan with small models first, the others if those fail; as it is while a rollout compares two arms."""
    if route_plan.rollout_id is not None:
        return route_plan
    ranked = sorted(route_plan.candidates, key=lambda candidate: candidate.tier is not Tier.ECONOMY)
    return replace(route_plan, candidates=tuple(ranked))


def estimated_tokens(trace: dict[str, object]) -> int:
    """Return about how many tokens the call will take, for limits a minute."""
    prompt = trace.get("estimated_tokens")
    return (prompt if isinstance(prompt, int) else 0) + USUAL_ANSWER_TOKENS


def turns_of(conversation: Conversation, spoken: Sequence[Spoken]) -> list[Turn]:
    """Return the episode's turns, the unanswered ones last: a reply may have been stored after the next question."""
    until_seq = conversation.customer_seq
    said = [
        message
        for message in spoken
        if message.sender in SPEAKERS and (message.sender != Sender.CUSTOMER or message.seq <= until_seq)
    ]
    said.sort(key=lambda message: _is_open_question(message, conversation=conversation))
    return [turn_of(message) for message in said]


def _is_open_question(message: Spoken, *, conversation: Conversation) -> bool:
    return message.sender == Sender.CUSTOMER and message.seq > conversation.answered_seq


def turn_of(message: Spoken | Message) -> Turn:
    """Return a message as a turn of a prompt."""
    return Turn(
        SPEAKERS[Sender(message.sender)],
        message.text,
        intent=message.intent,
        action_required=bool(message.action_required),
        escalate=bool(message.escalate),
    )
