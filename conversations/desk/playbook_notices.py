"""What staff should look at twice in an example: personal data, near-duplicates, contradictions.

It never refuses: a shop's own phone number is meant, and two questions may be alike and differ all the same.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from conversations.playbook.models import Example, Fact
from conversations.playbook.personal import KINDS
from conversations.playbook.similar import ALIKE, NEAR_DUPLICATE, disagreement, similar_to
from conversations.text.masking import kinds_in

SHOWN: Final = 3
WORDS_CHARS: Final = 60


class ShownExample(NamedTuple):
    """An example as it is compared with others."""

    id: int
    customer_text: str
    intent: str
    action_required: bool
    escalate: bool


class Notice(NamedTuple):
    """A sentence for staff, and the example it is about (None: this one itself)."""

    text: str
    example_id: int | None = None


def notices_of(example: Example) -> list[Notice]:
    """Return what to look at twice, what must not stay first."""
    return [*personal_data(example), *likenesses(example)]


def personal_data(example: Example) -> Iterator[Notice]:
    """Yield each kind of personal data in the example that is not the shop's own (in its facts)."""
    facts = [text for both in Fact.objects.on().values_list("text_th", "text_en") for text in both]
    found = kinds_in(f"{example.customer_text}\n{example.response}", public=facts)
    for kind in found:
        yield Notice(
            _("It seems to hold %(what)s. Every customer's question is sent with it: please make one up.")
            % {"what": KINDS[kind]}
        )


def likenesses(example: Example) -> Iterator[Notice]:
    """Yield the examples in use that are like this one: contradictions, and near-duplicates."""
    this, others = shown(example), others_than(example)
    for match in similar_to(this.customer_text, others, limit=SHOWN):
        other = others[match.number]
        words = {"words": Truncator(other.customer_text).chars(WORDS_CHARS)}
        if match.similarity >= ALIKE and disagreement(this, other):
            yield Notice(
                _("Much like another example that has a different intent or flags: %(words)s") % words, other.id
            )
        elif match.similarity >= NEAR_DUPLICATE:
            yield Notice(_("Says nearly the same as another example: %(words)s") % words, other.id)


def shown(example: Example) -> ShownExample:
    """Return what of an example is compared."""
    return ShownExample(
        example.pk or 0,
        example.customer_text,
        example.intent.key,
        action_required=example.action_required,
        escalate=example.escalate,
    )


def others_than(example: Example) -> Sequence[ShownExample]:
    """Return the other examples in use."""
    fields = ("pk", "customer_text", "intent__key", "action_required", "escalate")
    return [ShownExample(*row) for row in Example.objects.on().exclude(pk=example.pk).values_list(*fields)]
