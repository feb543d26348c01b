"""A model's prices as people enter them: one field a line, weekdays by their names."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from conversations.desk.dates import common_era
from conversations.gateway.models import Price

if TYPE_CHECKING:
    PriceModelForm = forms.ModelForm[Price]
    StackedInline = admin.StackedInline[Any, Any]
else:
    from unfold.admin import StackedInline

    PriceModelForm = forms.ModelForm

MAX_DAYS_CHARS: Final = 2000


class PriceForm(PriceModelForm):
    """One price."""

    window_days = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        coerce=int,
        choices=list(WEEKDAYS.items()),
        required=False,
        empty_value=[],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("In UTC. None: every day."),
    )
    except_days = SimpleArrayField(
        forms.DateField(),
        label=_("Except on"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"maxlength": MAX_DAYS_CHARS, "placeholder": "2026-12-31, 2027-01-01"}),
        help_text=_("Days on which the window doesn't apply, such as the provider's holidays."),
    )

    def clean_valid_from(self) -> datetime | None:
        """Take a year of the Buddhist era for what it is: else the price would hold in five centuries."""
        given: datetime | None = self.cleaned_data["valid_from"]
        return common_era(given) if given else None

    def clean_valid_until(self) -> datetime | None:
        """Take a year of the Buddhist era for what it is."""
        given: datetime | None = self.cleaned_data["valid_until"]
        return common_era(given) if given else None

    class Meta:
        model = Price
        fields = (
            "currency",
            "input",
            "cached_input",
            "output",
            "valid_from",
            "valid_until",
            "window_from",
            "window_until",
            "window_days",
            "except_days",
            "note",
        )


class PriceInline(StackedInline):
    """A model's prices."""

    model = Price
    form = PriceForm
    fields = PriceForm.Meta.fields
    extra = 0
    collapsible = True
