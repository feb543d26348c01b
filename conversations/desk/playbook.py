"""The draft of the playbook in the admin: instruction, shop facts, intents and examples. Customers meet releases."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from typing_extensions import override
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from conversations.desk.audited import Audited, actor_of, record_saved, record_updated, stored
from conversations.desk.editing import SEEN, VersionedForm
from conversations.desk.look import ModelAdmin
from conversations.desk.playbook_notices import notices_of
from conversations.desk.rows import RowForm
from conversations.playbook.audit import fields_of
from conversations.playbook.checks import Problems, answer_problem, example_problems, intent_problems
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import Example, Fact, Instruction, Intent, Profile, StaleError
from conversations.playbook.prompt import opening_of

SHORT_CHARS: Final = 70
ADVICE: Final = _(
    "Coding and mathematics 0.0, data analysis 1.0, conversation and translation 1.3, creative writing 1.5. Change the "
    "temperature or top p, not both. While thinking, all of them are ignored. Answers in a fixed form keep it better "
    "at low temperatures, so the profiles here begin at 0.2 to 0.5."
)
STEP: Final = 10


def add_problems(form: forms.BaseForm, problems: Problems) -> None:
    """Show the problems at their fields; a field that has one already needs no second."""
    for field, problem in problems.items():
        if field not in form.errors:
            form.add_error(field, problem if isinstance(problem, str) else str(problem))


class ExampleForm(VersionedForm):
    """An example as a person enters it."""

    @override
    def full_clean(self) -> None:
        """Check the example as a whole, once Django has made it of the fields."""
        super().full_clean()
        if self.is_bound:
            add_problems(self, example_problems(self.instance))


class IntentForm(VersionedForm):
    """An intent as a person enters it."""

    @override
    def full_clean(self) -> None:
        """Check the intent."""
        super().full_clean()
        if self.is_bound:
            add_problems(self, intent_problems(self.instance))


class FactForm(VersionedForm):
    """A shop fact as a person enters it."""

    @override
    def full_clean(self) -> None:
        """Check both languages, which customers read."""
        super().full_clean()
        if not self.is_bound:
            return
        texts = {"text_th": self.instance.text_th, "text_en": self.instance.text_en}
        problems = {field: answer_problem(text) for field, text in texts.items()}
        add_problems(self, {field: problem for field, problem in problems.items() if problem})


class DraftAdmin(Audited, ModelAdmin):
    """What all pages of the draft share: every change is written down, and nobody's is lost to another's."""

    form = VersionedForm
    warn_unsaved_form = True
    list_before_template = "admin/playbook/draft_bar.html"
    change_form_outer_before_template = "admin/playbook/draft_bar.html"

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Add the hidden number of the version that the page shows."""
        (title, first), *others = super().get_fieldsets(request, obj)
        return [(title, {**first, "fields": [*first["fields"], SEEN]}), *others]


class ListedForm(RowForm):
    """A line of a list: only what somebody changed there is written, not what the list showed some time ago."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's own, passed on
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            field.show_hidden_initial = name in EntryAdmin.list_editable


class EntryAdmin(DraftAdmin):
    """What intents, facts and examples share: order, a switch, and actions that turn many on or off."""

    formfield_overrides = {
        models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
        ArrayField: {"widget": UnfoldAdminTextInputWidget},
    }
    list_editable = ("position", "is_on")
    list_filter_submit = True
    list_per_page = 100
    ordering = ("position", "pk")
    actions = ("switch_on", "switch_off")

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, entries: QuerySet[Any]) -> None:
        """Use the entries in the draft."""
        self.switch(request, entries, is_on=True)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, entries: QuerySet[Any]) -> None:
        """Use the entries in the draft no more."""
        self.switch(request, entries, is_on=False)

    def switch(self, request: HttpRequest, entries: QuerySet[Any], *, is_on: bool) -> None:
        """Turn entries on or off and say how many."""
        record_updated(actor_of(request), entries, field="is_on", new=is_on)
        count = entries.update(is_on=is_on)
        said = (
            ngettext("%(count)d entry switched on.", "%(count)d entries switched on.", count)
            if is_on
            else ngettext("%(count)d entry switched off.", "%(count)d entries switched off.", count)
        )
        self.message_user(request, said % {"count": count}, messages.SUCCESS)

    @override
    def get_changelist_form(self, request: HttpRequest, **options: Any) -> Any:
        """Let the list know what it showed."""
        return super().get_changelist_form(request, **{"form": ListedForm, **options})

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Of a list's line, save what was changed there and nothing else."""
        if not isinstance(form, ListedForm):
            super().save_model(request, obj, form, change)
            return
        before = fields_of(stored(obj))
        obj.save(update_fields=form.changed_data)
        record_saved(actor_of(request), obj, before=before)

    @override
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Tell who lost against another save; the list then shows the newest."""
        try:
            return super().changelist_view(request, extra_context)
        except StaleError:
            said = _("Somebody else changed one of these entries at the same moment. Nothing was saved; look again.")
            self.message_user(request, said, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @override
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Put a new entry last."""
        last = self.model.objects.order_by("-position").values_list("position", flat=True).first() or 0
        return {"position": last + STEP, **super().get_changeform_initial_data(request)}


