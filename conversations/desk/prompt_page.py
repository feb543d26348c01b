"""The exact prompt of a playbook and a question, message by message, with its size and price. Asks no model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from conversations.actions.rights import may_read
from conversations.desk.why_runs import read_run
from conversations.gateway.models import LanguageModel
from conversations.gateway.pricing import UnitPrices, prices_at
from conversations.gateway.reading import read_prices
from conversations.llm.requests import ChatMessage
from conversations.models import Locale, Run
from conversations.playbook.content import ExampleEntry, Playbook
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import Release
from conversations.playbook.prompt import Prompt, Speaker, Turn, messages_tokens
from conversations.playbook.reading import current_playbook, playbook_of_release
from conversations.playbook.sizes import (
    USUAL_ANSWER_TOKENS,
    PromptPrice,
    PromptSize,
    largest_examples,
    message_tokens,
    prompt_price,
    prompt_size,
)
from conversations.replies.past import past_of
from conversations.replies.trying import prompt_for
from conversations.text.checks import UNSTORABLE

SEE: Final = "conversations.view_release"
DRAFT: Final = "draft"
LIVE: Final = "live"
LARGEST: Final = 5
RELEASES: Final = 50
ANY_QUESTION: Final = "ส่งของกี่วันถึงคะ"
COST_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose prompt is shown: `book` as the address says it, the conversation, and the reply it is of, if any."""

    book: str
    playbook: Playbook
    turns: Sequence[Turn]
    locale: str
    run: Run | None = None

    @property
    def question(self) -> str:
        """The customer's last words."""
        return self.turns[-1].text


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message of the prompt."""

    role: str
    content: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Part:
    """Messages that belong together."""

    title: str
    hint: str
    lines: list[MessageLine]
    tokens: int
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What 1,000 messages cost with one model."""

    model: str
    cached: str
    uncached: str
    saving: str


def prompt_urls() -> list[URLPattern]:
    """Return the page."""
    return [path("prompt/", admin.site.admin_view(prompt_view), name="playbook-prompt")]


