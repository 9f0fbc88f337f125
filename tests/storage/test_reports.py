"""A campaign's report counts members, journeys, messages and claims as people would."""

from loyalty.ports import Transaction
from storage import tables
from storage.database import Database
from storage.queries.campaigns import campaign_report, list_campaigns
from storage.queries.pages import View
from storage.store import SqlStore
from tests.storage.rows import NOON, campaign, decision, enrolment, message, put, version


def test_a_report_of_nothing_is_all_zeros(store: SqlStore, database: Database) -> None:
    """A draft that nobody has met reports noughts, not gaps; what is not there has no report."""
    store.run(lambda tx: tx.campaigns.add(campaign(state="draft", budget_points=5000)))

    found = _report(database)
    assert found["state"] == "draft"
    assert found["values"] == {}
    assert found["report"] == {
        "evaluated": 0,
        "admitted": 0,
        "held_out": 0,
        "not_admitted": {},
        "enrolled": 0,
        "live": 0,
        "states": {},
        "outcomes": {},
        "points": {"granted": 0, "reserved": 0, "budget": 5000},
        "messages": {},
        "verdicts": {},
        "claims": {},
    }
    with database.read() as connection:
        assert campaign_report(connection, "autumn") is None


def test_each_member_at_the_door_is_counted_once(store: SqlStore, database: Database) -> None:
    """Ada was refused twice and let in later; she is one member evaluated and one admitted."""

    def knock(tx: Transaction) -> None:
        tx.campaigns.add(campaign())
        for key, name, verdict, reason in (
            ("1", "ada", "not_admitted", "not_in_audience"),
            ("2", "ada", "not_admitted", "not_in_audience"),
            ("3", "ada", "admitted", "admitted"),
            ("4", "bea", "held_out", "holdout"),
            ("5", "cem", "not_admitted", "not_in_audience"),
            ("6", "dan", "not_admitted", "budget_exhausted"),
            ("7", "ada", "done", "reached"),
        ):
            at_door = decision(key, member_id=name, verdict=verdict, reason=reason)
            tx.decisions.add(at_door)
        elsewhere = decision("8", member_id="eve", campaign_id="other", verdict="admitted")
        tx.decisions.add(elsewhere)

    store.run(knock)

    report = _report(database)["report"]
    assert report["evaluated"] == 4
    assert report["admitted"] == 1
    assert report["held_out"] == 1
    assert report["not_admitted"] == {"budget_exhausted": 1, "not_in_audience": 2}


def test_who_was_held_out_is_not_enrolled(store: SqlStore, database: Database) -> None:
    """The holdout is counted at the door; journeys and their outcomes are treated members'."""

    def enrol(tx: Transaction) -> None:
        tx.campaigns.add(campaign())
        tx.campaigns.add_version(version(body={"values": {"welcome_points": 500}}))
        for name, changes in (
            ("ada", {"state": "waiting"}),
            ("bea", {"state": "ended", "outcome": "completed"}),
            ("cem", {"state": "ended", "outcome": "missed"}),
            ("dan", {"state": "ended", "outcome": "completed"}),
            ("eve", {"state": "ended", "outcome": "held_out", "arm": "holdout"}),
            ("fay", {"state": "held"}),
        ):
            tx.enrolments.add(enrolment(member_id=name, **changes))
        tx.campaigns.spend("spring", granted=700, reserved=300)

    store.run(enrol)

    found = _report(database)
    report = found["report"]
    assert found["values"] == {"welcome_points": 500}
    assert (report["enrolled"], report["live"]) == (5, 2)
    assert report["states"] == {"ended": 3, "held": 1, "waiting": 1}
    assert report["outcomes"] == {"completed": 2, "missed": 1}
    assert report["points"] == {"granted": 700, "reserved": 300, "budget": None}


def test_messages_are_counted_by_fate_and_verdicts_by_rule(
    store: SqlStore, database: Database
) -> None:
    """A message put off at night and sent in the morning is one message and two verdicts."""
    store.run(lambda tx: tx.campaigns.add(campaign()))
    put(database, tables.messages, message("m1", status="sent"))
    put(database, tables.messages, message("m2", status="dropped", channel="email"))
    put(database, tables.messages, message("m3", status="sent", campaign_id="other"))
    for key, verdict, reason in (
        ("m1", "defer", "quiet_hours"),
        ("m1", "send", "allowed"),
        ("m2", "drop", "no_consent"),
        ("m3", "send", "allowed"),
    ):
        row = {"message_key": key, "verdict": verdict, "reason": reason, "at": NOON}
        put(database, tables.contact_verdicts, row)

    report = _report(database)["report"]
    assert report["messages"] == {"email": {"dropped": 1}, "inbox": {"sent": 1}}
    assert report["verdicts"] == {
        "defer": {"quiet_hours": 1},
        "drop": {"no_consent": 1},
        "send": {"allowed": 1},
    }


def test_claims_are_counted_with_their_units_and_points(
    store: SqlStore, database: Database
) -> None:
    """Five bags in two confirmed claims are five bags, not two."""
    store.run(lambda tx: tx.campaigns.add(campaign()))
    for number, (status, quantity) in enumerate(
        [("confirmed", 2), ("confirmed", 3), ("released", 1)]
    ):
        claim = {
            "id": f"claim{number}",
            "offer_id": "spring",
            "member_id": "lee",
            "request_id": str(number),
            "body_hash": "h" * 64,
            "quantity": quantity,
            "points": quantity * 100,
            "status": status,
            "reserved_at": NOON,
            "expires_at": NOON,
            "hold_id": f"hold{number}",
        }
        put(database, tables.claims, claim)

    assert _report(database)["report"]["claims"] == {
        "confirmed": {"claims": 2, "units": 5, "points": 500},
        "released": {"claims": 1, "units": 1, "points": 100},
    }


def test_campaigns_are_listed_in_pages(store: SqlStore, database: Database) -> None:
    """Each page starts after the last campaign of the one before; a state narrows the list."""

    def prepare(tx: Transaction) -> None:
        for id in ("cc", "aa", "bb"):
            tx.campaigns.add(campaign(id, state="paused" if id == "bb" else "launched"))

    store.run(prepare)

    with database.read() as connection:
        page = [row["id"] for row in list_campaigns(connection, limit=2)]
        rest = [row["id"] for row in list_campaigns(connection, after=page[-1], limit=2)]
        paused = [row["id"] for row in list_campaigns(connection, state="paused")]
    assert (page, rest, paused) == (["aa", "bb"], ["cc"], ["bb"])


def _report(database: Database) -> View:
    with database.read() as connection:
        found = campaign_report(connection, "spring")
    assert found is not None
    return found
