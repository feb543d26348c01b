"""Import and export of examples in the admin: upload a file, see what it would do row by row, then do it, or not."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from typing_extensions import override
from unfold.widgets import UnfoldAdminFileFieldWidget

from conversations.desk.audited import actor_of
from conversations.desk.look import ModelAdmin
from conversations.playbook import exchange
from conversations.playbook.exchange_columns import COLUMNS
from conversations.playbook.exchange_files import MAX_BYTES, MAX_ROWS, FileError
from conversations.playbook.models import ExampleImport, FileFormat
from conversations.playbook.similar import Pair

IMPORT: Final = ("conversations.add_example", "conversations.change_example")
EXPORT: Final = "conversations.view_example"
SHOWN_PROBLEMS: Final = 500
SHOWN_PAIRS: Final = 50
SHOWN_NEW: Final = 20
WORDS_CHARS: Final = 70
FIELDS: Final = {
    "intent": gettext_lazy("intent"),
    "escalate": gettext_lazy("hand to a person"),
    "action_required": gettext_lazy("action required"),
}
ACCEPTED: Final = ".csv,.tsv,.txt,.jsonl,.ndjson,.xlsx"
TYPES: Final = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.JSONL: "application/x-ndjson",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class UploadForm(forms.Form):
    """A file, and what to do with personal data in it."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ACCEPTED, "aria-describedby": "import-hint"})
    )
    is_masking = forms.BooleanField(required=False)


@admin.register(ExampleImport)
class ExchangeAdmin(ModelAdmin):
    """Imports have no list: each is a page that an upload leads to."""

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show imports in no menu: the list of examples leads here."""
        return False

    @override
    def get_urls(self) -> list[URLPattern]:
        """Serve the pages of an import and the files of an export; none of Django's own."""
        views: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
            ("", upload_view, "examples-import"),
            ("export/<str:file_format>/", export_view, "examples-export"),
            ("<int:import_id>/", plan_view, "examples-plan"),
            ("<int:import_id>/apply/", apply_view, "examples-apply"),
            ("<int:import_id>/problems/", problems_view, "examples-problems"),
        )
        return [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in views]


def check_rights(request: HttpRequest, *rights: str) -> None:
    """Raise PermissionDenied for those who may not do it."""
    if not all(request.user.has_perm(right) for right in rights):
        raise PermissionDenied


@require_http_methods(["GET", "POST"])
def upload_view(request: HttpRequest) -> HttpResponse:
    """Show the form; take a file and go to what it would do."""
    check_rights(request, *IMPORT)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            kept, unknown = _uploaded(request, form)
        except FileError as error:
            form.add_error("file", str(error))
        else:
            if unknown:
                said = _("These columns are not used: %(columns)s.") % {"columns": ", ".join(unknown)}
                messages.warning(request, Truncator(said).chars(500))
            return HttpResponseRedirect(reverse("admin:examples-plan", args=[kept.pk]))
    context = {
        **admin.site.each_context(request),
        "title": _("Import examples"),
        "form": form,
        "columns": COLUMNS,
        "max_megabytes": MAX_BYTES // 1024 // 1024,
        "max_rows": MAX_ROWS,
    }
    return TemplateResponse(request, "admin/exchange/upload.html", context)


