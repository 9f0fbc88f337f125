"""From the written list of steps to the nodes of a plan, finding what is wrong on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from loyalty.conditions import MEMBER
from loyalty.journeys.findings import Findings
from loyalty.journeys.message_places import Known
from loyalty.journeys.parts import Parts
from loyalty.journeys.plan import Arm, Await, Branch, End, Node, Split, Step, Wait
from loyalty.journeys.written import ArmIn, AwaitIn
from loyalty.journeys.yaml_tree import Path

STEPS_MAX = 100
KINDS = (
    "grant", "card", "coupon", "tag", "notify", "wait", "await", "branch", "split", "end",
)  # fmt: skip
_BESIDE = {"await": ("met", "missed"), "branch": ("then", "otherwise")}
_GOAL_FIELDS = ("on", "where", "count", "once_per", "reward", "almost", "undo")
_RESERVED = {"entry": "the decision to admit a member", "success": "the campaign's goal"}


@dataclass(frozen=True, slots=True)
class Written:
    """One step as it stands in a list: its kind, id and place."""

    kind: str
    id: str
    fields: dict[str, Any]
    path: Path

    @property
    def body(self) -> Any:
        return self.fields[self.kind]

    @property
    def at(self) -> Path:
        return (*self.path, self.kind)


@dataclass(slots=True)
class Walk:
    """Lists of steps, nested, become nodes that each name what comes next."""

    findings: Findings
    parts: Parts
    nodes: dict[str, Node] = field(default_factory=dict)
    _ids: dict[str, Path] = field(default_factory=dict)

    def steps(
        self, items: Any, path: Path, after: str | None, known: Known
    ) -> tuple[str | None, Known | None]:
        """Compile a list; its first id, and what is known behind it (none: nobody gets there)."""
        if not isinstance(items, list):
            self.findings.add(path, "not_a_list", "A list of steps is wanted here.")
            return after, known
        written = [w for i, item in enumerate(items) if (w := self._identify(item, (*path, i)))]
        if not written:
            return after, known
        nexts = [w.id for w in written[1:]] + [after]
        here: Known | None = known
        for step, following in zip(written, nexts, strict=True):
            if here is None:
                message = "No member can reach this step: the one before it ends every way."
                self.findings.add(step.path, "unreachable", message)
                here = known
            here = self._compile(step, following, here)
        return written[0].id, here

    def _identify(self, item: Any, path: Path) -> Written | None:
        if not isinstance(item, dict):
            message = "A step is written as `- kind: fields`."
            self.findings.add(path, "not_a_step", message, KINDS)
            return None
        kinds = [key for key in item if key in KINDS]
        if len(kinds) != 1:
            self._not_one_kind(item, kinds, path)
            return None
        kind = kinds[0]
        id = self._id(item, kind, path)
        self.findings.name_step(path, id)
        allowed = (kind, "id", *_BESIDE.get(kind, ()))
        for key in item.keys() - set(allowed):
            self.findings.unknown((*path, key), "field", key, allowed)
        return Written(kind, id, item, path)

    def _not_one_kind(self, item: dict[str, Any], kinds: list[str], path: Path) -> None:
        if kinds:
            message = f"One step does one thing; here stand {' and '.join(kinds)}."
            self.findings.add(path, "two_steps_in_one", message)
            return
        names = [key for key in item if key not in ("id", "met", "missed", "then", "otherwise")]
        self.findings.unknown(path, "step", names[0] if names else "", KINDS)

    def _id(self, item: dict[str, Any], kind: str, path: Path) -> str:
        given = item.get("id")
        id = str(given) if given is not None else _derived(kind, item[kind])
        if not self.parts.is_name(id, (*path, "id")):
            return id
        if id in _RESERVED:
            message = f"{id!r} is kept for {_RESERVED[id]}: choose another id."
            self.findings.add((*path, "id"), "reserved_id", message)
        elif id in self._ids:
            advice = "choose another id" if given is not None else "give one of them an `id`"
            message = f"Two steps would be called {id!r}: {advice}."
            self.findings.add(path, "same_id", message)
        if len(self._ids) == STEPS_MAX:
            self.findings.add(path, "too_many_steps", f"{STEPS_MAX} steps are allowed.")
        self._ids.setdefault(id, path)
        return id

    def _compile(self, step: Written, following: str | None, known: Known) -> Known | None:
        compilers: dict[str, Callable[[Written, str | None, Known], Known | None]] = {
            "wait": self._wait,
            "await": self._await,
            "branch": self._branch,
            "split": self._split,
            "end": self._end,
        }
        return compilers.get(step.kind, self._effect)(step, following, known)

    def _keep(self, step: Written, compiled: Step | None, following: str | None) -> None:
        # A step that could not be read has its problem noted; the plan is then never used.
        self.nodes[step.id] = Node(step=compiled or End(outcome="broken"), next=following)

    def _effect(self, step: Written, following: str | None, known: Known) -> Known:
        effect, after = self.parts.effect(step.kind, step.body, step.at, known)
        self._keep(step, effect, following)
        return after

    def _wait(self, step: Written, following: str | None, known: Known) -> Known:
        body = step.body
        if isinstance(body, dict) and "for" in body:
            body = {("after" if key == "for" else key): value for key, value in body.items()}
        elif isinstance(body, dict) and "until" in body and len(body) == 1:
            body = body["until"]
        moment = self.parts.moment(body, step.at)
        self._keep(step, Wait(until=moment) if moment else None, following)
        return known.after_wait()

    def _end(self, step: Written, following: str | None, known: Known) -> None:
        if self.parts.is_name(step.body, step.at):
            self._keep(step, End(outcome=step.body), None)

    def _branch(self, step: Written, following: str | None, known: Known) -> Known | None:
        condition = self.parts.condition(step.body, MEMBER, step.at)
        ways = [self._way(step, key, following, known) for key in ("then", "otherwise")]
        (then, after_then), (otherwise, after_otherwise) = ways
        if then is None and otherwise is None:
            self.findings.add(step.path, "empty_branch", "Neither `then` nor `otherwise` is here.")
        branch = Branch(condition=condition or "true", then=then, otherwise=otherwise)
        self._keep(step, branch, following)
        return _meet([after_then, after_otherwise])

    def _await(self, step: Written, following: str | None, known: Known) -> Known | None:
        wait = self._read_await(step, known)
        goals = wait.goals if wait else ()
        inside = replace(known, waiting=goals, goal=False)
        met, after_met = self._way(step, "met", following, inside)
        missed, after_missed = self._way(step, "missed", following, inside)
        update = {"met": met, "missed": missed}
        self._keep(step, wait.model_copy(update=update) if wait else None, following)
        meeting = _meet([after_met, after_missed])
        return meeting.after_wait() if meeting else None

    def _read_await(self, step: Written, known: Known) -> Await | None:
        body = step.body
        if not isinstance(body, dict):
            self.findings.add(step.at, "not_fields", "Fields are wanted here: on, within ...")
            return None
        single = "goals" not in body
        goal = {key: value for key, value in body.items() if key in _GOAL_FIELDS}
        rest = {key: value for key, value in body.items() if key not in goal}
        if not single and goal:
            message = f"With `goals`, {', '.join(goal)} stand inside each goal."
            self.findings.add(step.at, "goal_outside_goals", message)
        written = self.findings.read(AwaitIn, {"goals": [goal], **rest}, step.at)
        if written is None:
            return None
        places = [step.at] if single else [(*step.at, "goals", i) for i in range(10)]
        return self.parts.wait_for(written, places, step.at, known)

    def _split(self, step: Written, following: str | None, known: Known) -> Known | None:
        arms: list[Arm] = []
        ends: list[Known | None] = []
        items = step.body if isinstance(step.body, list) else []
        if not 2 <= len(items) <= 10:
            self.findings.add(step.at, "arms", "A list of two to ten arms is wanted here.")
        for i, item in enumerate(items):
            place = (*step.at, i)
            arm = self.findings.read(ArmIn, item, place)
            if arm is None:
                continue
            first, after = self.steps(arm.steps, (*place, "steps"), following, known)
            if arm.arm in {a.id for a in arms}:
                self.findings.add(place, "same_id", f"Two arms are called {arm.arm!r}.")
            first = first if arm.steps else None
            arms.append(Arm(id=arm.arm, weight=arm.weight, next=first))
            ends.append(after)
        self._keep(step, Split(arms=tuple(arms)) if len(arms) > 1 else None, following)
        return _meet(ends) if ends else known

    def _way(
        self, step: Written, key: str, following: str | None, known: Known
    ) -> tuple[str | None, Known | None]:
        items = step.fields.get(key)
        if not items:
            return None, known
        return self.steps(items, (*step.path, key), following, known)


def _derived(kind: str, body: Any) -> str:
    """The id of a step that names none: its kind, and the message, tag or outcome it is about."""
    if kind == "notify":
        message = body.get("message") if isinstance(body, dict) else body
        return f"notify_{message}" if isinstance(message, str) else kind
    return f"end_{body}" if kind == "end" and isinstance(body, str) else kind


def _meet(ways: list[Known | None]) -> Known | None:
    open_ways = [way for way in ways if way is not None]
    if not open_ways:
        return None
    known = open_ways[0]
    for way in open_ways[1:]:
        known = known.both(way)
    return known
