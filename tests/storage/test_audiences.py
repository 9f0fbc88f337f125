"""An audience counted in the database is the audience that admission lets in, member by member."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from loyalty.admission import facts_of
from loyalty.audiences.condition import condition_of
from loyalty.audiences.history import history_facts, with_history
from loyalty.audiences.preview import AudienceSize
from loyalty.audiences.rules import (
    Audience,
    CategoryRule,
    ConditionRule,
    ConsentRule,
    ExpiringRule,
    Group,
    LastPurchaseRule,
    PointsRule,
    RegisteredRule,
    Rule,
    SpendRule,
    StoreRule,
    TagsRule,
    TierRule,
)
from loyalty.audiences.tree import tree_of
from loyalty.book import Hold, LotKey
from loyalty.conditions import MEMBER, Condition
from loyalty.ledger import AT_ONCE, UNDATED
from loyalty.members import member_facts
from loyalty.programme import Programme
from storage import tables
from storage.audiences.counting import Counting
from storage.audiences.where import Where
from storage.database import Database
from storage.postings import allocation_json
from storage.store import SqlStore
from tests.storage.rows import StillClock

NOW = datetime(2026, 10, 3, 4, 0, tzinfo=UTC)
PEOPLE = 60
TAGS = ("vip", "tea", 'quote"d', "新客")
CATEGORIES = ("coffee", "fresh", 'odd"one')
STORES = ("riverside", "market")


@pytest.fixture
def crowd(database: Database) -> SqlStore:
    """Sixty members with every kind of past, put straight into the tables."""
    draw = Random(7)
    with database.write() as connection:
        for n in range(PEOPLE):
            _person(connection, draw, f"m{n:02}")
    return SqlStore(database, StillClock(NOW), Programme())


def _person(connection: Any, draw: Random, id: str) -> None:
    def ago(most: int) -> datetime:
        # Whole days are where a comparison tips over, so most lie right there.
        return NOW - timedelta(days=draw.randint(0, most), seconds=draw.choice((-1, 0, 1, 40_000)))

    bought = [ago(120) for _ in range(draw.choice((0, 1, 3)))]
    row: dict[str, Any] = {
        "id": id, "status": draw.choice(("active",) * 9 + ("erased",)), "registered_at": ago(400),
        "source": draw.choice((None, "app")), "name": draw.choice((None, "Wei Zhang", "王芳")),
        "email": draw.choice((None, f"{id}@example.org")), "locale": draw.choice(("en", "zh")),
        "tier": draw.choice(("ordinary", "silver", "gold")),
        "tags": draw.sample(TAGS, draw.randint(0, 3)), "inviter_id": draw.choice((None, "m00")),
        "stop_listed": draw.random() < 0.1, "last_purchase_at": max(bought, default=None),
        "purchases": len(bought), "spend_minor": draw.choice((0, 5_000, 20_000)),
        "body_hash": "", "answer": {},
    }  # fmt: skip
    connection.execute(insert(tables.members), row)
    for channel in ("inbox", "email", "webhook"):
        for purpose in ("marketing", "service"):
            if draw.random() < 0.4:
                said = {"channel": channel, "purpose": purpose, "granted": draw.random() < 0.5}
                row = {"member_id": id, "at": NOW, **said}
                connection.execute(insert(tables.consents), row)
    for n, at in enumerate(bought):
        amount = draw.choice((0, 1_000, 5_000))
        lines = [{"category": draw.choice(CATEGORIES)} for _ in range(draw.randint(1, 2))]
        row = {
            "source": "till", "event_id": f"{id}-{n}", "body_hash": "", "type": "purchase",
            "member_id": id, "occurred_at": at, "recorded_at": at, "store": draw.choice(STORES),
            "amount_minor": amount, "refunded_minor": draw.choice((0, 0, amount // 2, amount)),
            "body": {"lines": lines}, "answer": {},
        }  # fmt: skip
        connection.execute(insert(tables.inbox), row)
    _points(connection, draw, id)


def _points(connection: Any, draw: Random, id: str) -> None:
    amounts = [draw.choice((10, 100, 500)) for _ in range(draw.randint(0, 3))]
    held = draw.choice((0, 0, 5)) if amounts else 0
    base = {"seq": 0, "head": b""}
    own = {"id": f"member:{id}", "kind": "member", "balance": sum(amounts), "held": held}
    debt = {"id": f"debt:{id}", "kind": "debt", "balance": -draw.choice((0, 0, 50)), "held": 0}
    connection.execute(insert(tables.accounts), [own | base, debt | base])
    for n, amount in enumerate(amounts):
        expires = draw.choice((UNDATED, NOW, *(NOW + timedelta(days=d) for d in (7, 30, 90))))
        available = draw.choice((AT_ONCE, NOW, NOW + timedelta(days=1)))
        kept = held if n == 0 else 0
        lot = {
            "account_id": f"member:{id}", "expires_at": expires, "available_at": available,
            "source": f"s{n}", "remaining": amount, "held": kept,
        }  # fmt: skip
        connection.execute(insert(tables.lots), lot)
        if kept:
            # Some of the holds are past their deadline: those points are free again.
            end = NOW + timedelta(minutes=draw.choice((-5, 0, 5)))
            part = (LotKey(expires, available, "s0"), kept)
            held_points = Hold(f"h-{id}", kept, "open", end, (part,))
            hold = {
                "id": f"h-{id}", "account_id": f"member:{id}", "amount": kept, "status": "open",
                "expires_at": end, "allocation": allocation_json(held_points),
            }  # fmt: skip
            connection.execute(insert(tables.holds), hold)


days = st.sampled_from([1, 7, 30, 90, 365])
points = st.sampled_from([0, 1, 95, 100, 500])
rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(
        TierRule,
        op=st.sampled_from(["one_of", "none_of"]),
        tiers=st.lists(
            st.sampled_from(["ordinary", "silver", "gold", "x"]), min_size=1, max_size=2
        ),
    ),
    st.builds(
        TagsRule,
        op=st.sampled_from(["any_of", "all_of", "none_of"]),
        tags=st.lists(st.sampled_from(TAGS), min_size=1, max_size=2),
    ),
    st.builds(LastPurchaseRule, op=st.sampled_from(["within", "before"]), days=days),
    st.just(LastPurchaseRule(op="never")),
    st.builds(
        SpendRule,
        op=st.sampled_from(["at_least", "at_most"]),
        amount_minor=st.sampled_from([0, 1, 1_000, 5_000]),
        days=days,
    ),
    st.builds(
        CategoryRule,
        op=st.sampled_from(["bought", "not_bought"]),
        category=st.sampled_from([*CATEGORIES, "none"]),
        days=days,
    ),
    st.builds(
        StoreRule,
        op=st.sampled_from(["bought", "not_bought"]),
        store=st.sampled_from([*STORES, "none"]),
        days=days,
    ),
    st.builds(PointsRule, op=st.sampled_from(["at_least", "at_most"]), points=points),
    st.builds(ExpiringRule, op=st.sampled_from(["at_least", "at_most"]), points=points, days=days),
    st.builds(
        ConsentRule,
        op=st.sampled_from(["given", "not_given"]),
        channel=st.sampled_from(["inbox", "email", "webhook"]),
        purpose=st.sampled_from(["marketing", "service"]),
    ),
    st.builds(RegisteredRule, op=st.sampled_from(["within", "before"]), days=days),
    st.builds(
        ConditionRule,
        condition=st.sampled_from([
            "member.has_inviter", "!member.has_inviter", 'member.locale == "zh"',
            'member.source != ""', "100 <= member.points", "member.expiring_points > 0",
            "member.days_since_purchase == 30", "member.days_since_purchase != 7",
            "member.days_since_registration < -5", "member.days_since_purchase > 40000",
            "member.spend_minor in [0, 5000]", "member.purchases > 0 && true",
            # No plain ones: their engine is asked about each member.
            'member.tags.exists(t, t.startsWith("v"))', "member.points > member.expiring_points",
            "member.purchases * 2 > 3", 'member.tier < "ordinary"',
        ]),
    ),
)  # fmt: skip
groups = st.builds(
    Group, match=st.sampled_from(["all", "any"]), rules=st.lists(rules, min_size=1, max_size=3)
)
audiences = st.builds(
    Audience, match=st.sampled_from(["all", "any"]), groups=st.lists(groups, max_size=3)
)


def size_of(store: SqlStore, condition: str | None) -> AudienceSize:
    with store.database.read() as connection:
        return Counting(connection, Programme(), NOW).size(condition)


def _let_in(store: SqlStore, condition: str | None) -> list[str]:
    """Whom a pass over everybody would admit; it looks at a page of members at once."""

    def look(tx: Any) -> list[str]:
        people = tx.members.page("", 1000)
        if condition is None:
            return [member.id for member in people]
        judge, balances = Condition(condition, MEMBER), tx.ledger.balances([m.id for m in people])
        acts = history_facts(tx, people, [condition])
        facts = {m.id: {**member_facts(m, balances[m.id], NOW), **acts[m.id]} for m in people}
        for member in people[:2]:
            # Who knocks alone is judged by the same facts.
            alone = with_history(tx, member, facts_of(tx, member), [condition])
            assert alone == facts[member.id]
        return [member.id for member in people if judge.fits(facts[member.id])]

    return store.read(look)


@given(audience=audiences)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_count_is_of_those_whom_admission_lets_in(crowd: SqlStore, audience: Audience) -> None:
    condition = condition_of(audience)

    size = size_of(crowd, condition)

    there = _let_in(crowd, condition)
    assert size.exact
    assert size.count == len(there)
    assert [sample.id for sample in size.samples] == there[:10]


def test_a_condition_for_the_engine_is_estimated_beyond_two_thousand(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a hundred thousand answers: the first ones stand for the rest."""
    monkeypatch.setattr("storage.audiences.counting.LOOKED_AT_MAX", 20)
    with database.write() as connection:
        for n in range(40):
            row = {"id": f"m{n:02}", "registered_at": NOW, "tags": ["vip"] if n % 2 else [],
                   "email": f"m{n}@example.org", "body_hash": "", "answer": {}}  # fmt: skip
            connection.execute(insert(tables.members), row)
    store = SqlStore(database, StillClock(NOW), Programme())

    size = size_of(store, 'member.tags.exists(t, t == "vip")')

    assert (size.count, size.exact) == (20, False)
    assert size.reachable["marketing"] == {"inbox": 20, "email": 0, "webhook": 0}
    assert size.reachable["service"] == {"inbox": 20, "email": 20, "webhook": 20}
    narrowed = size_of(store, 'member.tags.exists(t, t == "vip") && member.locale == "zh"')
    assert (narrowed.count, narrowed.exact) == (0, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("rule", "index"),
    [
        (SpendRule(amount_minor=1, days=30), "ix_inbox_member_id_type_occurred_at"),
        (CategoryRule(category="tea", days=30), "ix_inbox_member_id_type_occurred_at"),
        (StoreRule(store="market", days=30), "ix_inbox_member_id_type_occurred_at"),
        (PointsRule(points=1), "SEARCH lots USING INDEX sqlite_autoindex_lots_1"),
        (ConsentRule(channel="email"), "sqlite_autoindex_consents_1"),
    ],
)
def test_every_rule_finds_a_members_rows_by_an_index(
    database: Database, rule: Rule, index: str
) -> None:
    """What is asked of each of 100,000 members must not read a table from end to end."""
    condition = condition_of(Audience(groups=(Group(rules=(rule,)),)))
    assert condition is not None
    where = Where(NOW, Programme(), "sqlite").of(tree_of(condition))
    with database.read() as connection:
        query = select(tables.members.c.id).where(where)
        text = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()

    steps = " / ".join(str(step[3]) for step in plan)
    assert index in steps
    assert steps.count("SCAN ") == 1 + steps.count("SCAN line"), steps  # the members themselves
