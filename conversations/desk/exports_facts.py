"""What an export's page shows of its data card: files, what is in them, what was left out and why, whose terms apply.

A card is what it was when the export was made: parts that are missing or unknown are shown as they are, or not at all.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.answers.student.export.choosing import LeftOut, Split
from conversations.answers.student.export.turns import Approval
from conversations.answers.student.models import DistillationExport
from conversations.desk.numbers import NONE
from conversations.models import Locale

HASH_SHOWN: Final = 12
LEFT_OUT: Final[Mapping[str, Promise]] = {
    LeftOut.TERMS: gettext_lazy("the provider's terms don't allow it"),
    LeftOut.SERVED: gettext_lazy("served from known answers, not made anew"),
    LeftOut.OTHER_INTENT: gettext_lazy("an intent that is not in use"),
    LeftOut.EVALUATION: gettext_lazy("a case of an evaluation"),
    LeftOut.LIKE_EVALUATION: gettext_lazy("nearly a case of an evaluation"),
    LeftOut.DUPLICATE: gettext_lazy("the same again"),
    LeftOut.IN_VALIDATION: gettext_lazy("its question is for validation"),
    LeftOut.BALANCE: gettext_lazy("more of this intent than of the others"),
}
APPROVALS: Final[Mapping[str, Promise]] = {
    Approval.CORRECTION: gettext_lazy("corrected by staff"),
    Approval.KNOWN: gettext_lazy("a known answer"),
    Approval.RATING: gettext_lazy("rated well by the customer"),
}
SPLITS: Final[Mapping[str, Promise]] = {
    Split.TRAIN: gettext_lazy("for training"),
    Split.VALIDATION: gettext_lazy("for validation"),
}
COUNTED: Final[Mapping[str, tuple[Promise, Mapping[str, Any]]]] = {
    "intent": (gettext_lazy("intent"), {}),
    "language": (gettext_lazy("language"), dict(Locale.choices)),
    "approval": (gettext_lazy("approved by"), APPROVALS),
    "teacher": (gettext_lazy("who wrote it"), {"people": gettext_lazy("people")}),
}


def export_facts(export: DistillationExport) -> dict[str, Any]:
    """Return an export's card in words."""
    card: dict[str, Any] = export.card
    splits: dict[str, dict[str, dict[str, int]]] = card.get("turns", {})
    return {
        "release": card.get("release") or NONE,
        "files": [(each["name"], f"{each['rows']:,}", each["sha256"][:HASH_SHOWN]) for each in card.get("files", [])],
        "splits": [SPLITS.get(name, name) for name in splits],
        "counts": [line for name in COUNTED for line in count_lines(name, splits)],
        "left_out": [(LEFT_OUT.get(why, why), f"{count:,}") for why, count in card.get("left_out", {}).items()],
        "terms": [terms_line(name, terms) for name, terms in card.get("terms", {}).items()],
    }


def count_lines(name: str, splits: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[dict[str, Any]]:
    """Return how many turns of each kind there are, a column for each split."""
    title, words = COUNTED[name]
    counted = [split.get(name, {}) for split in splits.values()]
    kinds = dict.fromkeys(kind for each in counted for kind in each)
    return [
        {
            "title": title if number == 0 else "",
            "kind": words.get(kind, kind) or NONE,
            "counts": [f"{each.get(kind, 0):,}" for each in counted],
        }
        for number, kind in enumerate(kinds)
    ]


def terms_line(name: str, terms: Mapping[str, Any]) -> dict[str, str]:
    """Return what a provider's terms said."""
    decision = _("The operator decided to use it.") if terms.get("is_own_decision") else ""
    return {"name": name, "words": terms.get("words", ""), "decision": decision, "url": terms.get("url", "")}
