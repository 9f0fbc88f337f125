"""Who may do what: the four roles, and what each of them may do. The only table of rights.

A key is a program's or a person's name in the audit trail, so it carries one role and no more.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Role = Literal["integrator", "marketer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

Permission = Literal[
    "record",
    "find",
    "read_members",
    "change_members",
    "change_details",
    "set_consents",
    "stop_list",
    "set_tier",
    "redeem",
    "gift",
    "merge_members",
    "erase_members",
    "adjust",
    "read_campaigns",
    "change_campaigns",
    "approve_launch",
    "hold_campaigns",
    "enrol",
    "explain",
    "read_runs",
    "operate_runs",
    "read_ledger",
    "read_messages",
    "resend",
    "read_audit",
    "read_health",
    "codec",
    "manage_people",
]

_GRANTED: dict[Permission, tuple[Role, ...]] = {
    # Tills, shops and apps: what members did, and what members see of it.
    "record": ("integrator",),
    "change_members": ("integrator",),
    "redeem": ("integrator",),
    # A new address, "no e-mails", "never write to me again": they reach the shop's app, or who
    # answers the telephone.
    "change_details": ("integrator", "operator"),
    "set_consents": ("integrator", "operator"),
    "stop_list": ("integrator", "operator"),
    # A paid level is sold at the till or in the app; a favour is an operator's.
    "set_tier": ("integrator", "operator"),
    "gift": ("integrator",),
    # Acts on whole members and on balances by hand: a person answers for each of them.
    "merge_members": ("operator",),
    "erase_members": ("operator",),
    "adjust": ("operator",),
    # A phone number answered with a person: for people who are asked by one, not for programs.
    "find": ("marketer", "operator"),
    "read_members": ("integrator", "marketer", "operator"),
    # Campaigns. Holding one back is also an operator's act: it is what stops the damage.
    "read_campaigns": ("integrator", "marketer", "operator"),
    "change_campaigns": ("marketer",),
    # Where launching takes two people, the second of them.
    "approve_launch": ("marketer",),
    "hold_campaigns": ("marketer", "operator"),
    "enrol": ("integrator", "marketer"),
    "explain": ("marketer", "operator"),
    # Runs: marketers may look, operators may act.
    "read_runs": ("marketer", "operator"),
    "operate_runs": ("operator",),
    "read_ledger": ("integrator", "marketer", "operator"),
    "read_messages": ("marketer", "operator"),
    "resend": ("operator",),
    "read_audit": ("operator",),
    "read_health": ("operator",),
    "codec": ("operator",),
    # Who may sign in, and as what.
    "manage_people": (),
}


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """Every role that holds the permission; an admin holds all of them."""
    return (*_GRANTED[permission], "admin")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: never the secret, only enough to recognise it."""

    id: str
    name: str
    role: Role
    prefix: str
    created_at: datetime
    revoked_at: datetime | None = None


def write_token(prefix: str, secret: str) -> str:
    """The text its owner keeps; the prefix tells keys apart without giving any away."""
    return f"mp_{prefix}_{secret}"


def fingerprint(token: str) -> str:
    """What the database keeps of a token.

    A fast hash is right: the secret has 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(token.encode()).hexdigest()
