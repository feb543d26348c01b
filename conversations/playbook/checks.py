"""What must be true of an entry before customers meet it. Returns what is wrong by field, in words for staff."""

import re
from collections.abc import Iterator

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.models import Locale
from conversations.playbook.models import Example, Intent
from conversations.text.checks import UNSTORABLE, has_ink

Problems = dict[str, Promise | str]

THAI = re.compile(r"[\u0e01-\u0e5b]")
# Customers see plain text, so marks that a page or a markdown reader would swallow stay visible.
MARKUP = re.compile(r"</?[a-zA-Z][^>]*>|```|\*\*\S|\]\(|^#{1,6} ", re.MULTILINE)
KEY = re.compile(r"[\w\u0e00-\u0e7f][\w\u0e00-\u0e7f /-]*")


def words_problem(text: str) -> Promise | str | None:
    """Return what is wrong with words that must be there and be readable."""
    if not has_ink(text):
        return _("Nothing in it can be seen. Please write something.")
    if UNSTORABLE.search(text):
        return _("It has a character that can't be stored. Please type it again.")
    return None


def answer_problem(text: str) -> Promise | str | None:
    """Return what is wrong with words that customers will read."""
    if problem := words_problem(text):
        return problem
    return _("Customers see plain text: please leave out HTML and markdown.") if MARKUP.search(text) else None


def example_problems(example: Example) -> Problems:
    """Return what is wrong with an example: each field alone, the language, the intent, and other examples."""
    problems = {
        "customer_text": words_problem(example.customer_text),
        "response": answer_problem(example.response) or language_problem(example),
    }
    found = {field: problem for field, problem in problems.items() if problem}
    if example.is_on:
        found |= dict(problems_in_use(example))
    return found


def language_problem(example: Example) -> Promise | str | None:
    """Return whether the answer is in another language than the example says."""
    is_thai = THAI.search(example.response) is not None
    if example.locale == Locale.TH and not is_thai:
        return _("The language is Thai, but there is no Thai in the answer.")
    if example.locale == Locale.EN and is_thai:
        return _("The language is English, but there is Thai in the answer.")
    return None


def problems_in_use(example: Example) -> Iterator[tuple[str, Promise | str]]:
    """Yield what is wrong with an example only when it is in use."""
    if not Intent.objects.on().filter(pk=example.intent_id).exists():
        yield "intent", _("This intent is switched off, so the example would not be used. Choose another one.")
    same = Example.objects.filter(customer_text=example.customer_text.strip(), is_on=True).exclude(pk=example.pk)
    if same.exists():
        yield "customer_text", _("Another example in use has the same words. Change that one, or switch it off.")


def intent_problems(intent: Intent) -> Problems:
    """Return what is wrong with an intent."""
    if KEY.fullmatch(intent.key.strip()):
        return {}
    return {"key": _("Use letters, digits, spaces, hyphens and slashes only, and begin with a letter or digit.")}
