"""Versions of the earning rules at work: who is judged by which, and what caps remember."""

from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from loyalty.earning import activate
from loyalty.earning.load import load_rules
from loyalty.earning.version import RulesVersion
from loyalty.errors import Invalid
from loyalty.events import Line
from loyalty.intake import purchase_wants, record_purchase
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.tiers.by_hand import TierGiven, set_tier
from loyalty.tiers.settings import Tiers
from loyalty.tiers.standing import Held
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock
from tests.stories import SHANGHAI

DOUBLE = "base: {minor: 500}\n"  # 5 yuan = 1 point, and nothing else
MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> FrontDesk:
    """A programme on a Monday evening in Shanghai, with one member."""
    desk = FrontDesk(store, clock)
    desk.joins("lee")
    return desk


def switch(
    desk: FrontDesk,
    text: str,
    since: datetime | None = None,
    reason: str | None = None,
    until: int | None = None,
) -> int:
    """Activate rules; from the next minute on unless said otherwise, which then begins."""
    rules = load_rules(text, ("survey",), SHANGHAI)

    def work(tx: Transaction) -> RulesVersion:
        newest = activate.listed(tx)[-1].version
        made, _ = activate.activate(
            tx, rules, since, "mia", reason, after_version=newest, until_version=until
        )
        return made

    made = desk.store.run(work)
    if since is None:
        desk.clock.instant += MINUTE
    return made.version


def used(desk: FrontDesk) -> dict[tuple[str, str], tuple[int, int]]:
    """Wished and granted, by counter and period."""
    with desk.store.database.read() as connection:
        rows = connection.execute(tables.earning_counters.select()).all()
    return {(row.rule_id, row.period_key): (row.wished, row.granted) for row in rows}


def test_before_any_version_the_programmes_own_rules_count(desk: FrontDesk) -> None:
    """Version 1 is what stands in the programme."""
    assert desk.buys("lee", "r1", ("grocery", 10_000))["breakdown"]["rule_version"] == "1"
    [first] = desk.store.read(activate.listed)
    assert (first.version, first.body.category_rates_bp) == (1, {"fresh": 20_000})


def test_a_late_receipt_is_judged_by_the_rules_of_when_it_happened(desk: FrontDesk) -> None:
    """Uploaded after the change, bought before it (rule 13)."""
    switch(desk, DOUBLE)
    changed = desk.clock.instant

    before = changed - timedelta(microseconds=1)
    late = desk.buys("lee", "late", ("grocery", 10_000), occurred_at=before)
    new = desk.buys("lee", "new", ("grocery", 10_000), occurred_at=changed)

    assert [(x["points"], x["breakdown"]["rule_version"]) for x in (late, new)] == [
        (10, "1"),
        (20, "2"),
    ]


def test_a_late_receipt_is_judged_by_the_tier_of_when_it_happened(desk: FrontDesk) -> None:
    """Whoever became gold today was not gold yesterday (rule 13)."""
    switch(desk, DOUBLE + "rules: [{id: gold, when: {tiers: [gold]}, bonus_bp: 10000}]\n")
    yesterday = desk.clock.instant
    desk.clock.instant += timedelta(days=1)
    today = desk.clock.instant
    gold = Held("ladder", "gold", today, None, "reached", "ordinary")
    desk.store.run(lambda tx: tx.tiers.add("lee", gold))

    late = desk.buys("lee", "late", ("grocery", 10_000), occurred_at=yesterday)
    new = desk.buys("lee", "new", ("grocery", 10_000))

    assert [late["points"], new["points"]] == [20, 40]


def test_whoever_buys_a_paid_level_earns_as_the_tier_it_ranks_as(database: Database) -> None:
    """Silver +20%, gold +50%: who is silver and buys PLUS, which ranks as gold, has the 50%."""
    programme = Programme(tiers=Tiers(paid_levels={"plus": "gold"}))
    clock = StillClock()
    desk = FrontDesk(SqlStore(database, clock, programme), clock)
    desk.joins("lee", tier="silver")
    switch(
        desk,
        """base: {minor: 1000}
rules:
  - {id: silver, when: {tiers: [silver]}, bonus_bp: 2000}
  - {id: gold, when: {tiers: [gold]}, bonus_bp: 5000}
  - {id: plus, when: {tiers: [plus]}, points: 3}
""",
    )
    before = desk.buys("lee", "r1", ("grocery", 10_000))["points"]
    plus = TierGiven(kind="paid", tier="plus", until=desk.clock.instant + timedelta(days=30))
    desk.store.run(lambda tx: set_tier(tx, "lee", plus, "paid the fee", "mia"))

    assert (before, desk.buys("lee", "r2", ("grocery", 10_000))["points"]) == (12, 15 + 3)