def _uploaded(request: HttpRequest, form: UploadForm) -> tuple[ExampleImport, tuple[str, ...]]:
    file = form.cleaned_data["file"]
    if file.size > MAX_BYTES:
        raise FileError(_("The file is larger than %(size)d MB.") % {"size": MAX_BYTES // 1024 // 1024})
    masking = form.cleaned_data["is_masking"]
    return exchange.upload(file.name, file.read(), by=actor_of(request), is_masking=masking)


@require_GET
def plan_view(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show what a file would do: how many rows do what, each bad row, what is much like something else."""
    check_rights(request, *IMPORT)
    kept = _kept(request, import_id)
    planned = exchange.plan(kept)
    compared, found = exchange.likenesses(planned)
    problems = list(exchange.problem_rows(planned))
    counts = exchange.counts(planned)
    context = {
        **admin.site.each_context(request),
        "title": _("Import examples"),
        "kept": kept,
        "counts": counts,
        "total": counts["new"] + counts["changed"],
        "problems": [(row, column, text, _short(value)) for row, column, text, value in problems[:SHOWN_PROBLEMS]],
        "problem_count": len(problems),
        "bad_rows": " ".join(str(line.raw.number) for line in planned.bad),
        "contradictions": list(_pairs(found.contradictions, compared)),
        "contradiction_count": len(found.contradictions),
        "duplicates": list(_pairs(found.duplicates, compared)),
        "duplicate_count": len(found.duplicates),
        "first_lines": [
            (line.raw.number, _short(line.example.customer_text), line.example.intent, _short(line.example.response))
            for line in (*planned.changed, *planned.new)[:SHOWN_NEW]
        ],
    }
    return TemplateResponse(request, "admin/exchange/plan.html", context)


def _kept(request: HttpRequest, import_id: int) -> ExampleImport:
    """Return the person's own upload. Raises Http404."""
    return get_object_or_404(ExampleImport, pk=import_id, author_id=request.user.pk)


def _pairs(
    pairs: Sequence[Pair], compared: Sequence[exchange.Compared]
) -> Iterator[tuple[exchange.Compared, exchange.Compared, str]]:
    for pair in islice(pairs, SHOWN_PAIRS):
        names = ", ".join(str(FIELDS[field]) for field in pair.fields)
        yield compared[pair.first], compared[pair.second], names


def _short(text: str) -> str:
    return Truncator(" ".join(text.split())).chars(WORDS_CHARS)


@require_POST
def apply_view(request: HttpRequest, import_id: int) -> HttpResponse:
    """Import, without the bad rows that the page showed if the person said so; say what was done."""
    check_rights(request, *IMPORT)
    kept = _kept(request, import_id)
    if "cancel" in request.POST:
        kept.delete()
        messages.info(request, _("Nothing was imported."))
        return HttpResponseRedirect(reverse("admin:conversations_example_changelist"))
    without = {int(number) for number in request.POST.get("without", "").split() if number.isdigit()}
    try:
        done = exchange.apply(kept.pk, by=actor_of(request), without=without)
    except exchange.RefusedError as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(reverse("admin:examples-plan", args=[kept.pk]))
    messages.success(request, done_words(done["new"], done["changed"], done["bad"]))
    return HttpResponseRedirect(reverse("admin:conversations_example_changelist"))


def done_words(new: int, changed: int, bad: int) -> str:
    """Return what an import did, and that customers notice nothing of it yet."""
    parts = [
        ngettext("%(count)d example added.", "%(count)d examples added.", new) % {"count": new},
        ngettext("%(count)d example changed.", "%(count)d examples changed.", changed) % {"count": changed},
    ]
    if bad:
        parts.append(ngettext("%(count)d bad row left out.", "%(count)d bad rows left out.", bad) % {"count": bad})
    parts.append(_("They are in the draft: customers notice once it is published."))
    return " ".join(parts)


@require_GET
def problems_view(request: HttpRequest, import_id: int) -> HttpResponse:
    """Answer with a CSV file of everything that is wrong, to be worked through beside the file itself."""
    check_rights(request, *IMPORT)
    planned = exchange.plan(_kept(request, import_id))
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([_("row"), _("column"), _("what is wrong")])
    writer.writerows((row, column, text) for row, column, text, _value in exchange.problem_rows(planned))
    return _download(file.getvalue().encode("utf-8-sig"), "bad-rows.csv", TYPES[FileFormat.CSV])


@require_GET
def export_view(request: HttpRequest, file_format: str) -> HttpResponse:
    """Answer with all examples as a file."""
    check_rights(request, EXPORT)
    if file_format not in FileFormat.values:
        raise Http404
    wanted = FileFormat(file_format)
    name = f"examples-{timezone.localdate():%Y-%m-%d}.{wanted.value}"
    return _download(exchange.export(wanted), name, TYPES[wanted])


def _download(data: bytes, name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(data, content_type=content_type, headers=headers)
