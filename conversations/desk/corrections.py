"""Corrections in the admin: suggestions to review, in groups; what became of them; what they did for customers."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST
from typing_extensions import override

from conversations.actions.rights import may_read
from conversations.desk.audited import Kept, actor_of, reason_of
from conversations.desk.corrections_doors import correct_view
from conversations.desk.look import ModelAdmin
from conversations.models import Locale
from conversations.playbook.corrections import Decision, InvalidError, RefusedError, approve, do_differ, groups, reject
from conversations.playbook.corrections_effect import changes
from conversations.playbook.models import MAX_TEXT_CHARS, Correction, CorrectionState, Example, Intent
from conversations.playbook.models.evaluation import MAX_PHRASE_CHARS
from conversations.playbook.personal import KINDS
from conversations.playbook.similar import ALIKE, NEAR_DUPLICATE, similar_to
from conversations.text.masking import kinds_in

SEE: Final = "conversations.view_correction"
DECIDE: Final = ("conversations.change_correction", "conversations.add_example", "conversations.change_example")
SHOWN_DECIDED: Final = 20
SHOWN_ALIKE: Final = 3
MAX_OPEN: Final = 1_000
NEW: Final = "new"


class DecisionForm(forms.Form):
    """What an editor makes of some suggestions."""

    customer_text = forms.CharField(max_length=MAX_TEXT_CHARS)
    response = forms.CharField(max_length=MAX_TEXT_CHARS)
    intent = forms.ModelChoiceField(Intent.objects.on())
    locale = forms.ChoiceField(choices=Locale.choices)
    escalate = forms.BooleanField(required=False)
    action_required = forms.BooleanField(required=False)
    is_pinned = forms.BooleanField(required=False)
    has_cases = forms.BooleanField(required=False)
    must_say = forms.CharField(required=False, max_length=MAX_TEXT_CHARS)
    must_not_say = forms.CharField(required=False, max_length=MAX_TEXT_CHARS)
    replaces = forms.CharField(required=False)

    def decision(self) -> Decision:
        """Return what was entered."""
        values = self.cleaned_data
        number, _dot, version = values["replaces"].partition(".")
        is_replacing = number.isdigit() and version.isdigit()
        return Decision(
            customer_text=values["customer_text"],
            response=values["response"],
            intent_id=values["intent"].pk,
            locale=values["locale"],
            escalate=values["escalate"],
            action_required=values["action_required"],
            is_pinned=values["is_pinned"],
            has_cases=values["has_cases"],
            must_say=phrases(values["must_say"]),
            must_not_say=phrases(values["must_not_say"]),
            replaces=int(number) if is_replacing else None,
            replaces_version=int(version) if is_replacing else None,
        )


def phrases(text: str) -> tuple[str, ...]:
    """Return what stands on each line."""
    return tuple(line.strip()[:MAX_PHRASE_CHARS] for line in text.splitlines() if line.strip())


@admin.register(Correction)
class CorrectionAdmin(Kept, ModelAdmin):
    """The review queue instead of a list: what is open, what was decided, what it did."""

    @override
    def get_urls(self) -> list[URLPattern]:
        """Serve the queue and a review; Django's own form is not used."""
        views: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
            ("", queue_view, "conversations_correction_changelist"),
            ("<int:correction_id>/review/", review_view, "correction-review"),
            ("reject/", reject_view, "correction-reject"),
            ("of/<int:message_id>/", correct_view, "correct-reply"),
        )
        return [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in views]


def open_badge(request: HttpRequest) -> str:
    """Return how many suggestions wait, for the sidebar; blank for none and for those who don't decide."""
    count = Correction.objects.open().count() if may_decide(request) else 0
    return str(count) if count else ""


def may_decide(request: HttpRequest) -> bool:
    """Whether this person may take suggestions into the draft."""
    return all(request.user.has_perm(right) for right in DECIDE)


