"""What the runs of the ledger benchmark come to."""

import statistics
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of one contender; CPU in microseconds per posting."""

    per_s: float
    client_us: float
    server_us: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def cpu_us(self) -> float:
        return self.client_us + self.server_us


def summary(figures: dict[str, list[Figures]]) -> dict[str, float]:
    """Medians; ratios of figures of the same round."""

    def ratio(of: str, to: str) -> float:
        pairs = zip(figures[of], figures[to], strict=True)
        return round(statistics.median(a.per_s / b.per_s for a, b in pairs), 3)

    ours = figures["milepost"]
    return {
        "per_s": round(statistics.median(f.per_s for f in ours), 1),
        "pgbench_ratio": ratio("milepost", "pgbench"),
        "floor_ratio": ratio("milepost", "floor"),
        "orm_ratio": ratio("milepost", "orm"),
        "hot_ratio": ratio("milepost, hot", "milepost"),
        "cpu_us": round(statistics.median(f.cpu_us for f in ours), 1),
    }


def show(figures: dict[str, list[Figures]]) -> None:
    shown = Table("contender", "postings/s", "client us", "server us", "p50 ms", "p99 ms")
    for name, rounds in figures.items():
        for one in rounds:
            shown.add_row(
                name,
                f"{one.per_s:,.0f}",
                f"{one.client_us:,.0f}",
                f"{one.server_us:,.0f}",
                f"{one.p50_ms:,.1f}" if one.p50_ms else "",
                f"{one.p99_ms:,.1f}" if one.p99_ms else "",
            )
        shown.add_section()
    Console(stderr=True).print(shown)
