"""Every kind of problem by its stable code."""

from api.http_problems import HTTP_PROBLEMS
from api.problem_kind import Kind
from api.rule_problems import RULE_PROBLEMS

KINDS: dict[str, Kind] = HTTP_PROBLEMS | RULE_PROBLEMS
