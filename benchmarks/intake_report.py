"""What the runs of the intake benchmark come to."""

import statistics
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: receipts a second, latency of requests, CPU microseconds per receipt."""

    per_s: float
    p50_ms: float
    p99_ms: float
    api_us: float
    server_us: float


def summary(figures: dict[str, list[Figures]]) -> dict[str, float]:
    """Medians; the ratio is of figures of the same round."""

    def middle(name: str, what: str) -> float:
        values: list[float] = [getattr(f, what) for f in figures[name]]
        return round(statistics.median(values), 2)

    pairs = list(zip(figures["receipts"], figures["base"], strict=True))
    return {
        "ratio": round(statistics.median(ours.per_s / base.per_s for ours, base in pairs), 3),
        "per_s": middle("receipts", "per_s"),
        "batch_per_s": middle("batches", "per_s"),
        "p99_ms": middle("receipts", "p99_ms"),
        "base_per_s": middle("base", "per_s"),
        "api_us": middle("receipts", "api_us"),
        "server_us": middle("receipts", "server_us"),
        "base_us": middle("base", "api_us"),
    }


def show(figures: dict[str, list[Figures]]) -> None:
    shown = Table("round", "receipts/s", "p50 ms", "p99 ms", "API us", "PostgreSQL us")
    for name, rounds in figures.items():
        for f in rounds:
            shown.add_row(
                name,
                f"{f.per_s:,.0f}",
                f"{f.p50_ms:,.1f}",
                f"{f.p99_ms:,.1f}",
                f"{f.api_us:,.0f}",
                f"{f.server_us:,.0f}",
            )
        shown.add_section()
    Console(stderr=True).print(shown)
