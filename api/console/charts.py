"""A chart's geometry, so that its figures can be drawn without a script.

The same data feeds ECharts in the browser, this picture where there is no script, and the table.
`data` is {"labels": [...], "series": [{"name": ..., "values": [...]}], "unit": optional}.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 240, 48, 28, 12


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything in the units of a 640 x 240 view box."""

    bars: list[tuple[int, float, float, float, float]]  # series, x, y, width, height
    ticks: list[tuple[float, float]]  # y, value
    labels: list[tuple[float, str]]  # x, text


def _top(values: list[float]) -> float:
    """A round figure above the greatest value, for the axis to end at."""
    most = max([*values, 0])
    if most <= 0:
        return 4
    size = 10 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    for step in (1, 2, 4, 5, 8, 10):
        if most <= size * step:
            return size * step
    return most


def picture(data: Mapping[str, Any]) -> Picture:
    """The chart as shapes: bars side by side at each label, one for each series."""
    labels = [str(each) for each in data["labels"]]
    series = [[float(value or 0) for value in each["values"]] for each in data["series"]]
    top = _top([value for values in series for value in values])
    high, wide = HEIGHT - BOTTOM - TOP, WIDTH - LEFT
    step = wide / max(len(labels), 1)

    def y(value: float) -> float:
        return round(TOP + high * (1 - value / top), 1)

    bars = []
    for number, values in enumerate(series):
        width = step * 0.7 / len(series)
        for i, value in enumerate(values):
            x = LEFT + step * (i + 0.15) + width * number
            bars.append(
                (number, round(x, 1), y(value), round(width, 1), round(high * value / top, 1))
            )
    every = max(1, -(-len(labels) // 8))
    shown = [(round(LEFT + step * (i + 0.5), 1), text) for i, text in enumerate(labels)][::every]
    ticks = [(y(top * part / 4), top * part / 4) for part in range(5)]
    return Picture(bars, ticks, shown)
