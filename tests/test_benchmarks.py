"""The benchmarks run from end to end and say what the documents quote; how fast is not asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from api.console.routers import ROUTERS
from benchmarks.console_pages import NOT_ASKED, pages

ROOT = Path(__file__).parent.parent
FIGURES = {
    "ledger": {
        "per_s", "pgbench_ratio", "floor_ratio", "orm_ratio", "hot_ratio", "cpu_us",
        "p99_ms_at_4000", "sqlite_per_s",
    },
    "intake": {
        "ratio", "per_s", "batch_per_s", "p99_ms", "base_per_s", "api_us", "server_us", "base_us",
    },
}  # fmt: skip
EXCHANGE = {
    "claims_per_s", "oversold", "negative", "p99_ms", "answered", "won", "won_per_s", "won_p99_ms",
}  # fmt: skip


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FIGURES)
def test_a_benchmark_ends_by_itself_and_gives_its_figures(name: str) -> None:
    """A smoke run proves its ledger, and its last line is one JSON object with every figure."""
    figures = _quick(name)

    assert set(figures) == FIGURES[name]
    assert all(value > 0 for value in figures.values()), figures


@pytest.mark.timeout(240)
def test_a_flash_exchange_gives_out_exactly_its_stock() -> None:
    """Sixty members click for twenty: all are answered, twenty win, nobody pays what they lack."""
    figures = _quick("exchange")

    assert set(figures) == EXCHANGE
    assert (figures["answered"], figures["won"]) == (60, 20)
    assert (figures["oversold"], figures["negative"]) == (0, 0)


@pytest.mark.timeout(240)
def test_the_console_answers_every_page_on_both_databases() -> None:
    """Each page of a small programme is asked for; one that fails would end the benchmark."""
    figures = _quick("console")

    assert set(figures) == {"sqlite_slowest_ms", "postgres_slowest_ms", "over_100_ms"}
    assert figures["sqlite_slowest_ms"] > 0
    assert figures["postgres_slowest_ms"] > 0


def test_no_page_of_the_console_is_left_out() -> None:
    """Whoever adds a page is told to have it measured."""
    asked = [each.path.removeprefix("/console").split("?")[0] for each in pages(160, "p-1", {})]
    shown = [
        route
        for each in ROUTERS
        for route in each.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    ]

    left_out = {
        route.path
        for route in shown
        if route.path not in NOT_ASKED and not any(route.path_regex.match(one) for one in asked)
    }
    assert left_out == set()


def _quick(name: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures
