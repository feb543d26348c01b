"""Known answers in the admin: what is answered without the model, and how well that went."""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Model, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from typing_extensions import override
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from conversations.answers.board import Scope, policy_row, touch
from conversations.answers.keeping import NotKnowableError, add_answer, add_question, approve, edit, put_away
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer, KnownQuestion
from conversations.desk.answers_card import WAYS_SHOWN, answer_card, moment
from conversations.desk.answers_figures import figures_now
from conversations.desk.answers_forms import AnswerForm
from conversations.desk.answers_pages import coverage_view, move_view, resume_view, take_out_view
from conversations.desk.answers_try import try_view
from conversations.desk.answers_words import unfit_words
from conversations.desk.audited import Audited
from conversations.desk.look import ModelAdmin, coloured
from conversations.desk.numbers import money
from conversations.desk.playbook import short
from conversations.models import Site

COLOURS: Final = {
    AnswerState.SHADOW: "info",
    AnswerState.CONFIRMED: "success",
    AnswerState.APPROVED: "success",
    AnswerState.STALE: "warning",
    AnswerState.RETIRED: "default",
    AnswerState.BANNED: "danger",
}


@admin.register(KnownAnswer)
class KnownAnswerAdmin(Audited, ModelAdmin):
    """What the bot knows without asking a model."""

    form = AnswerForm
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})}}
    list_display = ("asked", "answered", "shown_state", "scope", "hits", "verified", "saved", "last_used")
    list_select_related = ("site",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("locale", ChoicesDropdownFilter),
        ("site", RelatedDropdownFilter),
    )
    list_filter_submit = True
    list_per_page = 50
    search_fields = ("text", "questions__text", "intent")
    actions = ("approve_chosen", "retire_chosen", "ban_chosen")
    list_before_template = "admin/answers/figures.html"
    change_form_outer_before_template = "admin/answers/answer.html"
    warn_unsaved_form = True

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[KnownAnswer]:
        """Return the answers with their questions."""
        answers: QuerySet[KnownAnswer] = super().get_queryset(request)
        return answers.prefetch_related(Prefetch("questions", KnownQuestion.objects.order_by("pk")))

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Ask where an answer holds when it is made; later only words may be changed, and the rest stands above."""
        if obj is None:
            return ((None, {"fields": ("question", "text", "intent", ("site", "locale"))}),)
        words = ("text", "question") if self.has_change_permission(request, obj) else ("text",)
        return ((_("Change it"), {"fields": (*words, "is_fixed_for_intent")}),)

    @override
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Choose the only site where there is one."""
        sites = Site.objects.values_list("pk", flat=True)[:2]
        known = {"site": sites[0]} if len(sites) == 1 else {}
        return known | super().get_changeform_initial_data(request)

    @override
    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Add an answer, or make the edit the answer from now on."""
        if not isinstance(obj, KnownAnswer):
            raise TypeError(obj)
        by = request.user if isinstance(request.user, AbstractBaseUser) else None
        question = str(form.cleaned_data.get("question") or "").strip()
        if not change:
            scope = Scope(obj.site_id, obj.locale, obj.segment)
            made = add_answer(scope, intent=obj.intent, question=question, text=obj.text, by=by)
            obj.pk = made.pk
            return
        if question:
            add_question(obj, question)
        if "text" in form.changed_data:
            words, obj.text = obj.text, form.initial["text"]
            edit(obj, text=words, by=by, seen=WAYS_SHOWN)
        elif form.changed_data:
            approve(obj, by=by, seen=WAYS_SHOWN)

    @admin.display(description=_("question"))
    def asked(self, answer: KnownAnswer) -> str:
        """Return the first way to ask, and how many more there are."""
        ways = [question.text for question in answer.questions.all()]
        more = f" (+{len(ways) - 1})" if len(ways) > 1 else ""
        return f"{short(ways[0])}{more}" if ways else "–"

    @admin.display(description=_("answer"))
    def answered(self, answer: KnownAnswer) -> str:
        """Return the beginning of the answer."""
        return short(answer.text)

    @coloured(description=_("state"), colours=COLOURS, ordering="state")
    def shown_state(self, answer: KnownAnswer) -> tuple[str, str]:
        """Return the state as a coloured label."""
        return answer.state, answer.get_state_display()

    @admin.display(description=_("holds for"), ordering="locale")
    def scope(self, answer: KnownAnswer) -> str:
        """Return where it holds: intent, site, language, and segment of customers if any."""
        scope = (answer.intent, str(answer.site), answer.get_locale_display(), answer.segment)
        return " · ".join(filter(None, scope))

    @admin.display(description=_("right / wrong"))
    def verified(self, answer: KnownAnswer) -> str:
        """Return how often the model agreed, and how often not."""
        return f"{answer.right} / {answer.wrong}"

    @admin.display(description=_("money saved"), ordering="money_saved")
    def saved(self, answer: KnownAnswer) -> str:
        """Return what the model was not paid for."""
        return money(answer.money_saved, "")

    @admin.display(description=_("last used"), ordering="last_used_at")
    def last_used(self, answer: KnownAnswer) -> str:
        """Return when a customer last got it."""
        return moment(answer.last_used_at)

    @admin.action(description=_("Approve"), permissions=["change"])
    def approve_chosen(self, request: HttpRequest, answers: QuerySet[KnownAnswer]) -> None:
        """Let the chosen answers be served."""
        done = 0
        for answer in answers:
            try:
                approve(answer, by=request.user if isinstance(request.user, AbstractBaseUser) else None, seen=1)
                done += 1
            except NotKnowableError as error:
                self.message_user(request, f"{short(answer.text)}: {unfit_words(str(error))}", messages.ERROR)
        self._say(request, done)

    @admin.action(description=_("Retire"), permissions=["change"])
    def retire_chosen(self, request: HttpRequest, answers: QuerySet[KnownAnswer]) -> None:
        """Serve the chosen answers no more."""
        self._put_away(request, answers, AnswerState.RETIRED)

    @admin.action(description=_("Ban"), permissions=["change"])
    def ban_chosen(self, request: HttpRequest, answers: QuerySet[KnownAnswer]) -> None:
        """Serve the chosen answers no more, and never learn them again."""
        self._put_away(request, answers, AnswerState.BANNED)

    def _put_away(self, request: HttpRequest, answers: QuerySet[KnownAnswer], state: AnswerState) -> None:
        by = request.user if isinstance(request.user, AbstractBaseUser) else None
        for answer in answers:
            put_away(answer, state, by=by)
        self._say(request, len(answers))

    def _say(self, request: HttpRequest, count: int) -> None:
        said = ngettext("%(count)d answer changed.", "%(count)d answers changed.", count) % {"count": count}
        self.message_user(request, said, messages.SUCCESS)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the pages beside the list, and the buttons' doors."""
        wrap = self.admin_site.admin_view
        return [
            path("try/", wrap(try_view), name="answers-try"),
            path("coverage/", wrap(coverage_view), name="answers-coverage"),
            path("resume/", wrap(resume_view), name="answers-resume"),
            path("<int:answer_id>/move/<slug:move>/", wrap(move_view), name="answers-move"),
            path("questions/<int:question_id>/take-out/", wrap(take_out_view), name="answers-take-out"),
            *super().get_urls(),
        ]

    @override
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show what known answers did above the list."""
        return super().changelist_view(request, {**(extra_context or {}), "known": figures_now()})

    @override
    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: KnownAnswer | None = None,
    ) -> HttpResponse:
        """Show above the form where the answer stands, and what can be done with it."""
        if obj is not None:
            context["known"] = answer_card(request, obj, may_change=self.has_change_permission(request, obj))
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)


@admin.register(AnswerPolicy)
class AnswerPolicyAdmin(Audited, ModelAdmin):
    """How known answers are used: one row, so its list is its page."""

    fields = (
        "mode",
        ("tolerated_share", "explore_share"),
        ("confirm_customers", "visitor_cap"),
        "lifetime_days",
    )

    @override
    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Let it hold from the next reply on."""
        super().save_model(request, obj, form, change)
        touch()

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one row."""
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """There is always one row."""
        return False

    @override
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Go to the one row's page."""
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(reverse("admin:conversations_answerpolicy_change", args=[policy_row().pk]))
