"""YAML as people mean it, with the line of every value.

YAML 1.1 reads `on` as yes, `10:00` as 600 and `2027-03-08` as a date. Here only true, false, null
and plain numbers are special; everything else is the text that stands there.
"""

import re
from typing import Any

import yaml

SIZE_MAX = 100_000  # characters: the shipped templates have under 6,000
DEPTH_MAX = 30

Path = tuple[str | int, ...]
# libyaml is ten times faster; PyYAML has it wherever it comes as a wheel.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(Exception):
    """The text is not YAML of the plain kind templates are written in."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def read_tree(text: str) -> tuple[Any, dict[Path, int]]:
    """The value of a YAML text, and the line on which each part of it stands."""
    if len(text) > SIZE_MAX:
        raise Unreadable(1, f"The file has {len(text)} characters; {SIZE_MAX} are allowed.")
    lines: dict[Path, int] = {}
    try:
        _plain(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        hint = "Put a text that holds ': ' or begins with % @ ` in quotes."
        raise Unreadable(line, f"This is not YAML: {error.problem}. {hint}") from None
    except yaml.YAMLError:
        raise Unreadable(1, "This is not YAML.") from None
    if node is None:
        raise Unreadable(1, "The file is empty.")
    return _value(node, (), lines), lines


def _plain(text: str) -> None:
    """Refuse what could eat the stack or the memory, before the parts are put together."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise Unreadable(line, "Aliases (*) and tags (!) are not used here.")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX:
            raise Unreadable(line, f"Parts stand more than {DEPTH_MAX} deep.")


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), lines) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise Unreadable(line, "A key must be a plain word.")
        key = key_node.value
        if key in result:
            raise Unreadable(line, f"{key!r} stands here twice.")
        lines[(*path, key)] = line
        result[key] = _value(value_node, (*path, key), lines)
    return result


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text: str = node.value
    if not isinstance(node, yaml.ScalarNode) or node.style:
        return text
    if text in ("", "null", "~"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,6}", text):
        return float(text)
    return text
