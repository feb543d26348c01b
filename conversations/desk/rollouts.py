"""Rollouts in the admin: how far each is, what led there, and the buttons that change it, each with a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from typing_extensions import override

from conversations.desk.audited import Audited, reason_of, stored
from conversations.desk.gateway import OperatorsOnly, may_operate
from conversations.desk.look import ModelAdmin
from conversations.desk.numbers import NONE, milliseconds, percent
from conversations.gateway.figures import P95
from conversations.gateway.guard_figures import ArmFigures, Stretch
from conversations.gateway.models import Decision, DecisionKind, DecisionReason, Guard, Purpose, Rollout, RolloutState
from conversations.gateway.models.rollouts import BUCKETS
from conversations.gateway.rollout import (
    Cause,
    RefusedError,
    advance,
    guard_of,
    pause,
    promote,
    resume,
    roll_back,
    start,
    step_figures,
)
from conversations.gateway.rollout_figures import read_stretch
from conversations.playbook.audit import differences, fields_of, record
from conversations.playbook.models import Verb

if TYPE_CHECKING:
    StackedInline = admin.StackedInline[Any, Any]
else:
    from unfold.admin import StackedInline

DECISIONS_SHOWN: Final = 100
SHADOW_SPAN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Move:
    """A button: what it does, and from which states."""

    title: str | Promise
    work: Callable[[int, Cause], None]
    states: tuple[RolloutState, ...]
    is_grave: bool = False


RUNNING, PAUSED = RolloutState.RUNNING, RolloutState.PAUSED
MOVES: Final[dict[str, Move]] = {
    "start": Move(gettext_lazy("Start"), start, (RolloutState.DRAFT,)),
    "pause": Move(gettext_lazy("Pause"), pause, (RUNNING,)),
    "resume": Move(gettext_lazy("Resume"), resume, (PAUSED,)),
    "advance": Move(gettext_lazy("Next step"), advance, (RUNNING, PAUSED)),
    "promote": Move(gettext_lazy("Promote"), promote, (RUNNING, PAUSED), is_grave=True),
    "roll-back": Move(gettext_lazy("Roll back"), roll_back, (RUNNING, PAUSED), is_grave=True),
}


class GuardInline(OperatorsOnly, StackedInline):
    """What the guard goes by. Steps stay as they are once the rollout runs."""

    model = Guard
    extra = 1
    max_num = 1
    can_delete = False
    fields = (
        "steps",
        "hold_minutes",
        "min_samples",
        "patience_minutes",
        "success_drop",
        "broken_rise",
        "escalation_rise",
        "first_token_growth",
        "cost_growth",
        "shadow_share",
    )

    @override
    def get_readonly_fields(self, _request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        is_draft = obj is None or (isinstance(obj, Rollout) and obj.state == RolloutState.DRAFT)
        return () if is_draft else ("steps", "shadow_share")


@admin.register(Rollout)
class RolloutAdmin(OperatorsOnly, Audited, ModelAdmin):
    """The rollouts."""

    list_display = ("name", "canary", "release", "state", "share", "started_at", "ended_at")
    list_select_related = ("canary__provider", "release")
    fields = ("name", "canary", "release")
    inlines = (GuardInline,)
    change_form_outer_before_template = "admin/rollout.html"

    @admin.display(description=gettext_lazy("canary's share"))
    def share(self, rollout: Rollout) -> str:
        """Return the canary's share of new conversations."""
        return percent(rollout.ratio / BUCKETS)

    @override
    def get_readonly_fields(self, _request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Keep the canary as it is once conversations were sent to it."""
        is_draft = obj is None or (isinstance(obj, Rollout) and obj.state == RolloutState.DRAFT)
        return () if is_draft else ("canary", "release")

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let only drafts go: the others are the record of what was done."""
        is_draft = isinstance(obj, Rollout) and obj.state == RolloutState.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Give a rollout a guard also where nothing of it was changed."""
        super().save_related(request, form, formsets, change)
        guard_of(form.instance)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the buttons' door."""
        view = self.admin_site.admin_view(move_view)
        return [path("move/<int:rollout_id>/<slug:move>/", view, name="rollout-move"), *super().get_urls()]

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show how the rollout stands above the form."""
        rollout = Rollout.objects.filter(pk=object_id).first() if object_id and object_id.isdigit() else None
        shown = rollout_page(rollout) if rollout and may_operate(request) else None
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "rollout": shown})


@require_POST
def move_view(request: HttpRequest, rollout_id: int, move: str) -> HttpResponse:
    """Do what a button says, with who and why."""
    if not may_operate(request) or not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    rollout = get_object_or_404(Rollout, pk=rollout_id)
    why = reason_of(request)
    wanted = MOVES.get(move)
    if wanted is None:
        raise PermissionDenied
    if not why:
        messages.error(request, _("Say why: it is kept with the decision."))
    else:
        try:
            _move(rollout, wanted, Cause(by=request.user, why=why))
        except RefusedError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Done: %(move)s") % {"move": wanted.title})
    return HttpResponseRedirect(reverse("admin:conversations_rollout_change", args=[rollout.pk]))


@transaction.atomic
def _move(rollout: Rollout, move: Move, cause: Cause) -> None:
    """Do it, and write down in the audit log what it changed."""
    before = fields_of(rollout)
    move.work(rollout.pk, cause)
    changes = differences(before, fields_of(stored(rollout)))
    record(cause.by, Verb.CHANGE, rollout, changes=changes, reason=cause.why)


def rollout_page(rollout: Rollout) -> dict[str, Any]:
    """Return what stands above a rollout's form."""
    guard = guard_of(rollout)
    now = timezone.now()
    is_draft = rollout.state == RolloutState.DRAFT
    figures = (
        read_stretch(rollout.pk, since=now - SHADOW_SPAN, until=now, purpose=Purpose.SHADOW)
        if is_draft
        else step_figures(rollout, guard, now=now)
    )
    return {
        "id": rollout.pk,
        "state": rollout.get_state_display(),
        "share": percent(rollout.ratio / BUCKETS),
        "steps": [
            {"title": f"{step.normalize():f} %", "is_current": not is_draft and place == guard.step}
            for place, step in enumerate(guard.steps)
        ],
        "moves": [
            {"name": name, "title": move.title, "is_grave": move.is_grave}
            for name, move in MOVES.items()
            if rollout.state in move.states
        ],
        "figures_title": _("Shadow calls of the last 24 hours") if is_draft else _("This step"),
        "figures": arm_lines(figures),
        "decisions": [decision_line(each) for each in Decision.objects.filter(rollout=rollout)[:DECISIONS_SHOWN]],
    }


def arm_lines(stretch: Stretch) -> list[tuple[str, str, str]]:
    """Return both arms' figures side by side."""
    canary, stable = stretch.canary, stretch.stable
    return [
        (_("Messages"), f"{canary.replies:,}", f"{stable.replies:,}"),
        (_("Success"), success_of(canary), success_of(stable)),
        (_("Repaired or blank"), share_of(canary, canary.broken), share_of(stable, stable.broken)),
        (_("Asked for a person"), share_of(canary, canary.escalated), share_of(stable, stable.escalated)),
        (_("First words, p95"), milliseconds(canary.first_token_ms(P95)), milliseconds(stable.first_token_ms(P95))),
        (_("Cost a message"), cost_of(canary), cost_of(stable)),
    ]


def success_of(arm: ArmFigures) -> str:
    """Return the share of an arm's replies that its own model gave."""
    return share_of(arm, arm.replies - arm.failures)


def share_of(arm: ArmFigures, number: int) -> str:
    """Return a share of an arm's replies."""
    return percent(number / arm.replies if arm.replies else None)


def cost_of(arm: ArmFigures) -> str:
    """Return what a message of an arm cost."""
    currency = ", ".join(sorted(arm.currencies))
    return f"{arm.costs.mean:.6f} {currency}" if arm.priced else NONE


def decision_line(decision: Decision) -> dict[str, Any]:
    """Return a decision in words."""
    judgments = decision.figures.get("judgments", [])
    step = decision.figures.get("step")
    return {
        "at": decision.at,
        "kind": DecisionKind(decision.kind).label,
        "who": decision.by_name or _("the guard"),
        "why": decision.why or DecisionReason(decision.reason).label,
        "shares": f"{percent(decision.ratio_before / BUCKETS)} → {percent(decision.ratio_after / BUCKETS)}",
        "figures": arm_lines(Stretch.from_json(step)) if step else [],
        "judgments": [judgment_line(judgment) for judgment in judgments],
    }


def judgment_line(judgment: dict[str, Any]) -> dict[str, Any]:
    """Return a guardrail's judgment in words: what was feared, and how likely chance alone looks like this."""
    p_value = judgment["p_value"]
    return {
        "title": DecisionReason(judgment["guardrail"]).label,
        "p_value": NONE if p_value is None else f"{p_value:.2g}",
        "is_breach": judgment["is_breach"],
    }
