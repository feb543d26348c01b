"""What is known of how one reply came about, in words for staff. Reads only; says nothing that was not written down."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.gateway.models import Arm, LLMCall, Outcome
from conversations.llm.validation import Repair
from conversations.models import Message, Run, RunState
from conversations.playbook.models import Release
from conversations.playbook.rules import Guard
from conversations.replies.past import past_of

COST_DIGITS: Final = 6

ENDS: Final[Mapping[str, Promise]] = {
    "answered": gettext_lazy("answered"),
    "escalated": gettext_lazy("answered, and handed to a person"),
    "stopped": gettext_lazy("stopped by the customer"),
    "owner_changed": gettext_lazy("thrown away: a person took the conversation"),
    "handed_on": gettext_lazy("begun again by another worker"),
    "lost": gettext_lazy("begun again: its worker was gone"),
    "budget": gettext_lazy("handed to a person: the budget is used up"),
}
GUARDS: Final[Mapping[str, Promise]] = {
    Guard.NEEDS_PERSON: gettext_lazy("A person must always see this intent, so it was handed over."),
    Guard.ON_ACTION: gettext_lazy("Something must be done, and this intent says that a person does it."),
    Guard.WRONG_FIGURES: gettext_lazy("The model's figures were wrong: code worked them out anew."),
}
REPAIRS: Final[Mapping[str, Promise]] = {
    Repair.REASONING: gettext_lazy("The model thought aloud; that was taken out."),
    Repair.FORM: gettext_lazy("The answer wasn't clean JSON; it was read all the same."),
    Repair.FIELDS: gettext_lazy("A field was missing; it counts as no."),
    Repair.INTENT: gettext_lazy("The intent isn't one of the playbook's; the fallback stands in."),
    Repair.MARKUP: gettext_lazy("Markup or invisible letters were taken out of the reply."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A fact: its name, what it is, and where more about it is ("" for nowhere)."""

    name: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """A call to a model."""

    who: str
    how: str
    outcome: str
    is_good: bool
    first_token_ms: int | None = None
    total_ms: int | None = None
    tokens: str = ""
    cost: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """All that the page shows about a reply, but for its examples."""

    run: Run
    message: Message | None
    question: str
    summary: str
    release: Release | None
    facts: list[Line]
    attempts: list[AttemptLine]
    guards: list[str]
    repairs: list[str]
    is_known_answer: bool = False
    trace: dict[str, Any] = field(default_factory=dict)


def why(run: Run) -> Why:
    """Gather what is known of a reply."""
    message = Message.objects.filter(run=run).first()
    release = Release.objects.slim().filter(number=run.release).first() if run.release else None
    calls = LLMCall.objects.filter(run_id=run.pk).select_related("provider", "model").order_by("number")
    trace = run.trace if isinstance(run.trace, dict) else {}
    return Why(
        run=run,
        message=message,
        question=past_of(run).text,
        summary=summary_of(run, trace),
        release=release,
        facts=[line for line in facts_of(run, trace, release=release, calls=calls) if line.value],
        attempts=[attempt_of(call) for call in calls] or attempts_in(trace),
        guards=worded(trace.get("guards"), GUARDS),
        repairs=worded(trace.get("repairs"), REPAIRS),
        is_known_answer=is_known(trace),
        trace=trace,
    )


def is_known(trace: Mapping[str, Any]) -> bool:
    """Whether the reply was known already, and no model was asked."""
    known = trace.get("known")
    return isinstance(known, dict) and "served" in known


def summary_of(run: Run, trace: Mapping[str, Any]) -> str:
    """Return in one sentence where the reply came from."""
    if is_known(trace):
        return _("This answer was known already: no model was asked.")
    if run.state == RunState.OPEN:
        return _("The reply is being made right now.")
    if not run.attempts:
        return _("No model was asked.")
    if run.state == RunState.DISCARDED:
        return _("No reply came of it: %(outcome)s.") % {"outcome": end_of(run)}
    seconds = f"{(run.total_ms or 0) / 1000:.1f}"
    if not run.model:
        return _("The customer stopped the reply after %(seconds)s s.") % {"seconds": seconds}
    return _("%(model)s wrote this answer in %(seconds)s s.") % {"model": run.model, "seconds": seconds}


def end_of(run: Run) -> str:
    """Return in words how the run ended."""
    if run.outcome in Outcome.values:
        return str(Outcome(run.outcome).label)
    return str(ENDS.get(run.outcome, run.outcome))


