"""Campaigns and their immutable versions; the budget is two counters moved by conditional updates.

The counters have statements of their own, so that saving what a turn decided can never put back a
figure that another transaction has moved since.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from loyalty.errors import Unknown, WrongState
from loyalty.journeys.plan import Plan
from loyalty.records import Campaign, LaunchRequest, Version
from loyalty.templates import Template
from storage import tables
from storage.open_campaigns import OpenCampaigns
from storage.rows import AddUp, InsertOnce, Shape, Upsert

_table = tables.campaigns
_versions = tables.campaign_versions
SHAPE = Shape(Campaign, _table)
_version_shape = Shape(Version, _versions)
_BUDGET = ("granted_points", "reserved_points")
_PLAN = _version_shape.names.index("plan")

_GET = select(*SHAPE.columns).where(_table.c.id == bindparam("campaign"))
_LOCK = _GET.with_for_update()
# A paused campaign still admits by event: whoever enters is held at the gate, and nobody is lost.
_ADD = insert(_table)
_SAVE = update(_table).where(_table.c.id == bindparam("campaign"))
_RESERVE = (
    update(_table)
    .where(
        _table.c.id == bindparam("campaign"),
        or_(
            _table.c.budget_points.is_(None),
            _table.c.granted_points + _table.c.reserved_points + bindparam("points")
            <= _table.c.budget_points,
        ),
    )
    .values(reserved_points=_table.c.reserved_points + bindparam("points"))
)
_SPEND = (
    update(_table)
    .where(_table.c.id == bindparam("campaign"))
    .values(
        granted_points=_table.c.granted_points + bindparam("granted"),
        reserved_points=_table.c.reserved_points + bindparam("reserved"),
    )
)
_VERSION = select(*_version_shape.columns).where(
    _versions.c.campaign_id == bindparam("campaign"),
    _versions.c.version == bindparam("number"),
)
_ADD_VERSION = InsertOnce(_versions)
_NUMBERS = (
    select(_versions.c.version)
    .where(_versions.c.campaign_id == bindparam("campaign"))
    .order_by(_versions.c.version.desc())
)
_kept = tables.kept_templates
_KEEP = InsertOnce(_kept)
_KEPT = select(_kept.c.template).where(_kept.c.hash == bindparam("hash"))
_requests = tables.launch_requests
_request_shape = Shape(LaunchRequest, _requests)
_REQUEST = select(*_request_shape.columns).where(_requests.c.campaign_id == bindparam("campaign"))
_SAVE_REQUEST = Upsert(_requests)
_GIVE = AddUp(tables.campaign_days)

VersionCache = MutableMapping[tuple[str, int], Version]
"""Committed versions by campaign and number; they never change, so they never go stale."""


class Seen:
    """Campaigns as one database transaction sees them, and which of them an event type opens."""

    def __init__(self, opened: OpenCampaigns) -> None:
        self.opened = opened
        self.campaigns: dict[str, Campaign | None] = {}
        self.entrances: dict[str, Sequence[tuple[Campaign, Version]]] = {}

    def forget(self) -> None:
        """Look again: one of them was changed."""
        self.opened.forget()
        self.campaigns.clear()
        self.entrances.clear()


_CACHE_LIMIT = 512


class SqlCampaigns:
    def __init__(
        self,
        connection: Connection,
        cache: VersionCache,
        seen: Seen,
        looking: Connection,
        today: date,
    ) -> None:
        self._today = today.isoformat()
        self._connection = connection
        self._looking = looking
        self._cache = cache
        self._seen = seen
        self._mine: set[tuple[str, int]] = set()  # not committed yet, so not for the cache

    def get(self, campaign_id: str) -> Campaign | None:
        """As it was when this transaction first looked, unless it changed it since."""
        known = self._seen.campaigns
        if campaign_id in known:
            return known[campaign_id]
        row = self._looking.execute(_GET, {"campaign": campaign_id}).one_or_none()
        known[campaign_id] = found = Campaign(*row) if row else None
        return found

    def lock(self, campaign_id: str) -> Campaign:
        row = self._connection.execute(_LOCK, {"campaign": campaign_id}).one_or_none()
        if row is None:
            raise Unknown("campaign", campaign_id)
        return Campaign(*row)

    def add(self, campaign: Campaign) -> None:
        self._seen.forget()
        self._connection.execute(_ADD, _values(campaign))

    def save(self, campaign: Campaign) -> None:
        """State, version, position, turn, wake_at and budget limit; never the budget counters."""
        self._seen.forget()
        values = _values(campaign)
        for name in _BUDGET:
            del values[name]
        self._connection.execute(_SAVE, values | {"campaign": values.pop("id")})

    def add_version(self, version: Version) -> None:
        """Record a version; one that is there is never written over."""
        row = _version_shape.values(version) | {
            "body": dict(version.body),
            "plan": version.plan.model_dump(mode="json"),
            "messages": dict(version.messages),
        }
        if not _ADD_VERSION(self._connection, row):
            raise WrongState(
                f"Version {version.version} of campaign {version.campaign_id!r} is there already "
                "and versions never change: make the next one.",
                campaign=version.campaign_id,
                version=version.version,
            )
        self._mine.add((version.campaign_id, version.version))

    def version(self, campaign_id: str, version: int) -> Version:
        key = (campaign_id, version)
        if key not in self._mine and (known := self._cache.get(key)) is not None:
            return known
        found = version_of(self._looking, campaign_id, version)
        if key not in self._mine:
            if len(self._cache) >= _CACHE_LIMIT:
                self._cache.clear()
            self._cache[key] = found
        return found

    def versions(self, campaign_id: str) -> Sequence[Version]:
        """All of a campaign, newest first."""
        numbers = self._connection.execute(_NUMBERS, {"campaign": campaign_id}).scalars().all()
        return [self.version(campaign_id, number) for number in numbers]

    def keep_template(self, template: Template) -> None:
        """Put a template on record as a version is made of it; once for each content."""
        row = {"hash": template.hash, "template": template.model_dump_json()}
        _KEEP(self._connection, row)

    def kept_template(self, hash: str) -> Template:
        """By its content; raises Unknown."""
        found = self._connection.execute(_KEPT, {"hash": hash}).scalar_one_or_none()
        if found is None:
            raise Unknown("template", hash)
        return Template.model_validate_json(found)

    def remove(self, campaign_id: str) -> None:
        """Forget a draft and its request. Its versions stay: every process may know them by heart,
        so their numbers are never given to others.
        """
        self._seen.forget()
        self.drop_launch_request(campaign_id)
        self._connection.execute(delete(_table).where(_table.c.id == campaign_id))

    def launch_request(self, campaign_id: str) -> LaunchRequest | None:
        row = self._connection.execute(_REQUEST, {"campaign": campaign_id}).one_or_none()
        return LaunchRequest(*row) if row else None

    def save_launch_request(self, request: LaunchRequest) -> None:
        """In place of an earlier one."""
        _SAVE_REQUEST(self._connection, _request_shape.values(request))

    def drop_launch_request(self, campaign_id: str) -> None:
        self._connection.execute(delete(_requests).where(_requests.c.campaign_id == campaign_id))

    def entered_by(self, event_type: str) -> Sequence[tuple[Campaign, Version]]:
        """Launched or paused campaigns whose entry is this event type."""
        if (known := self._seen.entrances.get(event_type)) is not None:
            return known
        pairs = [(each, self.version(each.id, each.version)) for each in self._seen.opened.all()]
        found = [pair for pair in pairs if _entry_event(pair[1].body) == event_type]
        self._seen.entrances[event_type] = found
        return found

    def reserve(self, campaign_id: str, points: int) -> bool:
        """Take room in the budget; false when it does not fit (one conditional update)."""
        self._seen.campaigns.pop(campaign_id, None)
        parameters = {"campaign": campaign_id, "points": points}
        return self._connection.execute(_RESERVE, parameters).rowcount == 1

    def spend(self, campaign_id: str, *, granted: int, reserved: int) -> None:
        """Move the counters by these deltas."""
        self._seen.campaigns.pop(campaign_id, None)
        deltas = {"campaign": campaign_id, "granted": granted, "reserved": reserved}
        self._connection.execute(_SPEND, deltas)
        if granted:
            _GIVE(
                self._connection,
                {
                    "campaign_id": campaign_id,
                    "day": self._today,
                    "granted_points": max(granted, 0),
                    "taken_back_points": max(-granted, 0),
                },
            )


def version_of(connection: Connection, campaign_id: str, version: int) -> Version:
    """A version as it is stored; raises Unknown."""
    parameters = {"campaign": campaign_id, "number": version}
    row = connection.execute(_VERSION, parameters).one_or_none()
    if row is None:
        raise Unknown("campaign version", f"{campaign_id}/{version}")
    plan = Plan.model_validate(row[_PLAN])
    fields: tuple[Any, ...] = (*row[:_PLAN], plan, *row[_PLAN + 1 :])
    return Version(*fields)


def _values(campaign: Campaign) -> dict[str, Any]:
    return SHAPE.values(campaign) | {"position": dict(campaign.position)}


def _entry_event(body: Mapping[str, Any]) -> str | None:
    event: str | None = (body.get("enter") or {}).get("on")
    return event
