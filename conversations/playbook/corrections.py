"""An agent says what would have been right; an editor takes it into the draft, with a case that holds it there.

What was said is masked before it is kept. A correction changes the draft only, and only by an editor's decision: the
evaluation and whoever publishes decide what customers meet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.models import Conversation, Message, Sender
from conversations.playbook.audit import Actor, differences, fields_of, name_of, record
from conversations.playbook.checks import Problems, answer_problem, example_problems
from conversations.playbook.evaluation.cases import Line
from conversations.playbook.models import (
    MAX_TEXT_CHARS,
    Correction,
    CorrectionReason,
    CorrectionState,
    EvaluationCase,
    EvaluationSet,
    Example,
    Fact,
    Intent,
    StaleError,
    Verb,
)
from conversations.playbook.models.corrections import MAX_COMMENT_CHARS, MAX_MASKED_CHARS
from conversations.playbook.prompt import Speaker
from conversations.playbook.similar import alike
from conversations.text.masking import mask

LOOKED_BACK: Final = 30
DIALOGUE_LINES: Final = 10
STEP: Final = 10
CASE_SET: Final = "Corrections"
"""The case set that corrections go to. A name, not a text: staff may rename what they see, a new one is then made."""
SPEAKERS: Final = {Sender.CUSTOMER: Speaker.CUSTOMER, Sender.BOT: Speaker.BOT, Sender.AGENT: Speaker.AGENT}


class RefusedError(Exception):
    """It can't be done from how things stand; the text says why, for people."""


