"""YAML as people mean it, with the place of every value.

YAML 1.1 reads `on` as yes, `10:00` as 600 and `2027-03-08` as a date. Here only true, false, null
and plain numbers are special; everything else is the text that stands there.
"""

import re
from typing import Any

import yaml

SIZE_MAX = 100_000  # characters: the shipped templates have under 6,000
DEPTH_MAX = 30

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, both counted from 1; the column is in characters."""
START: Place = (1, 1)
# libyaml is ten times faster; PyYAML has it wherever it comes as a wheel.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(Exception):
    """The text is not YAML of the plain kind templates are written in."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.line, self.column = place
        self.reason = reason


def read_tree(text: str) -> tuple[Any, dict[Path, Place]]:
    """The value of a YAML text, and where each part of it begins: a field at its name."""
    if len(text) > SIZE_MAX:
        raise Unreadable(START, f"The file has {len(text)} characters; {SIZE_MAX} are allowed.")
    places: dict[Path, Place] = {}
    try:
        _plain(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark or error.context_mark)
        hint = "Put a text that holds ': ' or begins with % @ ` in quotes."
        raise Unreadable(place, f"This is not YAML: {error.problem}. {hint}") from None
    except yaml.YAMLError:
        raise Unreadable(START, "This is not YAML.") from None
    if node is None:
        raise Unreadable(START, "The file is empty.")
    return _value(node, (), places), places


def _place(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else START


def _plain(text: str) -> None:
    """Refuse what could eat the stack or the memory, before the parts are put together."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        place = _place(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise Unreadable(place, "Aliases (*) and tags (!) are not used here.")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX:
            raise Unreadable(place, f"Parts stand more than {DEPTH_MAX} deep.")


def _value(node: yaml.Node, path: Path, places: dict[Path, Place]) -> Any:
    places.setdefault(path, _place(node.start_mark))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), places) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, places: dict[Path, Place]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = _place(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode):
            raise Unreadable(place, "A key must be a plain word.")
        key = key_node.value
        if key in result:
            raise Unreadable(place, f"{key!r} stands here twice.")
        places[(*path, key)] = place
        result[key] = _value(value_node, (*path, key), places)
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
