"""What a marketer's text may contain, checked before anything is launched.

Names, `if`, comparisons and a few filters: enough for every message, too little to loop, compute
or reach outside. Each problem says where it stands and what would be right.
"""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from delivery.presence import own_name, path_of, present_if, present_if_not
from delivery.render import (
    DATE_STYLES,
    MAX_SOURCE,
    CannotRender,
    environment,
    render,
)
from loyalty.message_context import Variable
from loyalty.near_miss import did_you_mean
from loyalty.templates import Problem

ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Filter,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
MAX_DEPTH = 20
"""Ifs within ifs: deeper than any text a person can read."""
FILTERS: dict[str, frozenset[str] | None] = {
    "points": frozenset({"points", "count"}),
    "date": frozenset({"date", "datetime"}),
    "time": frozenset({"datetime"}),
    "default": None,
    "upper": frozenset({"text"}),
    "lower": frozenset({"text"}),
    "trim": frozenset({"text"}),
}
"""Each filter, and the types of values it is for."""
NUMBERS = frozenset({"points", "count", "money"})
_ORDER = frozenset({"lt", "lteq", "gt", "gteq"})
_TOO_DEEP = "This is nested too deeply to be read."
_WORDS = {"For": "a loop", "Call": "a call", "Assign": "a setting", "Getitem": "square brackets"}


def check(
    source: str, variables: Iterable[Variable], *, file: str = "", field: str = "text"
) -> list[Problem]:
    """Everything wrong with one source (a subject or a text), in the order of its lines.

    `variables` are those its place in the journey declares; an empty list means it will render.
    """
    if len(source.encode()) > MAX_SOURCE:
        return [_problem(file, field, 1, "too_long", f"The limit is {MAX_SOURCE:,} bytes.")]
    try:
        tree = environment.parse(source)
    except TemplateSyntaxError as error:
        message = error.message or "This cannot be read."
        return [_problem(file, field, error.lineno, "syntax", message)]
    except (RecursionError, ValueError, MemoryError):
        return [_problem(file, field, 1, "too_deep", _TOO_DEEP)]
    declared = {v.name: v for v in variables}
    try:
        found = list(_TextCheck(declared, file, field).problems(tree))
    except RecursionError:
        return [_problem(file, field, 1, "too_deep", _TOO_DEEP)]
    return sorted(found, key=lambda p: p.line) or _trial(source, declared, file, field)


def _problem(
    file: str, field: str, line: int, code: str, message: str, allowed: Sequence[str] = ()
) -> Problem:
    return Problem(
        file=file, line=line, field=field, code=code, message=message, allowed=tuple(allowed)
    )


def _trial(source: str, declared: dict[str, Variable], file: str, field: str) -> list[Problem]:
    """Render with the example values, then once more with all that may be missing missing."""
    full = {name: v.example for name, v in declared.items()}
    bare = {name: None if v.optional else v.example for name, v in declared.items()}
    text = {"subject": "", "text": source}
    try:
        for values in (full, bare):
            for locale in ("en", "zh"):
                render(text, values, locale, ZoneInfo("UTC"))
    except (CannotRender, SyntaxError, RecursionError, MemoryError) as error:
        return [_problem(file, field, 1, "cannot_render", f"This does not render: {error}.")]
    return []


