"""Numbers and tables: percentiles, figures beside their limits, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, nan


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0-1) of the values don't exceed; NaN for none."""
    if not values:
        return nan
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def milliseconds(seconds: float) -> str:
    """Return seconds as milliseconds for a table."""
    return f"{seconds * 1000:,.1f}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with aligned columns."""
    widths = [max(len(row[column]) for row in (headers, *rows)) for column in range(len(headers))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (headers, *rows)]
    rule = "-|-".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:])).replace(f"| {rule} |", f"|-{rule}-|")


@dataclass(frozen=True)
class Checked:
    """A figure beside its limit."""

    what: str
    measured: float
    limit: float
    unit: str
    is_at_least: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether the limit is kept; a figure that could not be measured keeps none."""
        return self.measured >= self.limit if self.is_at_least else self.measured <= self.limit

    def cells(self) -> tuple[str, ...]:
        """Return the row for a table."""
        sign = ">=" if self.is_at_least else "<="
        verdict = "ok" if self.is_kept else "MISSED"
        return self.what, f"{self.measured:,.1f} {self.unit}", f"{sign} {self.limit:,.4g} {self.unit}", verdict


def at_most(what: str, measured: float, *, limit: float, unit: str) -> Checked:
    """Return a figure that must not exceed its limit."""
    return Checked(what, measured, limit, unit)


def at_least(what: str, measured: float, *, limit: float, unit: str) -> Checked:
    """Return a figure that must reach its limit."""
    return Checked(what, measured, limit, unit, is_at_least=True)


@dataclass
class Report:
    """Figures beside their limits, printed as one table."""

    title: str
    checks: list[Checked] = field(default_factory=list)

    def add(self, *checks: Checked) -> None:
        """Add figures."""
        self.checks.extend(checks)

    def close(self) -> int:
        """Print the table; return the process's exit code: 0 where every limit is kept."""
        print(f"\n{self.title}\n")
        print(table(("figure", "measured", "limit", ""), [check.cells() for check in self.checks]), flush=True)
        return 0 if all(check.is_kept for check in self.checks) else 1