def test_a_change_of_rules_never_touches_what_was_posted(desk: FrontDesk) -> None:
    """The entry stays; its refund goes by its own rules; no version begins in the past (15)."""
    desk.buys("lee", "r1", ("grocery", 10_000, 2))
    switch(desk, DOUBLE)

    assert desk.balance("lee").posted == 10
    assert desk.returns("r1", {1: 1})["points_reversed"] == 5
    with pytest.raises(Invalid) as refused:
        switch(desk, DOUBLE + "tax: excluded\n", since=desk.clock.instant)
    assert refused.value.problems[0]["code"] == "too_soon"


def test_a_version_counts_from_its_own_instant_on(desk: FrontDesk) -> None:
    """A plan for next month stays a plan; what begins later wins from then on."""
    month = desk.clock.instant + timedelta(days=30)
    assert switch(desk, DOUBLE + "tax: excluded\n", since=month) == 2
    with pytest.raises(Invalid) as unsaid:
        switch(desk, DOUBLE)
    assert unsaid.value.problems[0]["field"] == "until_version"
    assert switch(desk, DOUBLE, until=2) == 3

    def version(at: datetime) -> str:
        return desk.store.read(lambda tx: activate.rules_at(tx, at).version)

    assert [version(NOON), version(NOON + MINUTE)] == ["1", "3"]
    assert [version(month - timedelta(microseconds=1)), version(month)] == ["3", "2"]


def test_the_same_rules_again_are_the_same_version(desk: FrontDesk) -> None:
    """A request that is sent twice changes nothing; each change is in the audit trail."""
    assert [switch(desk, DOUBLE), switch(desk, "base:\n  minor: 500\n")] == [2, 2]

    assert desk.count(tables.earning_rules) == 1
    assert desk.count(tables.audit, tables.audit.c.action == "earning_rules.activate") == 1


def test_a_plan_for_next_month_can_be_brought_forward(desk: FrontDesk) -> None:
    """The same rules for another instant are another version."""
    assert switch(desk, DOUBLE, since=desk.clock.instant + timedelta(days=30)) == 2
    assert switch(desk, DOUBLE, until=2) == 3


def test_the_next_version_goes_on_from_what_counts_when_it_begins(desk: FrontDesk) -> None:
    """Not from what is coming; but from what was made a moment ago and counts in a minute."""

    def base() -> int:
        return desk.store.read(activate.to_go_on_from).version

    assert base() == 1
    switch(desk, DOUBLE, since=desk.clock.instant + timedelta(days=30))
    assert base() == 1
    switch(desk, DOUBLE + "tax: excluded\n", since=desk.clock.instant + MINUTE, until=2)
    assert base() == 3


def test_older_rules_may_come_back(desk: FrontDesk) -> None:
    """As a version of their own: what happened in between stays as it was judged."""
    versions = [switch(desk, text) for text in (DOUBLE, DOUBLE + "tax: excluded\n", DOUBLE)]

    assert versions == [2, 3, 4]
    assert desk.buys("lee", "r1", ("grocery", 500))["breakdown"]["rule_version"] == "4"


def test_a_stack_above_the_limit_needs_a_reason(desk: FrontDesk) -> None:
    """5 points a yuan, stacked fivefold, at 100 = 1 yuan would give back a quarter."""
    luxury = "base: {minor: 100}\ncategory_rates_bp: {luxury: 50000}\n"

    with pytest.raises(Invalid) as refused:
        switch(desk, luxury)
    assert refused.value.problems[0]["code"] == "stack_too_high"
    assert "25%" in refused.value.detail
    assert desk.count(tables.earning_rules) == 0

    assert switch(desk, luxury, reason="Opening week, agreed with finance") == 2


# --- caps and first purchases (rule 22, feature 14) -------------------------------------------

CAPPED = DOUBLE + "rules: [{id: b, bonus_bp: 10000, caps: [{points: 30, per: month}]}]\n"


def test_a_cap_is_used_up_over_receipts_and_keeps_what_was_wished(desk: FrontDesk) -> None:
    """20 of the bonus, then 10 of the next 20, then none."""
    switch(desk, CAPPED)

    points = [desk.buys("lee", f"r{n}", ("grocery", 10_000))["points"] for n in range(3)]

    assert points == [40, 30, 20]
    assert used(desk) == {("b", "2026-03"): (60, 30)}


def test_a_cap_holds_when_many_tills_send_at_once(desk: FrontDesk) -> None:
    """Twelve receipts committed in groups wish 20 each: 30 are granted, whoever comes first."""
    switch(desk, CAPPED)
    purchases = [desk.receipt("lee", f"r{n}", [("grocery", 10_000)]) for n in range(12)]
    with closing(desk.store.group()):
        waiting = [
            desk.store.submit(lambda tx, p=p: record_purchase(tx, p), purchase_wants(p))  # type: ignore[misc]
            for p in purchases
        ]
        points = [each.result()["points"] for each in waiting]

    assert sorted(points) == [20] * 10 + [30, 40]
    assert used(desk) == {("b", "2026-03"): (240, 30)}
    assert desk.balance("lee").posted == 270


