"""Every table of the product, in the order of a member's life.

Points are whole numbers, money is whole minor units, rates are basis points (10,000 = once),
instants are aware UTC. Rows that other programs rely on carry their key before they are written.
"""

from storage.schema.access import api_keys, audit
from storage.schema.campaigns import (
    campaign_days,
    campaign_versions,
    campaigns,
    decisions,
    enrolments,
    kept_templates,
    launch_requests,
    operator_commands,
    outbox,
    waits,
)
from storage.schema.core import Instant, Json, Serial, metadata
from storage.schema.earning import earning_counters, earning_rules
from storage.schema.events import cards, coupons, inbox
from storage.schema.exchange import claim_counts, claims, offers, refused_claims
from storage.schema.expiry import expiry_notices
from storage.schema.member_moves import adjustments, member_moves
from storage.schema.members import consents, members, unsubscribe_links
from storage.schema.messages import contact_verdicts, messages
from storage.schema.people import people, sessions, sign_in_links
from storage.schema.points import accounts, entries, holds, log_head, lots, transactions
from storage.schema.repairs import (
    refused_events,
    repair_items,
    repair_jobs,
    set_aside,
    verifications,
)
from storage.schema.sealing import checkpoints, log_pages
from storage.schema.templates import template_versions
from storage.schema.tiers import tier_history, tier_metric, tier_reviews
from storage.schema.till import till_holds, till_returns

__all__ = [
    "Instant",
    "Json",
    "Serial",
    "accounts",
    "adjustments",
    "api_keys",
    "audit",
    "campaign_days",
    "campaign_versions",
    "campaigns",
    "cards",
    "checkpoints",
    "claim_counts",
    "claims",
    "consents",
    "contact_verdicts",
    "coupons",
    "decisions",
    "earning_counters",
    "earning_rules",
    "enrolments",
    "entries",
    "expiry_notices",
    "holds",
    "inbox",
    "kept_templates",
    "launch_requests",
    "log_head",
    "log_pages",
    "lots",
    "member_moves",
    "members",
    "messages",
    "metadata",
    "offers",
    "operator_commands",
    "outbox",
    "people",
    "refused_claims",
    "refused_events",
    "repair_items",
    "repair_jobs",
    "sessions",
    "set_aside",
    "sign_in_links",
    "template_versions",
    "tier_history",
    "tier_metric",
    "tier_reviews",
    "till_holds",
    "till_returns",
    "transactions",
    "unsubscribe_links",
    "verifications",
    "waits",
]
