"""What a message may say: every name a text can use, its type and an example value.

The one table behind three things: the check that a text names nothing undefined, the preview, and
the variables that the journey freezes when it queues a message. Names are dotted; the part before
the last dot is a group that is filled as a whole. The renderer formats by type and by the reader's
language: a `date` as that language writes dates, `points` with its thousands marks.

Which groups a message has depends on where it stands, see `journeys/message_places.py`.
"""

from typing import Any, Literal

from loyalty.journeys.plan import Model

VariableType = Literal[
    "text",  # shown as it is
    "points",  # whole number of points
    "count",  # whole number of anything else
    "money",  # whole minor units of the programme's currency
    "percent",  # text such as 10%
    "multiplier",  # text such as 2 or 1.5
    "date",  # an instant of which the day matters, ISO 8601
    "datetime",  # an instant of which the minute matters, ISO 8601
    "yes_no",
]


class Variable(Model):
    """One name a message may use."""

    name: str
    type: VariableType
    example: Any
    optional: bool = False  # may be empty (none): the text asks with {% if %} before naming it
    meaning: str


def _of(name: str, type: VariableType, example: Any, meaning: str, **more: bool) -> Variable:
    return Variable(name=name, type=type, example=example, meaning=meaning, **more)


ALWAYS: tuple[Variable, ...] = (
    _of("programme.name", "text", "Milepost", "the programme"),
    _of("programme.currency", "text", "CNY", "its currency"),
    _of("campaign.name", "text", "Welcome, spring", "the campaign, as the marketer named it"),
    _of("member.first_name", "text", "Lee", "the reader's first name", optional=True),
    _of("member.tier", "text", "gold", "the reader's tier"),
    _of("points.available", "points", 1250, "points the reader can spend now"),
    _of("points.expiring", "points", 1000, "points that lapse within thirty days, or 0"),
    _of(
        "points.expiring_on", "date", "2027-03-31T15:59:59Z",
        "the last day on which the first of them can be used", optional=True,
    ),
    _of(
        "reward.name", "text", "a soup set",
        "the dearest reward the reader's available points buy", optional=True,
    ),
    _of("reward.points", "points", 800, "its price, 0 when there is none"),
)  # fmt: skip
"""In every message."""

STEP: tuple[Variable, ...] = (
    _of("step.points", "points", 500, "points of the journey's last grant before this message"),
)
"""After a grant; in a goal's reward, after the grant beside it."""

CARD: tuple[Variable, ...] = (
    _of("card.multiplier", "multiplier", "2", "how many times the points of a purchase"),
    _of("card.ends_on", "datetime", "2027-03-08T02:00:00Z", "when the journey's last card ends"),
)
"""After a card."""

WAIT: tuple[Variable, ...] = (
    _of("wait.ends_on", "datetime", "2027-03-31T16:00:00Z", "the deadline of the wait"),
)
"""In reminders, in `almost`, in rewards, and in the steps under `met` and `missed`."""

WAIT_GOAL: tuple[Variable, ...] = (
    _of("wait.count", "count", 2, "how often the member did it so far"),
    _of("wait.needed", "count", 3, "how often it takes"),
    _of("wait.missing", "count", 1, "how often it still takes"),
)
"""Where one goal is meant: in its `almost` and its reward, or when the wait has only one goal."""

OFFER: tuple[Variable, ...] = (
    _of("offer.title", "text", "Coffee cup", "what can be exchanged, in the reader's language"),
    _of("offer.points", "points", 1500, "its price in points"),
    _of("offer.remaining", "count", 100, "how many are left"),
    _of("offer.per_member", "count", 1, "how many one member may take"),
    _of("offer.opens_on", "datetime", "2027-03-08T02:00:00Z", "when the exchange opens"),
    _of("offer.closes_on", "datetime", "2027-03-10T14:00:00Z", "when it closes"),
)
"""In every message of a campaign with an exchange."""


def goal_variables(goal: str, needed: int) -> tuple[Variable, ...]:
    """`goals.<id>.count|needed|missing`: every goal of the wait, in its messages."""
    return (
        _of(f"goals.{goal}.count", "count", max(needed - 1, 0), f"how often {goal} so far"),
        _of(f"goals.{goal}.needed", "count", needed, f"how often {goal} takes"),
        _of(f"goals.{goal}.missing", "count", min(needed, 1), f"how often {goal} still takes"),
    )


def shown(type: VariableType, value: Any) -> Any:
    """A parameter's value as a message row keeps it: it says its type where languages differ."""
    differs = type in ("money", "date", "datetime")
    return {"type": type, "value": value} if differs else value


def examples(variables: tuple[Variable, ...]) -> dict[str, Any]:
    """The example values as a message sees them: nested by the dots of their names."""
    return nested({v.name: v.example for v in variables})


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """`{"points.available": 1}` as `{"points": {"available": 1}}`."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return tree
