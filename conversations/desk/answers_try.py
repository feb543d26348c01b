"""The page "What would this question hit?": every step of the ladder, and of each step every gate, with its verdict."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.answers.board import SHELF, Board, Scope
from conversations.answers.ladder import Decision, Opinion, Why
from conversations.answers.models import KnownQuestion
from conversations.answers.score import features_from
from conversations.answers.trying import Tried, try_question
from conversations.desk.answers_pages import answer_url, may_see, page
from conversations.desk.answers_words import STEPS, WHY, detail_words, unfit_words
from conversations.desk.numbers import percent
from conversations.models import Locale, Site

MAX_QUESTION_CHARS: Final = 2000
Gate = tuple[frozenset[str], Promise]

KNOWN: Final[Gate] = (frozenset({Why.NO_ENTRY}), gettext_lazy("something is known"))
SURE: Final[Gate] = (
    frozenset({Why.NO_STUDENT, Why.STUDENT_UNSURE, Why.NEEDS_ACTION}),
    gettext_lazy("the student is sure, and nothing has to be done"),
)
SAME_INTENT: Final[Gate] = (frozenset({Why.STUDENT_DISAGREES}), gettext_lazy("the same intent"))
NO_DIFFERENCE: Final[Gate] = (frozenset({Why.GUARDED}), gettext_lazy("nothing differs that matters"))
REUSABLE: Final[Gate] = (frozenset({Why.NOT_REUSABLE}), gettext_lazy("answers of the intent may be used again"))
UNDOUBTED: Final[Gate] = (frozenset({Why.IN_DOUBT}), gettext_lazy("its own checks don't speak against it"))
WITHIN: Final[Gate] = (frozenset({Why.ABOVE_LIMIT}), gettext_lazy("within the limit of risk"))
GATES: Final[dict[str, tuple[Gate, ...]]] = {
    "exact": (KNOWN, REUSABLE, UNDOUBTED),
    "near": (KNOWN, SURE, SAME_INTENT, NO_DIFFERENCE, REUSABLE, UNDOUBTED, WITHIN),
    "fixed": (KNOWN, SURE, REUSABLE, UNDOUBTED, WITHIN),
}
"""What each step asks, in the order in which it does, by the verdict that it passes with where the answer is no."""


def try_view(request: HttpRequest) -> HttpResponse:
    """Show what each step of the ladder would say to a question. Nothing is stored or counted."""
    if not may_see(request):
        raise PermissionDenied
    question = request.GET.get("question", "").replace("\x00", "").strip()[:MAX_QUESTION_CHARS]
    sites = list(Site.objects.order_by("pk"))
    site = next((each for each in sites if str(each.pk) == request.GET.get("site")), sites[0] if sites else None)
    locale = str(request.GET.get("locale") if request.GET.get("locale") in Locale.values else Locale.TH)
    board = SHELF.current()
    tried = try_question(question, Scope(site.pk, locale), board=board) if question and site else None
    return page(
        request,
        "admin/answers/try.html",
        _("What would this question hit?"),
        question=question,
        sites=[(each.pk, str(each), each == site) for each in sites],
        locales=[(value, label, value == locale) for value, label in Locale.choices],
        steps=step_lines(tried, board) if tried else [],
        answer=tried.answer if tried else "",
        is_serving=bool(board.states),
        add_url=add_url(request, question, site, locale) if tried and not tried.unfit and not tried.answer else "",
    )


def add_url(request: HttpRequest, question: str, site: Site | None, locale: str) -> str:
    """Return where an answer to this question can be added; "" for those who may not."""
    if not request.user.has_perm("conversations.add_knownanswer") or site is None:
        return ""
    given = urlencode({"question": question, "site": site.pk, "locale": locale})
    return f"{reverse('admin:conversations_knownanswer_add')}?{given}"


def step_lines(tried: Tried, board: Board) -> list[dict[str, Any]]:
    """Return each step's verdict in words."""
    verdict = _("no: %(why)s") % {"why": unfit_words(tried.unfit)} if tried.unfit else _("yes")
    fit = {"title": STEPS["fit"], "verdict": verdict, "is_hit": not tried.unfit}
    if tried.unfit:
        return [fit]
    steps = (step_line(name, each, board) for name, each in tried.decisions.items())
    return [fit, student_line(tried.opinion), *steps]


def student_line(opinion: Opinion | None) -> dict[str, Any]:
    """Return what the student says of the question."""
    if opinion is None:
        return {"title": STEPS["student"], "verdict": _("There is none yet: nothing similar is served.")}
    notes = [_("something must be done")] if opinion.action_required else []
    notes += [_("a person is wanted")] if opinion.escalate else []
    notes += [_("unsure")] if opinion.is_unsure else []
    return {
        "title": STEPS["student"],
        "verdict": f"{opinion.intent} ({percent(opinion.probability)})",
        "notes": notes,
        "is_hit": not notes,
    }


def step_line(name: str, decision: Decision, board: Board) -> dict[str, Any]:
    """Return one step's verdict in words."""
    entry = decision.entry
    detail = detail_words(decision.detail)
    verdict = str(WHY.get(decision.why, decision.why.value))
    return {
        "title": STEPS[name],
        "verdict": f"{verdict} ({detail})" if detail else verdict,
        "gates": list(gates_of(name, decision.why)),
        "notes": [*guard_lines(decision), *feature_lines(decision), *risk_lines(decision, board)],
        "is_hit": decision.is_hit,
        "question": question_of(decision),
        "answer": entry.text if entry else "",
        "url": answer_url(entry.answer_id) if entry else "",
    }


def gates_of(name: str, why: str) -> Iterator[tuple[Promise, str]]:
    """Yield a step's gates with "yes", "no" or "" (not asked any more); none where it wasn't gates that decided."""
    gates = GATES.get(name, ())
    is_served = why in {Why.SERVED, Why.EXPLORED}
    if not is_served and not any(why in stops for stops, _title in gates):
        return
    verdict = "yes"
    for stops, title in gates:
        verdict = "no" if why in stops else verdict
        yield title, verdict
        verdict = "" if verdict == "no" else verdict


def question_of(decision: Decision) -> str:
    """Return the known question that a step came upon."""
    number = decision.entry.question_id if decision.entry else None
    found = KnownQuestion.objects.filter(pk=number).values_list("text", flat=True).first() if number else None
    return found or ""


def guard_lines(decision: Decision) -> list[str]:
    """Return for each similar question that a guard kept away what it differs in."""
    texts = dict(KnownQuestion.objects.filter(pk__in=decision.guarded).values_list("pk", "text"))
    return [f"{texts[pk]} – {detail_words(guard)}" for pk, guard in decision.guarded.items() if pk in texts]


def feature_lines(decision: Decision) -> list[str]:
    """Return what speaks for a similar question."""
    if not decision.features:
        return []
    told = {name: f"{value:.2f}" for name, value in features_from(decision.features)._asdict().items()}
    return [_("student %(student)s · similarity %(similarity)s · lead %(lead)s · votes %(votes)s") % told]


def risk_lines(decision: Decision, board: Board) -> list[str]:
    """Return how risky serving would be, and the limit, where there was something to weigh."""
    if not decision.features and not (decision.score and decision.risk):
        return []
    told = {"score": f"{decision.score:.2f}", "risk": percent(decision.risk), "limit": percent(board.risk_limit)}
    return [_("score %(score)s · risk of being wrong %(risk)s · limit %(limit)s") % told]
