"""The shops of `leaks`: several sites, two languages, a segment that nobody belongs to, a student, and what is known.

Everything is set so that as much as possible is served. Imports models, so it loads after Django is set up.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from django.db import connection
from django.utils import timezone

from bench.leaks_mix import GREETING, LOCALES, OWN, QUESTIONS, REWORDED, SEGMENTS, TAG, answer_text
from conversations.answers.board import Scope, policy_row, touch
from conversations.answers.keeping import add_answer
from conversations.answers.models import SERVED_STATES, AnswerPolicy, KnownAnswer, KnownDay, KnownQuestion, Mode
from conversations.answers.student.artefact import to_artefact
from conversations.answers.student.models import StudentState, TrainedStudent
from conversations.answers.student.rows import Labelled
from conversations.answers.student.training import Options, train
from conversations.models import Message, Sender, Site
from conversations.playbook.models import Intent
from conversations.playbook.releases import freeze, publish
from conversations.playbook.starter_texts import OTHER, SHIPPING

BEGINNINGS: Final = ("", "สอบถามหน่อย ", "อยากทราบว่า", "please tell me ", "hi ", "sorry ")
ENDS: Final = ("", " คะ", " ครับ", " please", "?", " thanks")
INTENTS: Final = (OTHER, OTHER, SHIPPING)
OTHERS_SERVED: Final = """
    SELECT count(*) FROM conversations_run r
    JOIN conversations_conversation c ON c.id = r.conversation_id
    JOIN conversations_knownanswer a
      ON a.id = (r.trace -> 'known' -> (r.trace -> 'known' ->> 'served') ->> 'answer')::bigint
    WHERE a.site_id <> c.site_id OR a.locale <> c.locale OR a.segment <> ''
"""


class Shops:
    """Those who run the sites."""

    def open(self, count: int) -> dict[int, tuple[str, str]]:
        """Make the sites and what is known there; return each site's public key and the secret for its customers."""
        Intent.objects.filter(key__in=set(INTENTS)).update(is_reusable=True)
        publish(freeze(author=None), by=None, reason="the bench's shops")
        policy_row()
        AnswerPolicy.objects.update(mode=Mode.CONFIRMED, confirm_customers=2, explore_share=0.05, risk_limit=1.0)
        # The model says something else each time: with any promise to keep, serving would stop.
        AnswerPolicy.objects.update(tolerated_share=1.0)
        sites = [Site.objects.create(name=f"shop {number}") for number in range(count)]
        for site in sites:
            for locale in LOCALES:
                for segment in SEGMENTS:
                    self._know(Scope(site.pk, locale, segment))
        self._teach()
        touch()
        return {site.pk: (site.public_key, site.identity_secret) for site in sites}

    def _know(self, scope: Scope) -> None:
        for place, question in enumerate(QUESTIONS[scope.locale]):
            text = answer_text(*scope, place)
            add_answer(scope, intent=INTENTS[place], question=question, text=text, by=None)

    def _teach(self) -> None:
        data = to_artefact(train(list(rows()), options=Options(nets=1, folds=2)))
        TrainedStudent.objects.create(
            state=StudentState.LIVE,
            artefact=data,
            artefact_hash=hashlib.sha256(data).hexdigest(),
            begun_at=timezone.now(),
            trained_at=timezone.now(),
            live_from=timezone.now(),
        )

    def served(self) -> dict[str, int]:
        """Return how many answers each step served, and how many the model gave."""
        steps = ("exact", "near", "fixed")
        found = {step: sum(KnownDay.objects.values_list(step, flat=True)) for step in steps}
        return {**found, "model": Message.objects.filter(sender=Sender.BOT).count() - sum(found.values())}

    def others_served(self) -> int:
        """Return how many runs served what is known elsewhere, by the rows."""
        with connection.cursor() as cursor:
            cursor.execute(OTHERS_SERVED)
            return int(cursor.fetchone()[0])

    def own_words_known(self) -> int:
        """Return how many answers that were made for one customer could be served to others."""
        learnt = KnownAnswer.objects.filter(state__in=SERVED_STATES).exclude(text__regex=TAG.pattern)
        own = KnownQuestion.objects.filter(text__contains="QZ", customers__gte=2)
        return learnt.filter(text__contains="QZ").count() + own.count()

    def close(self) -> None:
        """Close this thread's connection."""
        connection.close()


def rows() -> Iterator[Labelled]:
    """Yield what the student learns: each question in many wordings, and what no known answer fits."""
    for locale in LOCALES:
        asked = [*zip(QUESTIONS[locale], INTENTS, strict=True), *zip(REWORDED[locale], INTENTS, strict=True)]
        own = [(each.format(name="Somchai", number="TH1"), OTHER) for each in OWN[locale]]
        for begin in BEGINNINGS:
            for end in ENDS:
                yield from (Labelled(f"{begin}{text}{end}", intent) for text, intent in asked)
                yield from (Labelled(f"{begin}{text}{end}", intent, action_required=True) for text, intent in own)
                yield Labelled(f"{begin}{GREETING[locale]}{end}", OTHER)
