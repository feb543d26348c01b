"""Charts as plain shapes with coordinates, for a template that draws them as SVG, and the same figures as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 360.0
BASE: Final = 136.0
"""Where the bars stand; below are the times."""
TOP: Final = 14.0
SERIES: Final = 6
"""Colours there are; later series share the last one."""
TIMES_SHOWN: Final = 5
LETTER: Final = 5.0
"""How wide a letter of a time is, about."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a bar."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a place."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Legend:
    """A series' name and colour."""

    series: int
    name: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars or lines (runs of points, as SVG wants them), times below, the highest value; and all as a table."""

    title: str
    bars: tuple[Bar, ...]
    lines: tuple[str, ...]
    marks: tuple[Mark, ...]
    highest: str
    legend: tuple[Legend, ...]
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def bars(title: str, times: Sequence[str], series: Mapping[str, Sequence[float]], *, shown: str) -> Chart:
    """Return a chart of stacked bars; `shown` formats a value."""
    totals = [sum(values[place] for values in series.values()) for place in range(len(times))]
    highest = max(totals, default=0.0)
    pitch = WIDTH / max(1, len(times))
    found: list[Bar] = []
    for place, time in enumerate(times):
        bottom = BASE
        for number, (name, values) in enumerate(series.items()):
            height = scaled(values[place], highest)
            if not height:
                continue
            bottom -= height
            words = f"{time}, {name}: {shown.format(values[place])}"
            x = round(place * pitch + pitch * 0.1, 1)
            found.append(Bar(x, round(bottom, 1), round(pitch * 0.8, 1), round(height, 1), number % SERIES, words))
    return Chart(
        title,
        bars=tuple(found),
        lines=(),
        marks=marks_of(times, pitch),
        highest=shown.format(highest),
        legend=tuple(Legend(number % SERIES, name) for number, name in enumerate(series)),
        headers=tuple(series),
        rows=tuple(
            (time, *(shown.format(values[place]) for values in series.values())) for place, time in enumerate(times)
        ),
    )


def line(title: str, times: Sequence[str], values: Sequence[float | None], *, shown: str) -> Chart:
    """Return a chart of one line, broken where there is no value."""
    highest = max((value for value in values if value is not None), default=0.0)
    pitch = WIDTH / max(1, len(times))
    return Chart(
        title,
        bars=(),
        lines=tuple(runs_of(values, highest=highest, pitch=pitch)),
        marks=marks_of(times, pitch),
        highest=shown.format(highest),
        legend=(),
        headers=(title,),
        rows=tuple(
            (time, "–" if value is None else shown.format(value)) for time, value in zip(times, values, strict=True)
        ),
    )


def runs_of(values: Sequence[float | None], *, highest: float, pitch: float) -> list[str]:
    """Return the runs of values as points; a lonely one gets a little width."""
    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        x, y = place * pitch + pitch / 2, BASE - scaled(value, highest)
        runs[-1].append(f"{x:.1f},{y:.1f}")
    return [" ".join(run if len(run) > 1 else [*run, _beside(run[0])]) for run in runs if run]


def scaled(value: float, highest: float) -> float:
    """Return how high a value stands."""
    return value / highest * (BASE - TOP) if highest else 0.0


def marks_of(times: Sequence[str], pitch: float) -> tuple[Mark, ...]:
    """Return some of the times, evenly; none at an edge, where half of it would be cut off."""
    every = max(1, -(-len(times) // TIMES_SHOWN))
    places = range(every // 2, len(times), every)
    marks = (Mark(round(place * pitch + pitch / 2, 1), times[place]) for place in places)
    return tuple(mark for mark in marks if LETTER * len(mark.text) <= 2 * min(mark.x, WIDTH - mark.x))


def _beside(point: str) -> str:
    x, _comma, y = point.partition(",")
    return f"{float(x) + 3:.1f},{y}"
