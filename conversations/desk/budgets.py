"""Budgets in the admin: what may be spent, and how full each is now."""

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.desk.audited import Audited
from conversations.desk.gateway import OperatorsOnly
from conversations.desk.look import ModelAdmin
from conversations.desk.numbers import budget_line
from conversations.gateway.budgets import read_levels
from conversations.gateway.models import Budget


@admin.register(Budget)
class BudgetAdmin(OperatorsOnly, Audited, ModelAdmin):
    """The budgets."""

    list_display = ("budget_name", "spent_shown", "warn_at", "step_down", "is_on")
    list_select_related = ("provider",)
    fields = ("provider", "period", "cap", "currency", "warn_at", "step_down", "is_on")

    @admin.display(description=_("budget"))
    def budget_name(self, budget: Budget) -> str:
        """Return whose budget it is."""
        return str(budget)

    @admin.display(description=_("spent"))
    def spent_shown(self, budget: Budget) -> str:
        """Return how full it is."""
        level = next((level for level in read_levels(timezone.now()) if level.id == budget.pk), None)
        line = budget_line(level) if level else None
        return f"{line.spent} ({line.percent}) {line.words}".strip() if line else "-"
