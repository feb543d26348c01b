"""The shop's people in `cost_replay`: who set it up, approve answers in the evening, and read the bill.

Through csbot's own actions, on the database it runs on. Imports models, so it loads after Django is set up
(`database.shop`). Call from threads: the work is synchronous.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from bench.cost_day import Label, Line, labels_of
from conversations.answers.coverage import clusters
from conversations.answers.keeping import approve
from conversations.answers.limit import interval
from conversations.answers.models import KnownAnswer, KnownLabel
from conversations.answers.normal import answer_key
from conversations.answers.student.export.writing import without_examples
from conversations.answers.student.promotion import let_steer
from conversations.gateway.models import Account, LanguageModel, LLMCall, Provider, ProviderKind, Purpose, Route, Tier
from conversations.gateway.pricing import UnitPrices, cost_of, prices_at
from conversations.gateway.reading import price_entries
from conversations.gateway.starter import add_starter_prices
from conversations.llm.requests import Usage
from conversations.llm.tokens import estimate_tokens
from conversations.models import Message, Run, RunState, Sender
from conversations.playbook.models import Example, Intent
from conversations.playbook.opening import envelope_json
from conversations.playbook.prompt import Speaker, Turn, build_prompt, messages_tokens
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import freeze, publish

OFF_PEAK: Final = datetime(2026, 11, 24, 15, tzinfo=UTC)
PEAK: Final = datetime(2026, 11, 24, 8, tzinfo=UTC)
A_DAY: Final = 50_000
GPT: Final = "gpt-4o"
DEEPSEEK: Final = "deepseek-flash"
MILLION: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one question of today took: by whom it was answered, and with how many tokens.

    `bare_tokens`: what the prompt would have without examples. For known answers, tokens are what a call would have
    taken.
    """

    usage: Usage
    bare_tokens: int
    model: str = ""
    step: str = ""
    is_wrong: bool = False


@dataclass(frozen=True)
class Bill:
    """What is printed."""

    told: str
    headers: tuple[str, ...]
    rows: list[tuple[str, ...]]
    below_gpt: float
    below_deepseek: float


class Shop:
    """The people who run the shop."""

    def __init__(self) -> None:
        self._person = get_user_model().objects.get_or_create(username="bench-owner", is_staff=True)[0]
        self._began_at = timezone.now()
        self._economy = ""

    def open(self, day: Sequence[Line], *, base_url: str, economy: str) -> None:
        """Teach the bot what this shop's customers ask, and add the small model and the baseline."""
        self._economy = economy
        labels = labels_of(day)
        Intent.objects.bulk_create(intents(labels))
        Example.objects.bulk_create(examples(day))
        publish(freeze(author=self._person), by=self._person, reason="the replay's shop")
        add_model("own machines", base_url, economy)
        add_model("openai", "https://api.openai.com/v1", GPT)

    def approve(self) -> str:
        """Go through the coverage map: approve each answer that is right for every question shown with it."""
        approved = looked = 0
        seen: set[int] = set()
        while waiting := [each for each in clusters() if each.answer.pk not in seen]:
            for cluster in waiting:
                seen.add(cluster.answer.pk)
                looked += 1
                approved += self._approve_one(cluster.answer)
        return f"evening: {looked} answers looked at, {approved} approved, {KnownAnswer.objects.count()} known"

    def _approve_one(self, answer: KnownAnswer) -> bool:
        answer.is_fixed_for_intent = True
        approve(answer, by=self._person)
        return True

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
        return bill_of(spent, others, economy=self._economy, checked=checked_since(self._began_at))


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


def examples(day: Sequence[Line]) -> Iterator[Example]:
    """Yield each text with its answer, shown to the model only where it is near: what an able model would know."""
    known = {intent.key: intent for intent in Intent.objects.all()}
    texts = {line.text: line.labels[0] for line in day}
    for number, (text, label) in enumerate(texts.items(), start=1000):
        yield Example(
            customer_text=text,
            intent=known[label.intent],
            response=label.answer,
            action_required=label.action_required,
            locale=label.locale,
            is_pinned=False,
            position=number,
        )


def add_model(provider: str, base_url: str, name: str) -> None:
    """Add a model with its prices: the baseline is never asked, any other is economical."""
    is_baseline = name == GPT
    kind = ProviderKind.OPENAI if is_baseline else ProviderKind.SELF_HOSTED
    row = Provider.objects.create(name=provider, kind=kind, base_url=base_url)
    model = LanguageModel.objects.create(
        provider=row,
        name=name,
        tier=Tier.STANDARD if is_baseline else Tier.ECONOMY,
        is_baseline=is_baseline,
        extra_body={} if is_baseline else {"thinking": {"type": "disabled"}},
    )
    add_starter_prices(model)
    if not is_baseline:
        Route.objects.create(account=Account.objects.create(provider=row), model=model, group=2)


def spent_since(moment: datetime, today: Sequence[Line]) -> Iterator[Spent]:
    """Yield what each reply since then took."""
    right = {line.text: {answer_key(label.answer) for label in line.labels} for line in today}
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
        build = {"locale": run.conversation.locale, "budget_tokens": settings.CSBOT_HISTORY_TOKENS}
        bare_tokens = messages_tokens(build_prompt(bare, turns, **build).messages)
        if step := run.trace.get("known", {}).get("served", ""):
            reply = Message.objects.get(run=run, sender=Sender.BOT)
            tokens = messages_tokens(build_prompt(playbook, turns, **build).messages)
            usage = Usage(tokens, 0, answer_tokens(reply))
            is_wrong = answer_key(reply.text) not in right.get(turns[-1].text, set())
            yield Spent(usage, bare_tokens, step=step, is_wrong=is_wrong)
        elif call := calls.get(run.pk):
            usage = Usage(call.prompt_tokens, call.cached_tokens, call.completion_tokens)
            yield Spent(usage, bare_tokens, model=names[call.model_id])


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


