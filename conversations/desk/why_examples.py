"""The examples that a reply was made with, beside what the draft says of them now; the switch that turns one off."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from conversations.desk.audited import actor_of, record_updated
from conversations.playbook.content import ExampleEntry, Playbook
from conversations.playbook.models import Example
from conversations.playbook.used import UsedExample, used_examples

EDIT: Final = "conversations.change_example"
SHOWN_FIRST: Final = 6


class InDraft(StrEnum):
    """What became of an example in the draft."""

    ON = "on"
    CHANGED = "changed"
    OFF = "off"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """An example as a page shows it."""

    id: int | None
    customer_text: str
    intent: str
    response: str
    action_required: bool
    escalate: bool
    is_pinned: bool
    percent: int
    in_draft: InDraft
    url: str


def example_lines(playbook: Playbook, question: str, *, chosen: Collection[object]) -> list[ExampleLine]:
    """Return the examples of a prompt, the likest first."""
    used = used_examples(playbook, question, chosen=chosen)
    rows = drafts_of(each.example for each in used)
    return [_line(each, rows) for each in used]


def drafts_of(examples: Iterable[ExampleEntry]) -> dict[int, Example]:
    """Return the draft's rows of these examples."""
    ids = [example.id for example in examples if example.id is not None]
    return Example.objects.select_related("intent").in_bulk(ids)


def _line(used: UsedExample, rows: dict[int, Example]) -> ExampleLine:
    example = used.example
    row = rows.get(example.id) if example.id is not None else None
    return ExampleLine(
        id=example.id if row else None,
        customer_text=example.customer_text,
        intent=example.intent,
        response=example.response,
        action_required=example.action_required,
        escalate=example.escalate,
        is_pinned=example.is_pinned,
        percent=round(used.similarity * 100),
        in_draft=in_draft(example, row),
        url=reverse("admin:conversations_example_change", args=[row.pk]) if row else "",
    )


def in_draft(example: ExampleEntry, row: Example | None) -> InDraft:
    """Return what became of an example in the draft."""
    if row is None:
        return InDraft.GONE
    if not row.is_on:
        return InDraft.OFF
    same = (row.customer_text, row.response, row.intent.key, row.action_required, row.escalate)
    is_same = same == (
        example.customer_text,
        example.response,
        example.intent,
        example.action_required,
        example.escalate,
    )
    return InDraft.ON if is_same else InDraft.CHANGED


@require_POST
def switch_view(request: HttpRequest, example_id: int) -> HttpResponse:
    """Switch an example of the draft off, or on again (`on` is "1"); answer with where it stands, or go back."""
    if not request.user.has_perm(EDIT):
        raise PermissionDenied
    is_on = request.POST.get("on") == "1"
    with transaction.atomic():
        example = get_object_or_404(Example.objects.select_for_update(of=("self",)), pk=example_id)
        record_updated(actor_of(request), [example], field="is_on", new=is_on)
        Example.objects.filter(pk=example.pk).exclude(is_on=is_on).update(is_on=is_on)
    if "application/json" in request.headers.get("Accept", ""):
        words = (
            _("On in the draft.") if is_on else _("Switched off in the draft. Customers notice once it is published.")
        )
        return JsonResponse({"id": example.pk, "is_on": is_on, "message": words})
    return HttpResponseRedirect(back_of(request))


def back_of(request: HttpRequest) -> str:
    """Return the page of ours that the person came from."""
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if wanted and is_ours else reverse("admin:conversations_example_changelist")