class InvalidError(Exception):
    """What was entered is no good example; `problems` says why, by field."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


class Said(NamedTuple):
    """A message, as far as corrections need it."""

    seq: int
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an agent begins with: what was said, masked, and the best guess at what would have been right."""

    question: str
    dialogue: tuple[Line, ...]
    bot_answer: str
    response: str
    is_agents: bool
    """Whether the response is what an agent wrote to the customer afterwards, not the bot's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What would have been right, and what was wrong."""

    reason: CorrectionReason
    response: str
    intent: str
    escalate: bool
    action_required: bool
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an editor makes of corrections: an example, a new one or another text for one that is there."""

    customer_text: str
    response: str
    intent_id: int
    locale: str
    escalate: bool
    action_required: bool
    is_pinned: bool = True
    replaces: int | None = None
    replaces_version: int | None = None
    """The version of the replaced example that the editor saw."""
    has_cases: bool = True
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()


def propose(message: Message) -> Proposal:
    """Return what an agent begins with. Raises RefusedError for what is no reply of the bot to a question."""
    if message.sender != Sender.BOT:
        raise RefusedError(_("Only the bot's own replies can be corrected."))
    before, question = _asked(message)
    if not question:
        raise RefusedError(_("There is no customer's question before this reply."))
    hide = Masker(message.conversation)
    answer = _agents_answer(message)
    return Proposal(
        question=hide("\n".join(question))[:MAX_TEXT_CHARS],
        dialogue=tuple(Line(SPEAKERS[Sender(said.sender)], hide(said.text)) for said in before[-DIALOGUE_LINES:]),
        bot_answer=hide(message.text),
        response=hide(answer or message.text),
        is_agents=bool(answer),
    )


def _asked(message: Message) -> tuple[list[Said], list[str]]:
    """Return what was said before the question, and the question: all that the customer wrote in a row."""
    covered = message.run.covers_seq if message.run else message.seq
    said_before = Message.objects.filter(conversation_id=message.conversation_id, seq__lt=message.seq)
    rows = said_before.filter(sender__in=SPEAKERS).order_by("-seq")
    said = [Said(*row) for row in rows.values_list(*Said._fields)[:LOOKED_BACK]][::-1]
    said = [each for each in said if each.sender != Sender.CUSTOMER or each.seq <= covered]
    begin = next((place for place in range(len(said), 0, -1) if said[place - 1].sender != Sender.CUSTOMER), 0)
    return said[:begin], [each.text for each in said[begin:]]


def _agents_answer(message: Message) -> str:
    """Return what an agent wrote right after the reply, if nobody else said more in between but the customer."""
    rows = Message.objects.after(message.seq, conversation_id=message.conversation_id)
    after = rows.exclude(sender__in=(Sender.SYSTEM, Sender.CUSTOMER)).values_list("sender", "text").first()
    return after[1] if after and after[0] == Sender.AGENT else ""


class Masker:
    """Masks texts of one conversation: what is known of its customer, and whatever looks like personal data."""

    def __init__(self, conversation: Conversation) -> None:
        customer = conversation.customer
        self._known = [value for value in (customer.name, customer.email, customer.external_id) if value]
        self._facts = [text for both in Fact.objects.values_list("text_th", "text_en") for text in both]

    def __call__(self, text: str) -> str:
        """Return a text with marks in place of personal data."""
        return mask(text, with_orders=True, known=self._known, public=self._facts)


def suggest(message: Message, suggestion: Suggestion, *, by: Actor) -> Correction:
    """Keep what an agent would have answered, for an editor. Raises RefusedError, InvalidError."""
    proposal = propose(message)
    hide = Masker(message.conversation)
    response = hide(suggestion.response.replace("\r\n", "\n").strip())
    if problem := answer_problem(response):
        raise InvalidError({"response": problem})
    if _says_what_the_bot_said(message, suggestion):
        raise InvalidError({"response": _("Say what would have been right: change the answer, the intent or a mark.")})
    if not Intent.objects.filter(key=suggestion.intent).exists():
        raise InvalidError({"intent": _("There is no such intent.")})
    correction = Correction(
        message=message,
        release=message.run.release if message.run else None,
        question=proposal.question,
        dialogue=[{"speaker": line.speaker.value, "text": line.text} for line in proposal.dialogue],
        bot_answer=proposal.bot_answer,
        bot_intent=message.intent,
        bot_escalate=bool(message.escalate),
        bot_action_required=bool(message.action_required),
        reason=suggestion.reason,
        comment=hide(suggestion.comment.strip())[:MAX_COMMENT_CHARS],
        response=response[:MAX_MASKED_CHARS],
        intent=suggestion.intent,
        escalate=suggestion.escalate,
        action_required=suggestion.action_required,
        locale=message.conversation.locale,
        author_id=by.pk if by else None,
        author_name=name_of(by),
    )
    try:
        with transaction.atomic():
            correction.save(force_insert=True)
    except IntegrityError:
        raise RefusedError(_("Somebody suggested a better answer for this reply already.")) from None
    return correction


def _says_what_the_bot_said(message: Message, suggestion: Suggestion) -> bool:
    return (suggestion.response.strip(), suggestion.intent, suggestion.escalate, suggestion.action_required) == (
        message.text.strip(),
        message.intent,
        bool(message.escalate),
        bool(message.action_required),
    )


def groups(corrections: Sequence[Correction]) -> list[list[Correction]]:
    """Return the corrections in groups whose questions are much alike, the largest group first."""
    leader = list(range(len(corrections)))

    def first(place: int) -> int:
        while leader[place] != place:
            leader[place] = place = leader[leader[place]]
        return place

    for pair in alike([correction.question for correction in corrections]):
        one, other = sorted((first(pair.first), first(pair.second)))
        leader[other] = one
    found: dict[int, list[Correction]] = {}
    for place, correction in enumerate(corrections):
        found.setdefault(first(place), []).append(correction)
    return sorted(found.values(), key=lambda group: (-len(group), group[0].pk))


def do_differ(group: Iterable[Correction]) -> bool:
    """Say whether agents disagree about what would have been right: intent or flags."""
    return len({(each.intent, each.escalate, each.action_required) for each in group}) > 1


@transaction.atomic
def approve(ids: Sequence[int], decision: Decision, *, by: Actor) -> Example:
    """Make an example of the draft of corrections, and a case of each. Raises RefusedError, InvalidError.

    What somebody else decided meanwhile is not decided twice: nothing is done then.
    """
    corrections = _held(ids)
    example, before = _example_for(decision)
    if problems := example_problems(example):
        raise InvalidError(problems)
    try:
        example.save()
    except StaleError:
        raise RefusedError(_("Somebody changed that example meanwhile. Look at it again.")) from None
    record(by, Verb.CHANGE if before else Verb.ADD, example, changes=differences(before, fields_of(example)))
    if decision.has_cases:
        _add_cases(corrections, decision, example=example, by=by)
    for correction in corrections:
        correction.example = example
    _decide(corrections, CorrectionState.APPROVED, by=by)
    return example


def _held(ids: Sequence[int]) -> list[Correction]:
    """Return the corrections, kept from others until the decision is over."""
    found = list(Correction.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    if not found or len(found) != len(set(ids)):
        raise RefusedError(_("Choose at least one suggestion."))
    decided = next((each for each in found if each.state != CorrectionState.OPEN), None)
    if decided is not None:
        raise RefusedError(_("%(who)s decided this meanwhile.") % {"who": decided.decided_by_name or _("Somebody")})
    return found


def _example_for(decision: Decision) -> tuple[Example, dict[str, object]]:
    """Return the example with the decision's words, not saved yet, and what it said before."""
    example = Example(position=(Example.objects.aggregate(last=Max("position"))["last"] or 0) + STEP)
    before: dict[str, object] = {}
    if decision.replaces is not None:
        found = Example.objects.select_related("intent").filter(pk=decision.replaces).first()
        if found is None or found.edit_version != decision.replaces_version:
            raise RefusedError(_("Somebody changed that example meanwhile. Look at it again."))
        example, before = found, fields_of(found)
    example.customer_text = decision.customer_text.replace("\r\n", "\n").strip()
    example.response = decision.response.replace("\r\n", "\n").strip()
    example.intent_id = decision.intent_id
    example.locale = decision.locale
    example.escalate = decision.escalate
    example.action_required = decision.action_required
    example.is_pinned = decision.is_pinned
    example.is_on = True
    return example, before