@admin.register(Example)
class ExampleAdmin(EntryAdmin):
    """What a customer says, and how the best employee answers."""

    form = ExampleForm
    list_before_template = "admin/exchange/links.html"
    change_form_outer_before_template = "admin/playbook/notices.html"
    list_display = ("words", "intent", "answer", "marks", "locale", "position", "is_on")
    list_select_related = ("intent",)
    list_filter = (
        ("intent", RelatedDropdownFilter),
        ("locale", ChoicesDropdownFilter),
        ("escalate", BooleanRadioFilter),
        ("action_required", BooleanRadioFilter),
        ("is_pinned", BooleanRadioFilter),
        ("is_on", BooleanRadioFilter),
    )
    search_fields = ("customer_text", "response", "note", "tags")
    search_help_text = _("Words of the customer, of the answer, of the note or a tag.")
    fieldsets = (
        (None, {"fields": ("customer_text", ("intent", "locale"), "response", ("action_required", "escalate"))}),
        (_("Use"), {"fields": (("is_on", "is_pinned"), ("position", "tags"), "note")}),
    )

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and say what to look at twice."""
        super().save_model(request, obj, form, change)
        if isinstance(form, ExampleForm):
            for notice in notices_of(obj):
                self.message_user(request, notice.text, messages.WARNING)

    @override
    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Example | None = None,
    ) -> HttpResponse:
        """Show above the form what to look at twice."""
        context["example_notices"] = notices_of(obj) if obj else []
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    @admin.display(description=_("customer says"), ordering="customer_text")
    def words(self, example: Example) -> str:
        """Return the beginning of what the customer says."""
        return short(example.customer_text)

    @admin.display(description=_("the bot answers"))
    def answer(self, example: Example) -> str:
        """Return the beginning of the answer."""
        return short(example.response)

    @admin.display(description=_("what follows"))
    def marks(self, example: Example) -> str:
        """Return what follows from the answer; most ask for nothing."""
        flags = ((example.action_required, _("action required")), (example.escalate, _("hand to a person")))
        return ", ".join(str(title) for is_set, title in flags if is_set)


@admin.register(Intent)
class IntentAdmin(EntryAdmin):
    """What customers want."""

    form = IntentForm
    list_display = ("key", "name_th", "name_en", "examples_on", "position", "is_on")
    list_filter = (("is_on", BooleanRadioFilter),)
    search_fields = ("key", "name_th", "name_en", "belongs")
    fieldsets = (
        (None, {"fields": ("key", ("name_th", "name_en"), "belongs", "belongs_not")}),
        (_("What follows"), {"fields": ("needs_person", "on_action", "is_reusable", "profile")}),
        (_("Use"), {"fields": (("is_on", "position"),)}),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Intent]:
        """Return the intents with the number of their examples in use."""
        intents: QuerySet[Intent] = super().get_queryset(request)
        return intents.annotate(examples_count=Count("examples", filter=Q(examples__is_on=True)))

    @admin.display(description=_("examples in use"), ordering="examples_count")
    def examples_on(self, intent: Intent) -> int:
        """Return how many examples show this intent."""
        return int(getattr(intent, "examples_count", 0))


@admin.register(Fact)
class FactAdmin(EntryAdmin):
    """What is true about the shop."""

    form = FactForm
    list_display = ("title", "thai", "english", "position", "is_on")
    list_filter = (("is_on", BooleanRadioFilter),)
    search_fields = ("title", "text_th", "text_en")
    fieldsets = ((None, {"fields": ("title", "text_th", "text_en")}), (_("Use"), {"fields": (("is_on", "position"),)}))

    @admin.display(description=_("in Thai"))
    def thai(self, fact: Fact) -> str:
        """Return the beginning of the Thai words."""
        return short(fact.text_th)

    @admin.display(description=_("in English"))
    def english(self, fact: Fact) -> str:
        """Return the beginning of the English words."""
        return short(fact.text_en)


@admin.register(Instruction)
class InstructionAdmin(DraftAdmin):
    """How the bot behaves: one row, so its list is its page."""

    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 24})}}
    readonly_fields = ("size",)
    fieldsets = ((None, {"fields": ("text", "profile", "size")}),)

    @admin.display(description=_("size of the prompt"))
    def size(self, _instruction: Instruction) -> Promise | str:
        """Return about how many tokens every question is sent with."""
        return _("about %(tokens)d tokens with facts, intents and examples, before the conversation") % {
            "tokens": opening_of(read_draft()).tokens
        }

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one row."""
        return super().has_add_permission(request) and not Instruction.objects.exists()

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Instruction | None = None) -> bool:
        """There is always one row."""
        return False

    @override
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Go to the one row's page, or to the form for it."""
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        instruction = Instruction.objects.first()
        if instruction is None:
            return HttpResponseRedirect(reverse("admin:conversations_instruction_add"))
        return HttpResponseRedirect(reverse("admin:conversations_instruction_change", args=[instruction.pk]))


@admin.register(Profile)
class ProfileAdmin(DraftAdmin):
    """How the model picks its words, by use."""

    list_display = ("key", "name_th", "name_en", "temperature", "top_p", "frequency_penalty", "is_thinking")
    search_fields = ("key", "name_th", "name_en")
    readonly_fields = ("advice",)
    fieldsets = (
        (None, {"fields": ("key", ("name_th", "name_en"))}),
        (
            _("How the model picks its words"),
            {"fields": ("advice", ("temperature", "top_p"), ("frequency_penalty", "max_tokens"), "is_thinking")},
        ),
    )

    @admin.display(description=_("what DeepSeek advises"))
    def advice(self, _profile: Profile) -> Promise | str:
        """Return the provider's own advice for these figures (api-docs.deepseek.com, parameter settings)."""
        return ADVICE


def short(text: str) -> str:
    """Return the beginning of a text, on one line."""
    return Truncator(" ".join(text.split())).chars(SHORT_CHARS)
