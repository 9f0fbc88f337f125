"""The programme's own rules, as an operator writes them into a file."""

import pytest
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
