"""Numbers as people type them: money, percents, multipliers, figures with their thousands parted.

Only what anybody would write is read, and its digits are counted before it becomes a number:
`1e500000` is short to type and takes many seconds to write out.
"""

import re
from decimal import Decimal

from loyalty.events import MINOR_MAX

_PLAIN = re.compile(r"[+-]?(\d{1,13}(\.\d{0,15})?|\.\d{1,15})")
_PARTED = re.compile(r"[+-]?\d{1,3}([,，]\d{3})+(\.\d*)?")


def unparted(typed: object) -> str:
    """Without the commas that part thousands, as in `1,000.50`; others stay, to be refused: nobody
    can tell whether `1,5` is fifteen or one and a half.
    """
    text = str(typed).strip()
    return re.sub("[,，]", "", text) if _PARTED.fullmatch(text) else text


def typed_decimal(typed: object) -> Decimal | None:
    """A number such as `12.5`; none for anything else."""
    text = str(typed).strip()
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def typed_minor(typed: object, places: int) -> int | None:
    """An amount of money in minor units: `1,000.50` is 100050 where the currency has two places.

    None for what is no amount, is below 0, or is more than any receipt may say.
    """
    number = typed_decimal(unparted(typed))
    minor = None if number is None else number.scaleb(places)
    if minor is None or not 0 <= minor <= MINOR_MAX or minor != minor.to_integral_value():
        return None
    return int(minor)
