"""The condition engine's complaints, said the way a colleague would say them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from loyalty.near_miss import did_you_mean

KINDS = {
    "int": "a whole number",
    "uint": "a whole number",
    "double": "a number with decimals",
    "string": "a text",
    "bool": "a yes or no",
    "timestamp": "an instant",
    "google.protobuf.timestamp": "an instant",
    "duration": "a length of time",
    "google.protobuf.duration": "a length of time",
    "list": "a list",
    "map": "a table of texts",
    "null": "nothing",
    "null_type": "nothing",
}
FUNCTIONS = (
    "size", "has", "contains", "startsWith", "endsWith", "matches", "exists", "exists_one", "all",
    "map", "filter", "timestamp", "duration", "int", "string", "double", "getFullYear", "getMonth",
    "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
    "getSeconds",
)  # fmt: skip

_COMPLAINT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_WORDS_FOR_SIGNS = {"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!"}


@dataclass(frozen=True, slots=True)
class Fault:
    position: int  # the first character is 1
    reason: str


def explain_refusal(text: str, complaint: str, names: Iterable[str]) -> Fault:
    """The first thing wrong with `text`, from what the compiler said about it."""
    complaints = [
        (_position(text, int(found[1]), int(found[2])), found[3])
        for found in _COMPLAINT.finditer(complaint)
    ]
    if not complaints:
        return Fault(1, "The condition cannot be read.")
    # A misspelt function makes its loop variable unknown too: the function is the one to name.
    position, said = next(
        (one for one in complaints if text[one[0] - 1 : one[0]] == "(" and "undeclared" in one[1]),
        complaints[0],
    )
    unknown = re.match(r"undeclared reference to '([^']*)'", said)
    if unknown:
        return _unknown_name(text, position, unknown[1], tuple(names))
    mismatch = re.match(r"found no matching overload for '([^']*)' applied to '([^']*)'", said)
    if mismatch:
        return Fault(position, _wrong_kinds(mismatch[1], mismatch[2]))
    if said.startswith("Syntax error"):
        return _unreadable(text, position, said)
    return Fault(position, said.split(" (in container")[0].rstrip(".") + ".")


def explain_failure(said: str) -> str:
    """Why a good condition had no answer for these facts."""
    key = re.search(r'Key not found in map : "(.*)"', said)
    if key:
        return (
            f"the attribute {key[1]!r} is missing. Ask for it first: "
            f'"{key[1]}" in event.attributes && ...'
        )
    if "divide by zero" in said or "modulus by zero" in said:
        return "it divides by zero."
    if "overflow" in said:
        return "the number is too large."
    if "iteration" in said.lower():
        return "it goes through too many items."
    wrong = re.search(r"Unexpected value type for '([^']*)': (\w+)", said)
    if wrong:
        return f"{wrong[1]} came as {wrong[2]}."
    return said.split(": ", 1)[-1] + "."


def _position(text: str, line: int, column: int) -> int:
    before = text.split("\n")[: line - 1]
    return min(sum(len(part) + 1 for part in before) + column, len(text) + 1)


def _unknown_name(text: str, position: int, name: str, names: tuple[str, ...]) -> Fault:
    # The engine points at the last dot, or at a function's bracket; people look for the start.
    start = text.rfind(name, 0, position + len(name))
    at = start + 1 if start >= 0 else position
    if text[at - 1 + len(name) :].lstrip().startswith("("):
        return Fault(at, f"There is no function {name!r}." + did_you_mean(name, FUNCTIONS))
    if name in _WORDS_FOR_SIGNS:
        return Fault(at, f"Write {_WORDS_FOR_SIGNS[name]} instead of {name!r}.")
    prefix = [n for n in names if n.startswith(name + ".")]
    if prefix:
        return Fault(at, f"{name!r} alone means nothing: name what of it, as in {prefix[0]}.")
    return Fault(at, f"There is no {name!r} here." + did_you_mean(name, names))


def _wrong_kinds(function: str, kinds: str) -> str:
    named = [_kind(part) for part in re.split(r",\s*(?![^()]*\))", kinds.strip("()"))]
    operator = function.strip("_!") if re.search(r"\W", function.strip("_")) else function
    if function == "!_":
        return f"! turns a yes or no around, and this is {named[0]}."
    if function in ("_&&_", "_||_"):
        return f"{operator} joins two conditions; here stand {' and '.join(named)}."
    if function in ("@in", "_in_"):
        return f"'in' cannot look for {named[0]} in {named[1]}."
    if len(named) == 2 and operator != function:
        hint = (
            " Money is written in minor units, so 12.50 is 1250."
            if set(named) == {KINDS["int"], KINDS["double"]}
            else ""
        )
        return f"{operator} cannot take {named[0]} and {named[1]}.{hint}"
    return f"{function!r} cannot be used with {' and '.join(named)}."


def _kind(name: str) -> str:
    name = name.strip()
    return KINDS.get(name.split("(")[0].lower(), name)


def _unreadable(text: str, position: int, said: str) -> Fault:
    here = text[position - 1 :]
    before = re.search(r"\b(not|NOT)\s+$", text[: position - 1])
    if before:
        return Fault(before.start() + 1, f"Write ! instead of {before[1]!r}.")
    word = re.match(r"\w+", here)
    if word and word[0] in _WORDS_FOR_SIGNS:
        return Fault(position, f"Write {_WORDS_FOR_SIGNS[word[0]]} instead of {word[0]!r}.")
    if here.startswith("=") and not here.startswith("=="):
        return Fault(position, "Write == to compare two values.")
    if here[:1] in ("“", "”", "‘", "’", "「", "」"):
        return Fault(position, "Use straight quotation marks around a text.")
    if here[:1] in ('"', "'"):
        return Fault(position, "A quotation mark stands in the wrong place, or is missing.")
    if position > len(text.rstrip()) or "<EOF>' expecting {" in said:
        return Fault(position, "The condition ends too early.")
    return Fault(position, f"The condition cannot be read from {here[:20]!r} on.")
