"""Makes ready what the playground's sides are asked: playbooks, prompts and models. Synchronous: call `in_database`."""

from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from conversations.actions.rights import may_read
from conversations.consumers.playground_frames import DRAFT, LIVE, Ask, Side, asked_frame
from conversations.gateway.budgets import within_budgets
from conversations.gateway.catalog import Candidate, Catalog
from conversations.gateway.reading import current_catalog, read_candidate
from conversations.gateway.routing import plan
from conversations.models import Run
from conversations.playbook.content import Content, Playbook, playbook_of
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import Release
from conversations.playbook.prompt import Prompt, Speaker, Turn
from conversations.playbook.reading import current_playbook, playbook_of_release
from conversations.playbook.used import used_examples
from conversations.replies.opening import Question
from conversations.replies.past import past_of
from conversations.replies.trying import prompt_for, question_for
from conversations.text.checks import check_message

ANY_CONVERSATION: Final = b"playground"
THAI: Final = range(0x0E01, 0x0E5C)


class RefusedError(Exception):
    """The question can't be asked; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Prepared:
    """A side that is ready to be asked, and the frame that tells the page what it is made from."""

    question: Question
    frame: dict[str, object]


def prepare(ask: Ask, user: AbstractBaseUser) -> list[Prepared]:
    """Read all that the sides need and build their prompts. Raises RefusedError."""
    turns = turns_of(ask, user)
    locale = ask.locale or language_of(ask.question)
    catalog = current_catalog()
    prepared = []
    for number, side in enumerate(ask.sides):
        candidates = candidates_of(side, catalog)
        playbook = without(book_of(side), frozenset(side.without))
        prompt = prompt_for(playbook, turns, locale=locale)
        frame = frame_of(ask, number, playbook=playbook, prompt=prompt, candidates=candidates)
        prepared.append(Prepared(question_for(playbook, prompt, candidates), frame))
    return prepared


def frame_of(
    ask: Ask, number: int, *, playbook: Playbook, prompt: Prompt, candidates: tuple[Candidate, ...]
) -> dict[str, object]:
    """Return what a side's answers will be made from."""
    chosen = frozenset(example.id for example in prompt.nearest)
    used = used_examples(playbook, ask.question, chosen=chosen)
    who = f"{candidates[0].provider} / {candidates[0].model}"
    return asked_frame(ask, number, playbook=playbook, prompt=prompt, used=used, who=who)


def turns_of(ask: Ask, user: AbstractBaseUser) -> list[Turn]:
    """Return the conversation that ends with the question. Raises RefusedError."""
    problem = check_message(ask.question, max_chars=settings.CSBOT_MAX_MESSAGE_CHARS)
    if problem is not None:
        raise RefusedError(problem.value)
    question = Turn(Speaker.CUSTOMER, ask.question)
    if ask.run is None:
        return [question]
    run = Run.objects.select_related("conversation").filter(pk=ask.run).first()
    if run is None or not may_read(user):
        raise RefusedError("no_run")
    return [*past_of(run).turns_before, question]


def language_of(question: str) -> str:
    """Return the language for words that are of none."""
    return "th" if not question.isascii() and any(ord(letter) in THAI for letter in question) else "en"


def book_of(side: Side) -> Playbook:
    """Return the side's playbook. Raises RefusedError."""
    if side.book == DRAFT:
        return read_draft()
    if side.book == LIVE:
        return current_playbook()
    release_id = Release.objects.filter(number=side.book).values_list("pk", flat=True).first()
    if release_id is None:
        raise RefusedError("no_release")
    return playbook_of_release(release_id)


def without(playbook: Playbook, ids: frozenset[int]) -> Playbook:
    """Return the playbook as it would be without some examples."""
    if not ids:
        return playbook
    kept = tuple(example for example in playbook.examples if example.id not in ids)
    content = Content(
        instruction=playbook.instruction,
        profile=playbook.profile,
        profiles=playbook.profiles,
        intents=playbook.intents,
        facts=playbook.facts,
        examples=kept,
    )
    return playbook_of(content)


def candidates_of(side: Side, catalog: Catalog) -> tuple[Candidate, ...]:
    """Return who may be asked for this side. Raises RefusedError."""
    if side.route is None:
        found = catalog.candidates
    else:
        candidate = catalog.find(side.route) or read_candidate(side.route)
        found = (candidate,) if candidate else ()
    if not found:
        raise RefusedError("no_model")
    allowed = within_budgets(replace(catalog, candidates=found))
    if not allowed.candidates:
        raise RefusedError("budget")
    return plan(allowed, conversation=ANY_CONVERSATION).candidates
