"""Gives a shop its first cases: real messages of strangers to shops and banks, with what a good answer to each is.

`starter_cases.jsonl` beside this file holds them; each row names its source and licence, docs/evaluation.md credits
them. The right intent was set by one person, for clear messages only.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
from django.db import transaction

from conversations.playbook.audit import record
from conversations.playbook.models import AuditEntry, EvaluationCase, EvaluationSet, Intent, Verb

FILE: Final = Path(__file__).parent / "starter_cases.jsonl"
NAME: Final = "ข้อความจริง / Real messages"
NOTE: Final = "Real messages to shops, telephone companies and banks, to start from. Add your own customers' questions."
STEP: Final = 10


@transaction.atomic
def load_starter_cases() -> bool:
    """Load the starter set once. False where there are sets, ever were any, or none of its intents is in use."""
    if EvaluationSet.objects.exists() or AuditEntry.objects.filter(object_type="evaluationset").exists():
        return False
    known = set(Intent.objects.on().values_list("key", flat=True))
    rows = [row for row in starter_rows() if row["intent"] in known]
    if not rows:
        return False
    made = EvaluationSet.objects.create(name=NAME, note=NOTE)
    EvaluationCase.objects.bulk_create(
        EvaluationCase(evaluation_set=made, position=number * STEP, **row) for number, row in enumerate(rows, start=1)
    )
    record(None, Verb.IMPORT, made)
    return True


def starter_rows() -> Iterator[dict[str, Any]]:
    """Yield the starter cases as rows say them."""
    for line in FILE.read_bytes().splitlines():
        yield orjson.loads(line)