def _add_cases(corrections: Iterable[Correction], decision: Decision, *, example: Example, by: Actor) -> None:
    """Make a case of each question that is none yet, so that no later release answers it wrong again unnoticed."""
    case_set, is_new = EvaluationSet.objects.get_or_create(name=CASE_SET)
    if is_new:
        record(by, Verb.ADD, case_set, changes=differences({}, fields_of(case_set)))
    last = case_set.cases.aggregate(last=Max("position"))["last"] or 0
    known = {case.question: case for case in case_set.cases.all()}
    for correction in corrections:
        case = known.get(correction.question)
        if case is None:
            last += STEP
            case = EvaluationCase.objects.create(
                evaluation_set=case_set,
                question=correction.question[:MAX_TEXT_CHARS],
                dialogue=correction.dialogue,
                locale=correction.locale,
                intent=example.intent.key,
                escalate=decision.escalate,
                action_required=decision.action_required,
                must_say=list(decision.must_say),
                must_not_say=list(decision.must_not_say),
                reference=example.response,
                source=_("Correction %(id)d") % {"id": correction.pk},
                position=last,
            )
            known[case.question] = case
            record(by, Verb.ADD, case, changes=differences({}, fields_of(case)))
        correction.case = case


def _decide(corrections: Sequence[Correction], state: CorrectionState, *, by: Actor, why: str = "") -> None:
    for correction in corrections:
        correction.state = state
        correction.decided_at = timezone.now()
        correction.decided_by_id = by.pk if by else None
        correction.decided_by_name = name_of(by)
        correction.decision = why
        correction.save()
        verb = Verb.APPROVE if state == CorrectionState.APPROVED else Verb.REJECT
        record(by, verb, correction, changes={"state": (CorrectionState.OPEN.value, state.value)}, reason=why)


@transaction.atomic
def reject(ids: Sequence[int], *, by: Actor, why: str) -> int:
    """Decide that corrections are not used. Raises RefusedError."""
    corrections = _held(ids)
    _decide(corrections, CorrectionState.REJECTED, by=by, why=why.strip()[:MAX_COMMENT_CHARS])
    return len(corrections)
