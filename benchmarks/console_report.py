"""What the console's pages took, as a table, and what is known of the slow ones."""

import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import percentile


@dataclass(slots=True)
class Measured:
    """One page on one database; milliseconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    longest: tuple[float, str, Any] | None = None

    def add(self, wall: float, cpu: float, longest: tuple[float, str, Any] | None) -> None:
        self.wall.append(wall)
        self.cpu.append(cpu)
        if longest and (self.longest is None or longest[0] > self.longest[0]):
            self.longest = longest

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def p95(self) -> float:
        return percentile(self.wall, 95)


@dataclass(frozen=True, slots=True)
class Slow:
    """A page that takes too long, and the statement of it that takes longest."""

    page: str
    longest: tuple[float, str, Any]
    plan: str

    def said(self, database: str) -> str:
        statement = " ".join(self.longest[1].split())
        ms = self.longest[0] * 1000
        return f"\n{database}, {self.page}: {ms:.0f} ms in\n{statement}\n{self.plan}"


def show(found: Mapping[str, Mapping[str, Measured]], slow_ms: float) -> None:
    """Pages down, databases across: median, p95 and this process's own CPU."""
    shown = Table(title=f"milliseconds; load average {os.getloadavg()[0]:.1f}")
    shown.add_column("page")
    for name in found:
        for figure in ("median", "p95", "cpu"):
            shown.add_column(f"{name} {figure}", justify="right")
    for page in next(iter(found.values())):
        cells: list[str] = []
        for figures in found.values():
            each = figures[page]
            mark = " !" if each.median > slow_ms else ""
            cells += [f"{each.median:.1f}{mark}", f"{each.p95:.1f}"]
            cells.append(f"{statistics.median(each.cpu):.1f}")
        shown.add_row(page, *cells)
    Console(width=120).print(shown)