@require_GET
def prompt_view(request: HttpRequest) -> HttpResponse:
    """Show the prompt."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    wanted = wanted_by(request)
    prompt = prompt_for(wanted.playbook, wanted.turns, locale=wanted.locale)
    size = prompt_size(prompt)
    context = {
        **admin.site.each_context(request),
        "title": _("The exact prompt"),
        "wanted": wanted,
        "releases": Release.objects.slim().order_by("-is_live", "-number")[:RELEASES],
        "locales": Locale.choices,
        "told": told_of(wanted, prompt),
        "parts": list(parts_of(prompt)),
        "size": size,
        "fixed_percent": round(100 * size.fixed / size.total) if size.total else 0,
        "profile": prompt.trace["profile"],
        "sampling": prompt.sampling,
        "reasoning": prompt.trace.get("reasoning"),
        "left_out": prompt.trace["turns_left_out"],
        "prices": list(price_lines(size)),
        "answer_tokens": USUAL_ANSWER_TOKENS,
        "largest": [largest_line(*each) for each in largest_examples(wanted.playbook, limit=LARGEST)],
        "history_tokens": settings.CSBOT_HISTORY_TOKENS,
    }
    return TemplateResponse(request, "admin/prompt.html", context)


def wanted_by(request: HttpRequest) -> Wanted:
    """Return what the address asks for. Raises Http404, PermissionDenied."""
    given = request.GET
    if given.get("run", ""):
        return wanted_of_run(request, given["run"])
    book = given.get("book", DRAFT)
    locale = given.get("locale", "")
    question = UNSTORABLE.sub("", given.get("q", ""))[: settings.CSBOT_MAX_MESSAGE_CHARS]
    turns = [Turn(Speaker.CUSTOMER, question if question.strip() else ANY_QUESTION)]
    return Wanted(book, book_named(book), turns, locale if locale in Locale.values else Locale.TH.value)


def wanted_of_run(request: HttpRequest, number: str) -> Wanted:
    """Return what a reply was made from."""
    if not may_read(request.user):
        raise PermissionDenied
    if not (number.isascii() and number.isdigit()):
        raise Http404
    run = read_run(int(number))
    book = request.GET.get("book") or (str(run.release) if run.release else LIVE)
    turns = past_of(run).turns
    if not turns:
        raise Http404
    return Wanted(book, book_named(book), turns, run.conversation.locale, run)


def book_named(book: str) -> Playbook:
    """Return the draft, the live release or one by its number. Raises Http404."""
    if book == DRAFT:
        return read_draft()
    if book == LIVE:
        return current_playbook()
    number = int(book) if book.isascii() and book.isdigit() and len(book) < 10 else 0
    release_id = Release.objects.filter(number=number).values_list("pk", flat=True).first()
    if release_id is None:
        raise Http404
    return playbook_of_release(release_id)


def told_of(wanted: Wanted, prompt: Prompt) -> str:
    """Return how sure it is that this prompt was sent for a reply; "" where it is of none."""
    if wanted.run is None:
        return ""
    trace = wanted.run.trace if isinstance(wanted.run.trace, dict) else {}
    if trace.get("playbook") != wanted.playbook.version:
        return _("This reply's question, with another playbook than it was answered by.")
    same = ("estimated_tokens", "examples", "turns")
    if all(trace.get(name) == prompt.trace[name] for name in same):
        return _("This is what the model was sent for this reply.")
    return _("Built again from the release and the conversation; its part may have been another one then.")


def parts_of(prompt: Prompt) -> Iterator[Part]:
    """Yield the prompt in its parts: all of it, in order."""
    shown = prompt.fixed + 2 * len(prompt.nearest)
    cached = _("The same for every question, so the provider's prefix cache can serve it.")
    yield part(_("Instruction, shop facts, intents"), prompt.messages[:1], hint=cached)
    yield part(_("Examples that are always shown"), prompt.messages[1 : prompt.fixed], hint=cached, is_folded=True)
    if prompt.nearest:
        hint = _("Chosen for this question, the nearest one last.")
        yield part(_("Examples nearest to the question"), prompt.messages[prompt.fixed : shown], hint=hint)
    hint = _("The customer's words always stand in messages of their own.")
    yield part(_("The conversation"), prompt.messages[shown:], hint=hint)


def part(title: str, messages: Sequence[ChatMessage], *, hint: str, is_folded: bool = False) -> Part:
    """Return messages as a part."""
    lines = [MessageLine(each.role, each.content, message_tokens(each)) for each in messages]
    return Part(title, hint, lines, messages_tokens(messages), is_folded)


def price_lines(size: PromptSize) -> Iterator[PriceLine]:
    """Yield what 1,000 messages cost with each model that has a price now."""
    entries, now = read_prices(), timezone.now()
    for model in LanguageModel.objects.select_related("provider").order_by("provider__name", "name"):
        prices = prices_at(entries[model.pk], now)
        if prices is not None:
            yield price_line(str(model), prompt_price(size, prices), prices)


def price_line(model: str, price: PromptPrice, prices: UnitPrices) -> PriceLine:
    """Return a price in words."""
    return PriceLine(
        model=model,
        cached=money(price.cached, prices.currency),
        uncached=money(price.uncached, prices.currency),
        saving=f"{100 * price.saving:.0f} %",
    )


def money(amount: Decimal, currency: str) -> str:
    """Return an amount with as many places as small prices need."""
    return f"{f'{amount:,.{COST_DIGITS}f}'.rstrip('0').rstrip('.')} {currency}"


def largest_line(example: ExampleEntry, tokens: int) -> dict[str, Any]:
    """Return one of the largest examples with the way to it."""
    url = reverse("admin:conversations_example_change", args=[example.id]) if example.id else ""
    return {"text": example.customer_text, "tokens": tokens, "url": url}