class _TextCheck:
    """One walk over a text; `known` are the optional names that an `if` has asked about."""

    def __init__(self, declared: dict[str, Variable], file: str, field: str) -> None:
        self._declared = declared
        self._file = file
        self._field = field

    def problems(
        self, node: nodes.Node, known: frozenset[str] = frozenset(), depth: int = 0
    ) -> Iterator[Problem]:
        if not isinstance(node, ALLOWED):
            what = _WORDS.get(type(node).__name__, type(node).__name__)
            yield self._at(node, "forbidden", f"{what} is not allowed in a text.")
        elif depth > MAX_DEPTH:
            yield self._at(node, "too_deep", _TOO_DEEP)
        elif isinstance(node, nodes.Name | nodes.Getattr):
            yield from self._name(node, known)
        elif isinstance(node, nodes.Filter):
            yield from self._filter(node, known, depth)
        elif isinstance(node, nodes.If | nodes.CondExpr | nodes.And | nodes.Or | nodes.Not):
            yield from self._logic(node, known, depth)
        elif isinstance(node, nodes.Compare):
            yield from self._compare(node, known, depth)
        else:
            for child in node.iter_child_nodes():
                yield from self.problems(child, known, depth + 1)

    def _at(
        self, node: nodes.Node, code: str, message: str, allowed: Sequence[str] = ()
    ) -> Problem:
        return _problem(self._file, self._field, node.lineno, code, message, allowed)

    def _name(self, node: nodes.Expr, known: frozenset[str]) -> Iterator[Problem]:
        path = path_of(node)
        variable = self._declared.get(path)
        if not path:
            yield self._at(node, "forbidden", "A dot may only follow a name.")
        elif variable is None:
            names = sorted(self._declared)
            message = f"There is no {path!r} here.{did_you_mean(path, names)}"
            yield self._at(node, "undefined", message, names)
        elif variable.optional and path not in known:
            message = f"{path!r} may be empty: ask with {{% if {path} %}} first, or give a default."
            yield self._at(node, "may_be_empty", message)

    def _asked(self, node: nodes.Node, known: frozenset[str], depth: int) -> Iterator[Problem]:
        """A condition: asking whether an optional value is there needs no other asking."""
        yield from self.problems(node, known | own_name(node), depth + 1)

    def _logic(self, node: nodes.Node, known: frozenset[str], depth: int) -> Iterator[Problem]:
        if isinstance(node, nodes.If):
            yield from self._if(node, known, depth)
        elif isinstance(node, nodes.CondExpr):
            yield from self._choice(node, known, depth)
        elif isinstance(node, nodes.And):
            yield from self._asked(node.left, known, depth)
            yield from self._asked(node.right, known | present_if(node.left), depth)
        else:
            for child in node.iter_child_nodes():
                yield from self._asked(child, known, depth)

    def _if(self, node: nodes.If, known: frozenset[str], depth: int) -> Iterator[Problem]:
        yield from self._asked(node.test, known, depth)
        for child in node.body:
            yield from self.problems(child, known | present_if(node.test), depth + 1)
        known |= present_if_not(node.test)
        for child in (*node.elif_, *node.else_):
            yield from self.problems(child, known, depth + 1)

    def _choice(self, node: nodes.CondExpr, known: frozenset[str], depth: int) -> Iterator[Problem]:
        yield from self._asked(node.test, known, depth)
        yield from self.problems(node.expr1, known | present_if(node.test), depth + 1)
        if node.expr2 is None:
            yield self._at(node, "forbidden", "An `if` in one line needs its `else`.")
        else:
            otherwise = known | present_if_not(node.test)
            yield from self.problems(node.expr2, otherwise, depth + 1)

    def _compare(self, node: nodes.Compare, known: frozenset[str], depth: int) -> Iterator[Problem]:
        operands = [node.expr, *(o.expr for o in node.ops)]
        ordered = any(o.op in _ORDER for o in node.ops)
        if any(o.op in ("in", "notin") for o in node.ops):
            yield self._at(node, "forbidden", "`in` is not allowed in a text.")
        for operand in operands:
            if ordered and not self._is_number(operand):
                yield self._at(node, "wrong_type", "Only numbers can be more or less.")
            same = frozenset() if ordered else own_name(operand)
            yield from self.problems(operand, known | same, depth + 1)

    def _is_number(self, node: nodes.Expr) -> bool:
        if isinstance(node, nodes.Const):
            return isinstance(node.value, int | float) and not isinstance(node.value, bool)
        variable = self._declared.get(path_of(node))
        return variable is None or variable.type in NUMBERS  # an unknown name has its own problem

    def _filter(self, node: nodes.Filter, known: frozenset[str], depth: int) -> Iterator[Problem]:
        value = node.node
        if node.name not in FILTERS or value is None:
            message = f"There is no filter {node.name!r}.{did_you_mean(node.name, FILTERS)}"
            yield self._at(node, "unknown_filter", message, sorted(FILTERS))
            return
        if problem := self._arguments(node):
            yield problem
        variable = self._declared.get(path_of(value))
        kind = variable.type if variable else "text" if isinstance(value, nodes.Filter) else None
        types = FILTERS[node.name]
        if kind and types and kind not in types:
            message = f"The filter {node.name!r} is not for {kind} values."
            yield self._at(node, "wrong_type", message)
        has_default = own_name(value) if node.name == "default" else frozenset()
        yield from self.problems(value, known | has_default, depth + 1)

    def _arguments(self, node: nodes.Filter) -> Problem | None:
        """`default` takes one constant, `date` may take a style, the others nothing."""
        given = [a.value if isinstance(a, nodes.Const) else None for a in node.args]
        other = bool(node.kwargs or node.dyn_args or node.dyn_kwargs)
        if node.name == "default":
            right = len(given) == 1 and isinstance(given[0], str)
            if right and not other:
                return None
            return self._at(node, "arguments", "`default` takes one text in quotes.")
        if node.name == "date":
            if not other and (not given or given[0] in DATE_STYLES) and len(given) <= 1:
                return None
            message = "`date` takes no argument but its style."
            return self._at(node, "arguments", message, DATE_STYLES)
        if given or other:
            return self._at(node, "arguments", f"{node.name!r} takes no arguments.")
        return None
