"""What one kind of problem is: its status, its title, and what to do, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: Mapping[str, str]
    help: Mapping[str, str]
