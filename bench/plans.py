"""Reads what PostgreSQL says about a query: EXPLAIN (ANALYZE, BUFFERS) as figures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import Any, Final, TypedDict

from django.db import connection
from django.db.models import QuerySet

Node = TypedDict(
    "Node",
    {
        "Node Type": str,
        "Relation Name": str,
        "Index Name": str,
        "Actual Rows": float,
        "Actual Loops": float,
        "Rows Removed by Filter": float,
        "Shared Hit Blocks": int,
        "Shared Read Blocks": int,
        "Plans": "list[Node]",
    },
    total=False,
)

# A node that touched more rows than this grows with the table rather than with the answer.
BOUNDED_ROWS: Final = 3000


@dataclass(frozen=True)
class Plan:
    """How PostgreSQL answered a query."""

    root: Node
    milliseconds: float

    def nodes(self) -> Iterator[Node]:
        """Return all steps."""
        yield from _with_children(self.root)

    @property
    def indexes(self) -> str:
        """Return the indexes that were used."""
        names = {node["Index Name"] for node in self.nodes() if "Index Name" in node}
        return ", ".join(sorted(names)) or "none"

    @property
    def scanned_tables(self) -> set[str]:
        """Return the tables that were read from end to end."""
        return {node["Relation Name"] for node in self.nodes() if node["Node Type"].endswith("Seq Scan")}

    @property
    def rows_touched(self) -> float:
        """Return how many rows the busiest step looked at."""
        return max(
            (node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)) * node.get("Actual Loops", 1)
            for node in self.nodes()
        )

    @property
    def blocks(self) -> int:
        """Return how many pages of 8 KiB were looked at."""
        return self.root.get("Shared Hit Blocks", 0) + self.root.get("Shared Read Blocks", 0)

    def milliseconds_at(self, rows: int, *, measured_at: int, most_rows: float) -> float:
        """Return the time to expect with so many rows: with the depth of a tree, or in proportion to the table.

        `most_rows`: no step ever looks at more, however large the table.
        """
        if self.rows_touched > BOUNDED_ROWS:
            growth = min(rows / measured_at, max(1.0, most_rows / self.rows_touched))
            return self.milliseconds * growth
        return self.milliseconds * log(rows) / log(measured_at)


def _with_children(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", []):
        yield from _with_children(child)


def explain(query: QuerySet[Any, Any], *, is_count: bool = False) -> Plan:
    """Run a query three times and return the fastest plan: warm, as a shop's hot rows are."""
    statement, parameters = query.query.sql_with_params()
    if is_count:
        statement = f"SELECT count(*) FROM ({statement}) AS counted"  # noqa: S608 - Django's own statement; parameters stay parameters
    plans = [_explain_once(statement, parameters) for _ in range(3)]
    return min(plans, key=lambda plan: plan.milliseconds)


def _explain_once(statement: str, parameters: tuple[Any, ...]) -> Plan:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
        found = cursor.fetchone()[0]
    top = (json.loads(found) if isinstance(found, str) else found)[0]
    return Plan(top["Plan"], float(top["Execution Time"]) + float(top["Planning Time"]))
