"""An export from beginning to end, for the command and the admin: read, choose, write, describe, note that it was."""

import io
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from conversations.answers.student.export.card import card_of, readme_of
from conversations.answers.student.export.choosing import Rules, choose
from conversations.answers.student.export.terms import terms_by_provider
from conversations.answers.student.export.turns import approved_turns, read_shop
from conversations.answers.student.export.writing import File, files_of, make_kitchen
from conversations.answers.student.models import DistillationExport
from conversations.playbook.audit import name_of
from conversations.playbook.models import EvaluationCase
from conversations.playbook.reading import current_playbook

CARD: Final = "card.json"
README: Final = "README.md"
EPOCH: Final = (2020, 1, 1, 0, 0, 0)
"""When all files of an archive were made: the same rows make the same archive."""


@dataclass(frozen=True)
class Wish:
    """Which conversations (None: all), with examples too or not, and on whose terms the operator decided."""

    conversation_ids: Sequence[int] | None = None
    with_examples: bool = True
    allowed_providers: Collection[str] = ()


@dataclass(frozen=True)
class Export:
    """The files, the card among them."""

    files: tuple[File, ...]
    card: dict[str, Any]

    @property
    def turns(self) -> int:
        """How many turns are in it."""
        return sum(sum(counts["approval"].values()) for counts in self.card["turns"].values())

    def archive(self) -> bytes:
        """Return everything as one ZIP archive."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in self.files:
                archive.writestr(zipfile.ZipInfo(file.name, date_time=EPOCH), file.content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def make_export(wish: Wish) -> Export:
    """Return the export that the database gives now."""
    playbook = current_playbook()
    shop = read_shop([text for fact in playbook.facts for text in (fact.text_th, fact.text_en)])
    terms = terms_by_provider(allowed=wish.allowed_providers)
    evaluations = tuple(EvaluationCase.objects.values_list("question", flat=True))
    rules = Rules(intents=playbook.intent_keys, evaluations=evaluations, terms=terms)
    chosen = choose(approved_turns(shop, conversation_ids=wish.conversation_ids), rules)
    kitchen = make_kitchen(playbook, budget_tokens=settings.CSBOT_HISTORY_TOKENS)
    files = files_of(chosen, kitchen, with_examples=wish.with_examples)
    card = card_of(chosen, files, kitchen, terms=terms)
    about = (
        File(CARD, orjson.dumps(card, option=orjson.OPT_INDENT_2), 0),
        File(README, readme_of(card).encode(), 0),
    )
    return Export((*files, *about), card)


def note_export(export: Export, *, by: AbstractBaseUser | None) -> DistillationExport:
    """Write down that an export was made, by whom, and what was in it. No texts."""
    return DistillationExport.objects.create(
        made_by_id=by.pk if by else None,
        made_by_name=name_of(by),
        rows=export.turns,
        data_hash=export.card["hash"],
        card=export.card,
    )
