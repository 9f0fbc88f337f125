"""The programme's own rules, as an operator writes them into a file."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from loyalty.programme import Programme


@pytest.mark.parametrize("length", ["-P1D", "P400D", "P999999999D"])
@pytest.mark.parametrize("field", ["lateness", "contact.frequency_window", "contact.give_up_after"])
def test_a_length_that_nobody_means_is_found_at_start(field: str, length: str) -> None:
    """A slip of the pen is said to the operator; it neither silences members nor breaks dates."""
    outer, _, inner = field.rpartition(".")
    written = {outer: {inner: length}} if outer else {inner: length}

    with pytest.raises(ValidationError, match=field.replace(".", r"\.")):
        Programme.model_validate(written)


@pytest.mark.parametrize(
    ("field", "length"), [("frequency_window", "PT0S"), ("give_up_after", "P0D")]
)
def test_a_window_of_nothing_is_none(field: str, length: str) -> None:
    """Lateness may be none at all; a frequency window and patience may not."""
    assert not Programme.model_validate({"lateness": "PT0S"}).lateness

    with pytest.raises(ValidationError, match=field):
        Programme.model_validate({"contact": {field: length}})


def test_the_documented_file_is_the_default_whole() -> None:
    """Whoever copies the page has what they had before, and no key is missing from it."""
    page = (Path(__file__).parents[2] / "docs" / "programme.md").read_text()
    short, whole = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    assert Programme.model_validate(yaml.safe_load(short)).rewards[0].id == "soup"
    written = Programme.model_validate(yaml.safe_load(whole))
    assert written == Programme()
    assert _keys(yaml.safe_load(whole)) == _keys(Programme().model_dump())


def _keys(written: object) -> object:
    """Names alone, of settings and of the settings in them."""
    if not isinstance(written, dict):
        return None
    return {name: _keys(value) for name, value in written.items()}