def other_calls(moment: datetime) -> list[tuple[str, Usage]]:
    """Return what was asked beside replies (comparing answers), by the model's name."""
    rows = LLMCall.objects.filter(started_at__gte=moment).exclude(purpose=Purpose.REPLY).select_related("model")
    return [(row.model.name, Usage(row.prompt_tokens, row.cached_tokens, row.completion_tokens)) for row in rows]


def checked_since(moment: datetime) -> tuple[int, int]:
    """Return how many would-be hits were checked by the model, and how many of them were wrong."""
    rows = KnownLabel.objects.filter(created_at__gte=moment, was_served=True)
    return rows.count(), rows.filter(is_right=False).count()


def prices_of(name: str, moment: datetime) -> UnitPrices:
    """Return a model's prices from its rows."""
    rows = LanguageModel.objects.filter(name=name).first()
    found = prices_at(price_entries(rows.prices.all()), moment) if rows else None
    if found is None:
        raise LookupError(f"{name} has no price")
    return found


def bill_of(
    spent: Sequence[Spent], others: Sequence[tuple[str, Usage]], *, economy: str, checked: tuple[int, int]
) -> Bill:
    """Return the bill at each stage, off-peak and at DeepSeek's peak hours."""
    asked = [each for each in spent if not each.step]
    share = sum(each.usage.cached_tokens for each in asked) / max(1, sum(each.usage.prompt_tokens for each in asked))
    cached = [each.usage if not each.step else as_if_cached(each.usage, share) for each in spent]
    fresh = [replace(usage, cached_tokens=0) for usage in cached]
    beside = [usage for _name, usage in others]
    stages: dict[str, list[tuple[str, Iterable[Usage]]]] = {
        "naive GPT-4o": [(GPT, fresh)],
        "naive DeepSeek": [(DEEPSEEK, fresh)],
        "+ prefix cache": [(DEEPSEEK, cached)],
        "+ known answers": [(DEEPSEEK, [each.usage for each in asked]), (DEEPSEEK, beside)],
        f"+ tiers ({economy})": [
            (DEEPSEEK, [each.usage for each in asked if each.model != economy]),
            (economy, [each.usage for each in asked if each.model == economy]),
            (DEEPSEEK, beside),
        ],
        "the same, small model trained to need no examples": [
            (DEEPSEEK, [each.usage for each in asked if each.model != economy]),
            (economy, [bare_usage(each) for each in asked if each.model == economy]),
            (DEEPSEEK, beside),
        ],
    }
    money = {name: (total(parts, OFF_PEAK), total(parts, PEAK)) for name, parts in stages.items()}
    gpt, deepseek = money["naive GPT-4o"], money["naive DeepSeek"]
    rows = [
        (
            name,
            *(f"{each / len(spent) * A_DAY:,.2f}" for each in both),
            *(f"{1 - both[0] / naive[0]:.1%}" for naive in (gpt, deepseek)),
            *(f"{1 - both[1] / naive[1]:.1%}" for naive in (gpt, deepseek)),
        )
        for name, both in money.items()
    ]
    last = money[f"+ tiers ({economy})"][0]
    return Bill(
        told=told(spent, share=share, economy=economy, checked=checked),
        headers=(
            "bill",
            "USD a day, off-peak",
            "USD a day, peak",
            "below GPT-4o",
            "below DeepSeek",
            "peak: GPT-4o",
            "peak: DeepSeek",
        ),
        rows=rows,
        below_gpt=float(1 - last / gpt[0]),
        below_deepseek=float(1 - last / deepseek[0]),
    )


def as_if_cached(usage: Usage, share: float) -> Usage:
    """Return the usage of a call that wasn't made, with the usual share from the prefix cache."""
    return replace(usage, cached_tokens=round(usage.prompt_tokens * share))


def bare_usage(each: Spent) -> Usage:
    """Return what a call would take without examples, with no prefix cache at all."""
    return replace(each.usage, prompt_tokens=each.bare_tokens, cached_tokens=0)


def total(parts: Sequence[tuple[str, Iterable[Usage]]], moment: datetime) -> Decimal:
    """Return what calls to these models cost."""
    return sum((cost_of(usage, prices_of(name, moment)) for name, usages in parts for usage in usages), Decimal(0))


def told(spent: Sequence[Spent], *, share: float, economy: str, checked: tuple[int, int]) -> str:
    """Return what was seen, in words."""
    steps: Mapping[str, int] = Counter(each.step for each in spent if each.step)
    served, wrong = sum(steps.values()), sum(each.is_wrong for each in spent)
    seen = interval(wrong, served)
    tokens = [each.usage.prompt_tokens for each in spent]
    small = sum(each.model == economy for each in spent)
    return "\n".join(
        (
            f"{len(spent):,} replies; known answers served {served:,} ({served / len(spent):.1%}: {dict(steps)}),"
            f" small model {small:,} ({small / len(spent):.1%})",
            f"wrong of served, by the sets' labels: {wrong} ({seen.share:.2%}, 95 % interval {seen.low:.2%} to {seen.high:.2%})",
            f"checked by the model all the same: {checked[0]}, of them wrong: {checked[1]}",
            f"{sum(tokens) / len(tokens):,.0f} prompt tokens each, {share:.1%} from the prefix cache,"
            f" {sum(each.usage.completion_tokens for each in spent) / len(spent):,.0f} of the answer",
            f"Bills are for {A_DAY:,} messages: {len(spent):,} were billed, the rest is extrapolated.",
        )
    )
