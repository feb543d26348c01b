"""The shop's people in `cost_replay`: who set it up, approve answers in the evening, and read the bill.

Through csbot's own actions, on the database it runs on. Imports models, so it loads after Django is set up
(`database.shop`). Call from threads: the work is synchronous.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from bench.cost_bill import DEEPSEEK, GPT, OTHER_PAIR, Bill, Day, Spent, bill_of
from bench.cost_day import Label, Line, labels_of
from conversations.answers.board import policy_row
from conversations.answers.coverage import QUESTIONS_SHOWN, Cluster, clusters
from conversations.answers.keeping import approve, vouch
from conversations.answers.models import AnswerState, KnownAnswer, KnownLabel, Step
from conversations.answers.normal import answer_key
from conversations.answers.student.export.writing import without_examples
from conversations.answers.student.promotion import let_steer
from conversations.answers.upkeep import learn_bounds
from conversations.gateway.models import Account, LanguageModel, LLMCall, Provider, ProviderKind, Purpose, Route, Tier
from conversations.gateway.pricing import UnitPrices, prices_at
from conversations.gateway.reading import price_entries
from conversations.gateway.starter import add_starter_prices
from conversations.llm.requests import Usage
from conversations.llm.tokens import estimate_tokens
from conversations.models import Message, Run, RunState, Sender
from conversations.playbook.content import Playbook
from conversations.playbook.models import Intent
from conversations.playbook.opening import envelope_json
from conversations.playbook.prompt import Speaker, Turn, build_prompt, messages_tokens
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import freeze, publish

OFF_PEAK: Final = datetime(2026, 11, 24, 15, tzinfo=UTC)
PEAK: Final = datetime(2026, 11, 24, 8, tzinfo=UTC)
LEARNING_SECONDS: Final = 60.0


class Shop:
    """The people who run the shop."""

    def __init__(self) -> None:
        self._person = get_user_model().objects.get_or_create(username="bench-owner", is_staff=True)[0]
        self._began_at = timezone.now()
        self._economy = ""
        self._right: dict[str, set[str]] = {}

    def open(self, day: Sequence[Line], *, base_url: str, economy: str) -> None:
        """Teach the bot what this shop's customers ask, and add the small model and the baseline."""
        self._economy, self._right = economy, right_answers(day)
        labels = labels_of(day)
        Intent.objects.bulk_create(intents(labels))
        publish(freeze(author=self._person), by=self._person, reason="the replay's shop")
        add_model("own machines", base_url, economy, has_route=True)
        add_model("openai", "https://api.openai.com/v1", GPT)
        for name in {*OTHER_PAIR} - {DEEPSEEK}:
            add_model(f"only its prices: {name}", "https://example.invalid/v1", name)

    def approve(self) -> str:
        """Go through the coverage map: approve each answer that is right for every question shown with it."""
        approved = looked = 0
        seen: set[tuple[int, int]] = set()
        while waiting := [each for each in clusters() if (each.answer.pk, each.last_id) not in seen]:
            for cluster in waiting:
                seen.add((cluster.answer.pk, cluster.last_id))
                looked += 1
                approved += self._approve_one(cluster)
        return f"staff: {looked} answers looked at, {approved} approved, {KnownAnswer.objects.count()} known"

    def _approve_one(self, cluster: Cluster) -> bool:
        is_right = all(cluster.answer.text_key in self._right.get(text, set()) for text in cluster.questions)
        if is_right and cluster.answer.state == AnswerState.APPROVED:
            vouch(cluster.answer, until=cluster.last_id, seen=QUESTIONS_SHOWN, by=self._person)
        elif is_right:
            # Each intent of these sets has one text.
            cluster.answer.is_fixed_for_intent = True
            # As the page's button does: the questions shown with it are vouched for, those that aren't shown are not.
            approve(cluster.answer, by=self._person, seen=QUESTIONS_SHOWN)
        return is_right

    def wait_until_learnt(self) -> None:
        """Wait until the worker has looked at all that was answered, and the scheduler has encoded it."""
        deadline = time.monotonic() + LEARNING_SECONDS
        while time.monotonic() < deadline:
            newest = Run.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            if policy_row().learnt_run_id >= newest:
                return
            time.sleep(0.5)

    def learn_bounds(self) -> str:
        """Learn what scores are worth, as the scheduler does every ten minutes: replayed days are shorter."""
        learn_bounds()
        near = KnownLabel.objects.filter(step=Step.NEAR)
        told = f"{near.count():,} labels of similar questions ({near.filter(is_right=False).count()} wrong)"
        return f"{told}, served up to a risk of {policy_row().risk_limit:.4f}"

    def let_steer(self) -> str:
        """Let the student choose models for simple questions."""
        let_steer(is_steering=True, by=self._person)
        return "the student may steer"

    def begin_day(self) -> None:
        """Count from now on."""
        self._began_at = timezone.now()

    def close(self) -> None:
        """Close this thread's connection."""
        connection.close()

    def bill(self, today: Sequence[Line]) -> Bill:
        """Return what today cost, and what it would have."""
        spent = list(spent_since(self._began_at, today))
        others = other_calls(self._began_at)
        wanted = {GPT, DEEPSEEK, self._economy, *OTHER_PAIR}
        prices = {name: (prices_of(name, OFF_PEAK), prices_of(name, PEAK)) for name in wanted}
        return bill_of(Day(spent, others, checked_since(self._began_at), self._economy), prices)

    def reasons(self) -> list[tuple[str, str, str, str]]:
        """Return what each step of the ladder said today: step, why, how often, and as a share of all replies."""
        traces = Run.objects.filter(started_at__gte=self._began_at, state=RunState.CLOSED).values_list(
            "trace", flat=True
        )
        counts = Counter(each for trace in traces for each in said_of(trace.get("known", {})))
        total = max(1, len(traces))
        return [(step, why, f"{count:,}", f"{count / total:.1%}") for (step, why), count in sorted(counts.items())]


