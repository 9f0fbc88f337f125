"""The demonstration: real receipts told truly, and the whole of it played on a small scale."""

import io
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from bootstrap.clock import SystemClock
from bootstrap.demo.cast import cast, purchase
from bootstrap.demo.command import Size, main
from bootstrap.demo.data import (
    SHIFT,
    ZONE,
    Shop,
    choose,
    data_folder,
    department_categories,
    read_shop,
)
from bootstrap.demo.mail import MailSink
from bootstrap.outside import mail_server
from bootstrap.settings import Settings
from delivery.channels import Letter
from delivery.smtp import SmtpChannel
from loyalty.events import Purchase
from loyalty.registration import Registration

SINCE, STARTS, UNTIL = (datetime(2027, month, 1, tzinfo=ZONE) for month in (2, 4, 6))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return read_shop(25, SINCE, UNTIL, STARTS)


def test_every_receipt_says_what_the_data_says(shop: Shop) -> None:
    """Receipts, lines and amounts of the households are the source's, to the cent."""
    rows = pq.read_table(data_folder() / "transactions.parquet")
    numbers = [int(each) for each in shop.households]
    mine = rows.filter(pc.is_in(rows["household_id"], value_set=_array(numbers)))
    wall = [
        at.tz_localize("UTC").tz_convert(ZONE) for at in mine["transaction_timestamp"].to_pylist()
    ]
    found = [
        row
        for row, at in zip(mine.to_pylist(), wall, strict=True)
        if SINCE <= (at.tz_localize(None) + SHIFT).tz_localize(ZONE) < UNTIL
    ]
    cents: Counter[str] = Counter()
    for row in found:
        cents[str(row["basket_id"])] += round(row["sales_value"] * 100)
    assert {basket.id: basket.net_minor for basket in shop.baskets} == dict(cents)
    assert sum(len(basket.lines) for basket in shop.baskets) == len(found) > 1000


def test_dates_move_and_days_of_the_week_stay(shop: Shop) -> None:
    """A Saturday's basket is a Saturday's basket, at the same hour on the wall."""
    rows = pq.read_table(
        data_folder() / "transactions.parquet", columns=["basket_id", "transaction_timestamp"]
    )
    basket = shop.baskets[0]
    at = rows.filter(pc.equal(rows["basket_id"], int(basket.id)))["transaction_timestamp"][
        0
    ].as_py()
    wall = at.tz_localize("UTC").tz_convert(ZONE)
    assert (wall.weekday(), wall.time()) == (basket.at.weekday(), basket.at.time())
    assert basket.at.year == wall.year + 10


def test_departments_become_the_programmes_categories(shop: Shop) -> None:
    """Meat, fish, fruit and bread are fresh; what the programme does not know is 'other'."""
    known = department_categories()
    assert known["PRODUCE"] == known["SEAFOOD"] == "fresh"
    assert known["FUEL"] == "fuel"
    sold = {line.category for basket in shop.baskets for line in basket.lines}
    assert {"fresh", "grocery", "household"} <= sold <= {*known.values(), "other"}


def test_the_same_households_are_chosen_every_time() -> None:
    """Nothing is drawn by lot, and those who stayed away are a fifth."""
    days = [STARTS - timedelta(days=n) for n in range(80, 0, -8)]
    visits = {str(n): days for n in range(100)} | {str(n): days[:1] for n in range(100, 130)}
    chosen, away = choose(visits, 20, STARTS, UNTIL)
    assert (chosen, away) == choose(dict(reversed(visits.items())), 20, STARTS, UNTIL)
    assert len(chosen) == 20
    assert len(away) == 4
    assert all(int(each) >= 100 for each in away)


def test_what_is_told_is_what_the_api_takes(shop: Shop) -> None:
    """Receipts and registrations are valid bodies, and nobody is told of before joining."""
    people = cast(shop, STARTS, SINCE)
    joined = {person.id: person.joins for person in people.members}
    for person in people.members:
        Registration.model_validate(person.registration)
    for basket in shop.baskets:
        receipt = {key: value for key, value in purchase(basket).items() if key != "type"}
        assert Purchase.model_validate(receipt).net_minor == basket.net_minor
    for happening in people.happenings:
        if "member_id" in happening.event:
            assert (
                datetime.fromisoformat(happening.event["occurred_at"])
                > joined[happening.event["member_id"]]
            )


async def test_the_demonstrations_mail_server_keeps_letters_as_they_were() -> None:
    """E-mail really goes over SMTP, dots at the beginning of a line included."""
    sink = MailSink()
    url = await sink.start()
    channel = SmtpChannel(mail_server(Settings(smtp_url=url)), SystemClock().now)
    text = "Hello,\n.\n..two dots\nyou have 500 points\n"
    for number in range(3):
        await channel.send(_letter(f"letter/{number}", text))
    await channel.close()
    await sink.stop()
    assert sink.received == 3
    kept = sink.letters[0]
    assert (kept["Subject"], kept["To"]) == ("积分 and points", "household-1@example.com")
    assert kept.get_content().replace("\r\n", "\n") == text


@pytest.mark.timeout(240)
def test_five_households_play_for_ten_days(tmp_path: Path) -> None:
    """Real processes from the first step to the last: all campaigns run and every sum holds."""
    out = io.StringIO()
    size = Size(5, 10, tmp_path / "demo", usual_ports=False)
    code = main(once=True, size=size, console=Console(file=out, width=120, highlight=False))
    said = out.getvalue()
    assert code == 0, said
    for campaign in ("welcome-2027", "tasks-2027", "wake-up-2027", "cup-may-2027"):
        assert campaign in said
    assert "NO" not in said.split("In order?")[1].split("What you saw")[0]
    assert not (tmp_path / "demo" / "up.json").exists()  # everything was stopped


def _letter(key: str, text: str) -> Letter:
    return Letter(
        key=key,
        member_id="h-1",
        address="household-1@example.com",
        subject="积分 and points",
        text=text,
        locale="en",
        purpose="service",
        message="welcome",
        campaign_id="welcome-2027",
        variables={},
    )


def _array(numbers: list[int]) -> object:
    import pyarrow as pa

    return pa.array(numbers, pa.int64())
