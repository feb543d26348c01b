"""The draft: what the tables that staff edit say now. Customers meet it once it is a release and published."""

from typing import Any, Final

import orjson
from django.db import connection
from django.db.models import Expression, F, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, JSONObject

from conversations.playbook.content import Playbook, from_content
from conversations.playbook.models import Example, Fact, Instruction, Intent, Profile

PROFILE_FIELDS: Final = (
    "key",
    "name_th",
    "name_en",
    "temperature",
    "top_p",
    "frequency_penalty",
    "max_tokens",
    "is_thinking",
)
INTENT_FIELDS: Final = (
    "key",
    "name_th",
    "name_en",
    "belongs",
    "belongs_not",
    "is_reusable",
    "needs_person",
    "on_action",
)
FACT_FIELDS: Final = ("title", "text_th", "text_en")
EXAMPLE_FIELDS: Final = (
    "id",
    "customer_text",
    "response",
    "action_required",
    "escalate",
    "locale",
    "tags",
    "is_pinned",
)
PROFILE_KEY: Final = Coalesce(F("profile__key"), Value(""))


def read_draft() -> Playbook:
    """Return what the draft says. Read in one statement: a release must never have half of an edit."""
    instructions, profiles, intents, facts, examples = rows_of(
        rows(Instruction.objects.all(), "text", profile=PROFILE_KEY),
        rows(Profile.objects.order_by("key"), *PROFILE_FIELDS),
        rows(Intent.objects.on(), *INTENT_FIELDS, profile=PROFILE_KEY),
        rows(Fact.objects.on(), *FACT_FIELDS),
        rows(Example.objects.on(), *EXAMPLE_FIELDS, intent=F("intent__key")),
    )
    instruction = next(iter(instructions), {"text": "", "profile": ""})
    content = {"profiles": profiles, "intents": intents, "facts": facts, "examples": examples}
    return from_content({"instruction": instruction["text"], "profile": instruction["profile"], **content})


def rows(entries: QuerySet[Any], *fields: str, **renamed: Expression | Combinable) -> QuerySet[Any, Any]:
    """Return the entries, in their order, each as one JSON object with these fields."""
    return entries.values_list(JSONObject(**dict(zip(fields, fields, strict=True)), **renamed))


def rows_of(*queries: QuerySet[Any, Any]) -> list[list[dict[str, Any]]]:
    """Return the objects of all queries, read in one statement."""
    compiled = [query.query.sql_with_params() for query in queries]
    statement = ", ".join(f"ARRAY({sql})" for sql, _ in compiled)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {statement}", [value for _, params in compiled for value in params])
        found = cursor.fetchone()
    return [[orjson.loads(row) for row in part] for part in found]
