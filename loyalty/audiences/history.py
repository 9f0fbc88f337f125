"""Members' facts with their history, for whatever judges conditions inside a transaction."""

from collections.abc import Iterable, Mapping, Sequence

from loyalty.audiences.asked import Asked, asked_by, keyed_facts
from loyalty.coming_expiry import balances_of
from loyalty.members import Member
from loyalty.ports import Transaction

_BY_DAYS = frozenset({"member.spend_within", "member.expiring_within"})


def history_facts(
    tx: Transaction, members: Sequence[Member], conditions: Iterable[str | None]
) -> Mapping[str, Mapping[str, object]]:
    """The facts that these conditions need beyond `member_facts`, for each member by id."""
    asked = asked_by(conditions)
    if not asked.names:
        return {member.id: {} for member in members}
    ids = [member.id for member in members]
    known = tx.members.history(ids, asked)
    expiry = balances_of(tx, members) if "member.expiring_within" in asked.names else {}
    facts: dict[str, Mapping[str, object]] = {}
    for id in ids:
        coming = expiry[id].next_expiry if id in expiry else []
        facts[id] = keyed_facts(asked, known[id], coming, tx.now)
    return facts


def with_history(
    tx: Transaction, member: Member, facts: Mapping[str, object], conditions: Iterable[str | None]
) -> Mapping[str, object]:
    """The member's facts, completed by what these conditions need and nobody looked up yet."""
    texts = [text for text in conditions if text]
    asked = asked_by(texts)
    if all(_answers(name, facts.get(name), asked) for name in asked.names):
        return facts
    return {**facts, **history_facts(tx, [member], texts)[member.id]}


def _answers(name: str, fact: object, asked: Asked) -> bool:
    if not isinstance(fact, dict):
        return fact is not None
    wanted = {str(days) for days in asked.windows} if name in _BY_DAYS else set(asked.keys)
    return fact.keys() >= wanted
