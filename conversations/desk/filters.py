"""List filters of our own."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import FieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import make_aware
from typing_extensions import override
from unfold.utils import parse_date_str

if TYPE_CHECKING:
    RangeDateFilter = FieldListFilter
else:
    from unfold.contrib.filters.admin import RangeDateFilter


class DayRangeFilter(RangeDateFilter):
    """From one day to another, both included, in the shop's time zone; unfold's own would leave the last day out."""

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
        found = parse_date_str(value) if isinstance(value, str) else None
        return found.date() if isinstance(found, datetime) else found


def midnight(day: date) -> datetime:
    """Return when the day begins."""
    return make_aware(datetime.combine(day, time.min))
