"""What `/metrics` says of known answers: what they served, whether they still do, and what checking them showed.

Read from the tables, the same in every web process. Counters start anew with each month, as those of model calls do.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.db.models import Count, Q, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from conversations.answers.board import SHELF
from conversations.answers.models import AnswerState, KnownAnswer, KnownDay, KnownLabel, Step
from conversations.answers.student.models import TrainedStudent

FIGURES: Final = (*Step.values, "asked", "money_saved")


def answer_metrics() -> Iterator[Metric]:
    """Yield everything."""
    first = timezone.now().date().replace(day=1)
    yield from served_metrics(first)
    yield from checked_metrics(first)
    yield from state_metrics()


def served_metrics(first: date) -> Iterator[Metric]:
    """Yield what was served since the first of the month, by step, and what the model answered all the same."""
    sums = KnownDay.objects.filter(day__gte=first).aggregate(**{name: Sum(name) for name in FIGURES})
    served = CounterMetricFamily("csbot_known_served", "Known answers served this month, by step.", labels=["step"])
    for step in Step.values:
        served.add_metric([step], sums[step] or 0)
    yield served
    yield counter("csbot_known_asked", "Questions that a model answered this month.", sums["asked"])
    yield counter("csbot_known_money_saved", "What models weren't paid for this month.", sums["money_saved"])


def checked_metrics(first: date) -> Iterator[Metric]:
    """Yield how many would-be hits were answered by the model all the same this month, and how that ended."""
    checked = KnownLabel.objects.filter(was_served=True, created_at__date__gte=first)
    found = checked.aggregate(right=Count("pk", filter=Q(is_right=True)), wrong=Count("pk", filter=Q(is_right=False)))
    family = CounterMetricFamily("csbot_known_checked", "Known answers that a model checked.", labels=["verdict"])
    for verdict, number in found.items():
        family.add_metric([verdict], number)
    yield family


def state_metrics() -> Iterator[Metric]:
    """Yield whether known answers are served, and how many there are."""
    board = SHELF.current()
    has_student = TrainedStudent.objects.live().filter(stopped_at=None).exists()
    yield gauge("csbot_known_serving", "1 while known answers may be served.", bool(board.states))
    yield gauge("csbot_known_stopped", "1 where serving stopped: too many were wrong.", board.is_stopped)
    yield gauge(
        "csbot_known_student", "1 while a student is at work: without one, nothing similar is served.", has_student
    )
    answers = GaugeMetricFamily("csbot_known_answers", "Known answers by state.", labels=["state"])
    counts = dict(KnownAnswer.objects.order_by().values_list("state").annotate(number=Count("pk")))
    for state in AnswerState.values:
        answers.add_metric([state], counts.get(state, 0))
    yield answers


def counter(name: str, text: str, value: object) -> Metric:
    """Return a counter without labels; nothing counted is 0."""
    return CounterMetricFamily(name, text, value=float(str(value or 0)))


def gauge(name: str, text: str, value: object) -> Metric:
    """Return a gauge that is 0 or 1."""
    return GaugeMetricFamily(name, text, value=int(bool(value)))