def said_of(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what each step said of a question; "all" where it was clear before the first."""
    if not known or "why" in known:
        yield "all", str(known.get("why", "nothing known"))
    for step in Step.values:
        if step in known:
            yield step, str(known[step]["why"])


def right_answers(day: Sequence[Line]) -> dict[str, set[str]]:
    """Return the keys of the answers that are right for each text."""
    return {line.text: {answer_key(label.answer) for label in line.labels} for line in day}


def intents(labels: Iterable[Label]) -> Iterator[Intent]:
    """Yield the labels' intents, each once."""
    found = {label.intent: label for label in labels}
    for number, (key, label) in enumerate(found.items(), start=1000):
        yield Intent(
            key=key,
            name_th=key[:40],
            name_en=key[:40],
            belongs=label.about.strip() or key,
            is_reusable=label.is_reusable,
            position=number,
        )


def add_model(provider: str, base_url: str, name: str, *, has_route: bool = False) -> None:
    """Add a model with its prices, an economical one; without a route it is never asked."""
    row = Provider.objects.create(name=provider, kind=ProviderKind.SELF_HOSTED, base_url=base_url)
    model = LanguageModel.objects.create(
        provider=row, name=name, tier=Tier.ECONOMY, extra_body={"thinking": {"type": "disabled"}}
    )
    add_starter_prices(model)
    if has_route:
        Route.objects.create(account=Account.objects.create(provider=row), model=model, group=2)


def spent_since(moment: datetime, today: Sequence[Line]) -> Iterator[Spent]:
    """Yield what each reply since then took."""
    right = right_answers(today)
    playbook = current_playbook()
    bare = without_examples(playbook)
    calls = {
        call.run_id: call
        for call in LLMCall.objects.filter(started_at__gte=moment, purpose=Purpose.REPLY).order_by("pk")
    }
    names = dict(LanguageModel.objects.values_list("pk", "name"))
    runs = Run.objects.filter(started_at__gte=moment, state=RunState.CLOSED).select_related("conversation")
    for run in runs:
        turns = turns_before(run)
        if not turns:
            continue
        bare_tokens = prompt_tokens(bare, turns, locale=run.conversation.locale)
        if step := run.trace.get("known", {}).get("served", ""):
            reply = Message.objects.get(run=run, sender=Sender.BOT)
            tokens = prompt_tokens(playbook, turns, locale=run.conversation.locale)
            usage = Usage(tokens, 0, answer_tokens(reply))
            is_wrong = answer_key(reply.text) not in right.get(turns[-1].text, set())
            yield Spent(usage, bare_tokens, step=step, is_wrong=is_wrong)
        elif call := calls.get(run.pk):
            usage = Usage(call.prompt_tokens, call.cached_tokens, call.completion_tokens)
            yield Spent(usage, bare_tokens, model=names[call.model_id])


def prompt_tokens(playbook: Playbook, turns: Sequence[Turn], *, locale: str) -> int:
    """Return how many tokens the prompt would have, counted as the simulator counts."""
    prompt = build_prompt(playbook, turns, locale=locale, budget_tokens=settings.CSBOT_HISTORY_TOKENS)
    return messages_tokens(prompt.messages)


def turns_before(run: Run) -> list[Turn]:
    """Return the conversation up to what a run answered."""
    said = Message.objects.filter(conversation=run.conversation_id, seq__lte=run.covers_seq).order_by("seq")
    speakers = {Sender.CUSTOMER: Speaker.CUSTOMER, Sender.BOT: Speaker.BOT}
    return [
        Turn(speakers[Sender(each.sender)], each.text, each.intent, bool(each.action_required), bool(each.escalate))
        for each in said
        if each.sender in speakers
    ]


def answer_tokens(reply: Message) -> int:
    """Return about how many tokens a model would have written for this reply."""
    return estimate_tokens(
        envelope_json(intent=reply.intent, escalate=False, action_required=False, response=reply.text)
    )


def other_calls(moment: datetime) -> list[Usage]:
    """Return what was asked beside replies (comparing answers)."""
    rows = LLMCall.objects.filter(started_at__gte=moment).exclude(purpose=Purpose.REPLY)
    return [Usage(row.prompt_tokens, row.cached_tokens, row.completion_tokens) for row in rows]


def checked_since(moment: datetime) -> tuple[int, int]:
    """Return how many would-be hits were checked by the model, and how many of them were wrong."""
    rows = KnownLabel.objects.filter(created_at__gte=moment, was_served=True)
    return rows.count(), rows.filter(is_right=False).count()


def prices_of(name: str, moment: datetime) -> UnitPrices:
    """Return a model's prices from its rows."""
    model = LanguageModel.objects.filter(name=name).first()
    found = prices_at(price_entries(model.prices.all()), moment) if model else None
    if found is None:
        raise LookupError(f"{name} has no price")
    return found