def queue_view(request: HttpRequest) -> HttpResponse:
    """Show what waits, what was decided, and what it did for customers."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    waiting = list(Correction.objects.open()[:MAX_OPEN])
    context = {
        **admin.site.each_context(request),
        "title": _("Corrections"),
        "groups": [(group[0], group, do_differ(group)) for group in groups(waiting)],
        "waiting_count": len(waiting),
        "decided": Correction.objects.exclude(state=CorrectionState.OPEN).order_by("-decided_at")[:SHOWN_DECIDED],
        "changes": changes(),
        "may_decide": may_decide(request),
    }
    return TemplateResponse(request, "admin/corrections/queue.html", context)


@require_http_methods(["GET", "POST"])
def review_view(request: HttpRequest, correction_id: int) -> HttpResponse:
    """Show a group of suggestions with the example that they would make; take them into the draft."""
    if not may_decide(request):
        raise PermissionDenied
    correction = get_object_or_404(Correction, pk=correction_id)
    group = group_of(correction)
    form = DecisionForm(request.POST if request.method == "POST" else None, initial=beginning(group[-1], request))
    if request.method == "POST" and form.is_valid() and approved(request, form):
        return HttpResponseRedirect(reverse("admin:conversations_correction_changelist"))
    words = form["customer_text"].value() or ""
    alike = list(alike_examples(words))
    context = {
        **admin.site.each_context(request),
        "title": _("Review a correction"),
        "correction": correction,
        "group": group,
        "chosen": chosen(request) if request.method == "POST" else [each.pk for each in group],
        "do_differ": do_differ(group),
        "form": form,
        "personal": [str(KINDS[kind]) for kind in kinds_in(f"{words}\n{form['response'].value() or ''}")],
        "alike": alike,
        "replaces": form["replaces"].value() or (usual(alike) if request.method == "GET" else NEW),
        "may_read": may_read(request.user),
    }
    return TemplateResponse(request, "admin/corrections/review.html", context)


def group_of(correction: Correction) -> list[Correction]:
    """Return the suggestions that wait together with this one; one that was decided stands alone."""
    if correction.state != CorrectionState.OPEN:
        return [correction]
    waiting = list(Correction.objects.open()[:MAX_OPEN])
    return next((group for group in groups(waiting) if correction in group), [correction])


def beginning(correction: Correction, request: HttpRequest) -> dict[str, Any]:
    """Return what the form shows first: the newest suggestion of the group, or the one that the person chose."""
    taken = request.GET.get("take", "")
    if taken.isdigit() and (other := Correction.objects.open().filter(pk=taken[:18]).first()):
        correction = other
    return {
        "customer_text": correction.question,
        "response": correction.response,
        "intent": Intent.objects.filter(key=correction.intent).values_list("pk", flat=True).first(),
        "locale": correction.locale,
        "escalate": correction.escalate,
        "action_required": correction.action_required,
        "is_pinned": True,
        "has_cases": True,
    }


def chosen(request: HttpRequest) -> list[int]:
    """Return the suggestions that the person ticked."""
    return [int(number) for number in request.POST.getlist("take") if number.isdigit() and len(number) < 19]


def approved(request: HttpRequest, form: DecisionForm) -> bool:
    """Take the suggestions into the draft; False, with the reasons in the form, where it can't be done."""
    try:
        approve(chosen(request), form.decision(), by=actor_of(request))
    except RefusedError as refused:
        form.add_error(None, str(refused))
    except InvalidError as invalid:
        for field, problem in invalid.problems.items():
            form.add_error(field if field in form.fields else None, str(problem))
    else:
        said = _("It is in the draft. Customers notice once a release with it is published.")
        messages.success(request, said)
        return True
    return False


def alike_examples(words: str) -> Iterator[tuple[Example, str, int]]:
    """Yield examples in use that are much like these words: one of them may be what should be changed instead."""
    examples = list(Example.objects.on())
    compared = [_Words(example.customer_text, example.intent.key) for example in examples]
    for match in similar_to(words, compared, limit=SHOWN_ALIKE):
        if match.similarity >= ALIKE - 0.15:
            example = examples[match.number]
            yield example, f"{example.pk}.{example.edit_version}", round(match.similarity * 100)


def usual(alike: Sequence[tuple[Example, str, int]]) -> str:
    """Return what to do unless the editor says otherwise: change the example that asks the same, else add one."""
    return next((version for _example, version, per_cent in alike if per_cent >= NEAR_DUPLICATE * 100), NEW)


class _Words:
    """An example as it is compared: only its words count here."""

    action_required = escalate = False

    def __init__(self, customer_text: str, intent: str) -> None:
        self.customer_text, self.intent = customer_text, intent


@require_POST
def reject_view(request: HttpRequest) -> HttpResponse:
    """Decide that suggestions are not used."""
    if not may_decide(request):
        raise PermissionDenied
    try:
        count = reject(chosen(request), by=actor_of(request), why=reason_of(request))
    except RefusedError as refused:
        messages.error(request, str(refused))
    else:
        said = ngettext("%(count)d suggestion not used.", "%(count)d suggestions not used.", count)
        messages.success(request, said % {"count": count})
    return HttpResponseRedirect(reverse("admin:conversations_correction_changelist"))