def facts_of(
    run: Run, trace: Mapping[str, Any], *, release: Release | None, calls: Sequence[LLMCall] | QuerySet[LLMCall]
) -> Iterator[Line]:
    """Yield the facts, the most telling ones first; those without a value are not known."""
    page = reverse("admin:conversations_release_change", args=[release.pk]) if release else ""
    yield Line(_("Release"), release_name(run, release), page)
    yield Line(_("Known answer"), _("yes") if is_known(trace) else _("no"))
    yield Line(_("Provider"), run.provider)
    yield Line(_("Model"), run.model)
    yield Line(_("Arm"), ", ".join(sorted({arm_name(call) for call in calls if call.arm})))
    yield Line(_("Sampling profile"), text_of(trace.get("profile")))
    yield Line(_("Worked out"), _("step by step, figures checked by code") if trace.get("reasoning") else "")
    yield Line(_("How it ended"), end_of(run))
    yield Line(_("First words after"), milliseconds(run.first_token_ms))
    yield Line(_("Whole answer after"), milliseconds(run.total_ms))
    yield Line(_("Cost"), cost_of(calls))
    yield Line(_("Prompt tokens"), tokens_of(run.prompt_tokens, run.cached_tokens))
    yield Line(_("Answer tokens"), number(run.completion_tokens))
    yield Line(_("Reasoning tokens"), number(run.reasoning_tokens))
    yield Line(_("Earlier messages left out"), number(trace.get("turns_left_out")))


def release_name(run: Run, release: Release | None) -> str:
    """Return the release in words, also where it is gone or older than releases are."""
    if release is None:
        return _("release %(number)d") % {"number": run.release} if run.release else ""
    return f"{release} ({_('live')})" if release.is_live else str(release)


def arm_name(call: LLMCall) -> str:
    """Return under which arm of a rollout a call was made."""
    return str(Arm(call.arm).label) if call.arm in Arm.values else call.arm


def attempt_of(call: LLMCall) -> AttemptLine:
    """Return a call in words."""
    return AttemptLine(
        who=f"{call.provider.name} / {call.model.name}",
        how=how_called(is_streamed=call.is_streamed, is_switched=call.is_switched),
        outcome=str(Outcome(call.outcome).label),
        is_good=call.outcome in (Outcome.OK, Outcome.REPAIRED),
        first_token_ms=call.first_token_ms,
        total_ms=call.total_ms,
        tokens=f"{call.prompt_tokens:,} ({call.cached_tokens:,}) + {call.completion_tokens:,}",
        cost=money(call.cost, call.currency),
    )


def attempts_in(trace: Mapping[str, Any]) -> list[AttemptLine]:
    """Return the attempts as the trace tells them: the calls' own rows are not kept for ever."""
    attempts = trace.get("attempts")
    return [attempt_in(each) for each in attempts if isinstance(each, dict)] if isinstance(attempts, list) else []


def attempt_in(attempt: Mapping[str, Any]) -> AttemptLine:
    """Return an attempt of the trace in words."""
    outcome = text_of(attempt.get("outcome"))
    return AttemptLine(
        who=f"{attempt.get('provider', '')} / {attempt.get('model', '')}",
        how=how_called(is_streamed=attempt.get("streamed") is not False, is_switched=False),
        outcome=str(Outcome(outcome).label) if outcome in Outcome.values else outcome,
        is_good=outcome in (Outcome.OK, Outcome.REPAIRED),
        total_ms=attempt.get("ms"),
    )


def how_called(*, is_streamed: bool, is_switched: bool) -> str:
    """Return in words how a call was made."""
    words = _("streamed") if is_streamed else _("whole")
    return f"{words}, {_('not the first choice')}" if is_switched else words


def worded(codes: object, words: Mapping[str, Promise]) -> list[str]:
    """Return codes of a trace in words; a code that a newer csbot wrote stays as it is."""
    return [str(words.get(text_of(code), code)) for code in codes] if isinstance(codes, list) else []


def cost_of(calls: Sequence[LLMCall] | QuerySet[LLMCall]) -> str:
    """Return what all calls cost together, by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for call in calls:
        if call.cost is not None:
            sums[call.currency] += call.cost
    return " + ".join(money(amount, currency) for currency, amount in sums.items())


def money(amount: Decimal | None, currency: str) -> str:
    """Return an amount that may be far below a cent."""
    return "" if amount is None else f"{f'{amount:.{COST_DIGITS}f}'.rstrip('0').rstrip('.')} {currency}"


def tokens_of(prompt: int, cached: int) -> str:
    """Return a prompt's size with the share that the provider had in its cache."""
    if not prompt:
        return ""
    return _("%(count)s, of which cached %(cached)s") % {"count": f"{prompt:,}", "cached": f"{cached:,}"}


def milliseconds(value: int | None) -> str:
    """Return a time in words."""
    return "" if value is None else _("%(n)s ms") % {"n": f"{value:,}"}


def number(value: object) -> str:
    """Return a count; nothing for none."""
    return f"{value:,}" if isinstance(value, int) and value else ""


def text_of(value: object) -> str:
    """Return a text of a trace; nothing where it is none."""
    return value if isinstance(value, str) else ""
