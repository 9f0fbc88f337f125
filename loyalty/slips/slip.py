"""One ledger transaction as a slip that a clerk can read out: what moved, why, and from where."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from loyalty.earning.breakdown import Breakdown
from loyalty.ledger import AT_ONCE, UNDATED
from loyalty.slips.earned import earned
from loyalty.slips.paper import Paper, Row, Text


def slip(paper: Paper, found: Mapping[str, Any]) -> Iterator[Row]:
    """The slip, from what happened down to the balance."""
    yield Text(title(paper, found), "title")
    yield Text(found["key"], "key")
    yield Text(paper.line("member", member=found["member_id"], at=_at(paper, found["at"])))
    yield from (Text(line) for line in _around(paper, found))
    if breakdown := found["meta"].get("breakdown"):
        yield from earned(paper, Breakdown.from_json(breakdown))
    if "taken_before" in found["meta"]:
        yield from _taken_back(paper, found)
    yield from _lots(paper, found)
    yield from (Text(line) for line in _turned_out(paper, found))
    yield from (Text(line, "sum") for line in _after(paper, found))


def _taken_back(paper: Paper, found: Mapping[str, Any]) -> Iterator[Row]:
    """Of a return: what is kept earns, by the rules of the purchase, and what is left to take."""
    meta, still = found["meta"], 0
    if kept := meta.get("kept"):
        made = Breakdown.from_json(kept)
        still = made.points
        yield Text(paper.line("kept"), "head")
        yield from earned(paper, made)
    take = paper.line(
        "take",
        earned=f"{found['original']['points']:,}",
        kept=f"{still:,}",
        before=f"{meta['taken_before']:,}",
        points=f"{found['points']:,}",
    )
    yield Text(f"= {take}", "sum")


def title(paper: Paper, found: Mapping[str, Any]) -> str:
    kind, points = found["kind"], f"{found['points']:,}"
    if kind == "reverse":
        spent = (found["original"] or {}).get("kind") in ("burn", "confirm")
        kind = "given_back" if spent else "taken_back"
    if kind == "confirm" and not found["hold"]:
        kind = "burn"  # of an exchange: no till has to do with it
    words = paper.words.kinds.get(kind, f"{kind} {{points}}")
    return words.format(points=points, other=found["other_id"] or "")


def _around(paper: Paper, found: Mapping[str, Any]) -> Iterator[str]:
    """What led to it: the event, the campaign, the bill, the person behind a correction."""
    if event := found["event"]:
        yield from _event(paper, event)
    yield from _cause(paper, found)
    if hold := found["hold"]:
        yield from _hold(paper, hold, found["kind"])
    if original := found["original"]:
        yield paper.line(
            "original",
            key=original["key"],
            points=f"{original['points']:,}",
            at=_at(paper, original["at"]),
        )


def _event(paper: Paper, event: Mapping[str, Any]) -> Iterator[str]:
    amount = event["amount_minor"]
    yield paper.line(
        "happened",
        type=paper.name(event["type"]),
        id=event["event_id"],
        at=_at(paper, event["occurred_at"]),
        store=paper.line("store", store=event["store"]) if event["store"] else "",
        amount="" if amount is None else paper.words.comma + paper.money(amount),
    )
    if paid := int(event["body"].get("paid_with_points_minor", 0)):
        yield paper.line("paid_with_points", minor=paper.money(paid))
    if "cash_minor" in event["answer"] and amount is not None:
        cash = paper.money(event["answer"]["cash_minor"])
        yield paper.line("refund", amount=paper.money(amount), cash=cash)


def _cause(paper: Paper, found: Mapping[str, Any]) -> Iterator[str]:
    meta = found["meta"]
    if found["campaign_id"]:
        step = ""
        if "step" in meta:
            step = paper.line("step_of", step=meta["step"], reason=meta.get("reason", ""))
        name = found["campaign"] or found["campaign_id"]
        yield paper.line("campaign", campaign=f"{name} ({found['campaign_id']})", step=step)
    elif "approved_by" in meta:
        who = {name: meta.get(name, "") for name in ("reason", "proposed_by", "approved_by")}
        yield paper.line("adjusted", **who)
    elif "tier" in meta:
        yield paper.line("tier", tier=meta["tier"])


def _hold(paper: Paper, hold: Mapping[str, Any], kind: str) -> Iterator[str]:
    """What the points were set aside for, and what became of it: what was paid has its own bill."""
    worth, bill = paper.money(hold["worth_minor"]), paper.money(hold["bill_minor"])
    if hold["status"] == "confirmed":
        if kind == "hold":
            yield paper.line("worth", worth=worth)
        yield paper.line(
            "paid",
            points=f"{hold['confirmed_points']:,}",
            paid=paper.money(hold["confirmed_minor"]),
            bill=bill,
            id=hold["purchase_id"],
            at=_at(paper, hold["settled_at"]),
        )
        return
    yield paper.line("worth_of", worth=worth, bill=bill)
    if kind == "hold":
        ended = hold["settled_at"]
        yield paper.line(hold["status"], at=_at(paper, ended or hold["expires_at"]))


def _lots(paper: Paper, found: Mapping[str, Any]) -> Iterator[Row]:
    """Each lot with what went into or out of it; of a hold, what is set aside in it."""
    kind = found["kind"]
    figure = "held_delta" if kind in ("hold", "release") else "amount"
    moves = [move for move in found["moves"] if move[figure]]
    if not moves:
        return
    if figure == "held_delta":
        name = "lots_held"
    elif found["other_id"] or kind == "prolong":
        name = "lots_moved"
    elif kind in ("burn", "confirm"):
        name = "lots_out"
    else:
        name = "lots_in" if sum(move["amount"] for move in moves) > 0 else "lots_taken"
    yield Text(paper.line(name), "head")
    for move in sorted(moves, key=lambda move: str(move["expires_at"])):
        yield Text(_lot(paper, found, move, move[figure]))


def _lot(paper: Paper, found: Mapping[str, Any], move: Mapping[str, Any], amount: int) -> str:
    expires, since = _instant(move["expires_at"]), _instant(move["available_at"])
    waits = since > max(AT_ONCE, found["at"])
    source = paper.name(move["source"]) if found["other_id"] is None else move["member_id"]
    return paper.line(
        "lot",
        amount=f"{amount:+,}",
        source=source,
        expires=paper.line("never")
        if expires == UNDATED
        else paper.line("lapses", at=_at(paper, expires)),
        pending=paper.line("pending", at=_at(paper, since)) if waits else "",
    )


def _turned_out(paper: Paper, found: Mapping[str, Any]) -> Iterator[str]:
    """Debt, what lapsed at once, what was forgiven, and what was taken back since."""
    if taker := found["other_id"]:
        yield from _merged(paper, found, taker)
    elif found["debt_change"] < 0:
        yield paper.line("debt_repaid", points=f"{-found['debt_change']:,}")
    if found["debt_change"] > 0:
        yield paper.line("debt_made", points=f"{found['debt_change']:,}")
    if found["shortfall"]:
        yield paper.line("forgiven", points=f"{found['shortfall']:,}")
    if found["lapsed"]:
        was_earning = (found["original"] or {}).get("kind") in ("earn", "grant")
        name = "lapsed_before" if was_earning else "lapsed"
        yield paper.line(name, points=f"{found['lapsed']:,}")
    if found["meta"].get("fault") == "merchant":
        yield paper.line("merchant")
    for later in found["reversals"]:
        points, at = f"{later['points']:,}", _at(paper, later["at"])
        yield paper.line("later", points=points, key=later["key"], at=at)


def _merged(paper: Paper, found: Mapping[str, Any], taker: str) -> Iterator[str]:
    """The debt that went along, and what of the receiver's points paid for one at once."""
    if found["debt_change"]:
        yield paper.line("debt_moved", points=f"{-found['debt_change']:,}")
    paid = sum(-m["amount"] for m in found["moves"] if m["amount"] < 0 and m["member_id"] == taker)
    if paid:
        yield paper.line("debt_paid", points=f"{paid:,}", other=taker)


def _after(paper: Paper, found: Mapping[str, Any]) -> Iterator[str]:
    """What was there afterwards; of points that went to another member, with each of the two."""
    balance, taker = f"{found['balance_after']:,}", found["other_id"]
    if not taker:
        yield paper.line("after", balance=balance, available=f"{found['available_after']:,}")
        return
    yield paper.line("after_of", member=found["member_id"], balance=balance)
    for entry in [e for e in found["entries"] if e["account_id"] == f"member:{taker}"][-1:]:
        yield paper.line("after_of", member=taker, balance=f"{entry['balance']:,}")


def _instant(written: datetime | str) -> datetime:
    return datetime.fromisoformat(written) if isinstance(written, str) else written


def _at(paper: Paper, at: datetime) -> str:
    return f"{at.astimezone(paper.zone):%Y-%m-%d %H:%M}"