def test_a_return_gives_room_back_in_the_same_period_only(desk: FrontDesk) -> None:
    """Within March the bonus can be earned again; in April March is over (rule 22)."""
    switch(desk, CAPPED)
    desk.buys("lee", "r1", ("grocery", 10_000))
    desk.buys("lee", "r2", ("grocery", 10_000))

    desk.returns("r2")
    assert used(desk) == {("b", "2026-03"): (20, 20)}
    assert desk.buys("lee", "r3", ("grocery", 10_000))["points"] == 30

    desk.clock.instant = datetime(2026, 4, 1, 0, 0, tzinfo=SHANGHAI)
    desk.returns("r1")
    assert used(desk) == {("b", "2026-03"): (40, 30)}


def test_a_rule_that_a_return_lets_on_uses_up_its_cap(desk: FrontDesk) -> None:
    """60 a day: what the receipt keeps by that rule, the next receipt does not have again (22)."""
    switch(
        desk,
        """base: {minor: 1000}
rules:
  - {id: big, when: {from_minor: 20000}, points: 100, group: g, priority: 1}
  - {id: small, points: 60, group: g, priority: 2, caps: [{points: 60, per: day}]}
""",
    )
    assert desk.buys("lee", "r1", ("a", 18_000), ("a", 2_000))["points"] == 20 + 100

    assert desk.returns("r1", {2: 1})["points_reversed"] == 120 - 18 - 60
    assert used(desk) == {("small", "2026-03-02"): (60, 60)}
    assert desk.buys("lee", "r2", ("a", 10_000))["points"] == 10


def test_a_new_product_is_new_once_and_again_after_it_went_back(desk: FrontDesk) -> None:
    """50 points for the first one; who returned it all has not bought it yet."""
    switch(desk, DOUBLE + "rules: [{id: n, when: {skus: [s], first_purchase: true}, points: 50}]\n")

    assert desk.buys("lee", "r1", ("grocery", 1_000, 2))["points"] == 52
    assert desk.buys("lee", "r2", ("grocery", 1_000))["points"] == 2
    desk.returns("r1")
    desk.returns("r2")

    assert desk.balance("lee").available == 0
    assert desk.buys("lee", "r3", ("grocery", 1_000))["points"] == 52


def test_a_free_sample_is_not_the_first_purchase(desk: FrontDesk) -> None:
    """Whoever got one with the milk still has the bonus ahead; giving it back changes nothing."""
    switch(desk, DOUBLE + "rules: [{id: n, when: {skus: [oat], first_purchase: true}, points: 50}]")

    def buys(id: str, *lines: tuple[str, int]) -> int:
        made = tuple(Line(sku=sku, category="a", net_minor=net) for sku, net in lines)
        receipt = desk.receipt("lee", id, [("a", 1)]).model_copy(update={"lines": made})
        return int(desk.store.run(lambda tx: record_purchase(tx, receipt))["points"])

    assert buys("r1", ("milk", 1_000), ("oat", 0)) == 2
    assert buys("r2", ("oat", 2_000)) == 4 + 50
    desk.returns("r1")
    assert buys("r3", ("oat", 2_000), ("oat", 0)) == 4
    desk.returns("r2")
    desk.returns("r3")
    assert [buys(id, ("oat", 2_000)) for id in ("r4", "r5")] == [4 + 50, 4]


def test_a_survey_earns_its_points_at_once(desk: FrontDesk) -> None:
    """Feature 15: with the working, in the ledger, and at most 30 points a month here."""
    survey = "{id: survey, when: {event: survey}, points: 20, caps: [{points: 30, per: month}]}"
    switch(desk, f"{DOUBLE}rules: [{survey}]\n")

    answers = [desk.does("lee", "survey") for _ in range(2)]

    assert [answer["points"] for answer in answers] == [20, 10]
    assert answers[1]["breakdown"]["reasons"][0]["reason"] == "cap_reached"
    assert desk.balance("lee").posted == 30
    assert "points" not in desk.does("lee", "check_in")


def test_rules_without_caps_ask_the_database_nothing(desk: FrontDesk) -> None:
    """Neither counters nor versions cost a receipt a statement."""
    desk.buys("lee", "r0", ("grocery", 10_000))
    seen: list[str] = []
    engine = desk.store.database.engine

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    desk.buys("lee", "r1", ("grocery", 10_000))
    sqlalchemy_event.remove(engine, "before_cursor_execute", note)

    assert seen
    assert not [statement for statement in seen if "earning_" in statement]
