"""List filters of our own."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import FieldListFilter
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import DateField
from django.http import HttpRequest
from django.utils.timezone import make_aware
from typing_extensions import override

from conversations.desk.dates import common_era

if TYPE_CHECKING:
    RangeDateFilter = FieldListFilter
else:
    from unfold.contrib.filters.admin import RangeDateFilter


class DayRangeFilter(RangeDateFilter):
    """From one day to another, both included, in the shop's time zone.

    unfold's own would leave the last day out, and read what its calendar wrote in Thai (day first) as month first.
    """

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows between the two days; what is no date is no limit."""
        begins, ends = self._day("from"), self._day("to")
        if begins is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": midnight(begins)})
        if ends is not None:
            queryset = queryset.filter(**{f"{self.field_path}__lt": midnight(ends + timedelta(days=1))})
        return queryset

    def _day(self, end: str) -> date | None:
        value = self.used_parameters.get(f"{self.field_path}_{end}")
        try:
            day: date | None = DateField(required=False).clean(value)
        except ValidationError:
            return None
        return common_era(day) if day else None


def midnight(day: date) -> datetime:
    """Return when the day begins."""
    return make_aware(datetime.combine(day, time.min))
