"""How ids, days and the like are written, in words: nobody reads a regular expression at a till."""

FORMS = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$": "letters, digits, and _ . - after the first, 48 at most, "
    "as in m-1001",
    r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$": "letters, digits, and . _ : - after the first, 64 at "
    "most, as in till-12",
    r"^[A-Za-z0-9][A-Za-z0-9._:-]*(/(\.{0,2}[A-Za-z0-9_:-]|\.{3})[A-Za-z0-9._:-]*)*$": "letters, "
    "digits, and . _ : / - after the first, nothing empty and no . or .. between slashes, as in "
    "2026-10-03/000481",
    r"^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$": "letters, digits, and . _ ~ : - after the first, 128 "
    "at most, as in web-000123",
    r"^[a-z0-9][a-z0-9-]{0,47}$": "small letters, digits and hyphens, 48 at most, as in "
    "spring-2026",
    r"^[a-z][a-z0-9_]{0,47}$": "small letters, digits and _, a letter first, 48 at most, as in "
    "first_order",
    r"^[a-z][a-z0-9_-]{0,47}$": "small letters, digits, _ and hyphens, a letter first, 48 at most, "
    "as in double-fresh",
    r"^[a-z][a-z0-9_.]{0,63}$": "small letters, digits, _ and dots, a letter first, 64 at most, as "
    "in check_in",
    r"^[a-z_]{1,32}$": "small letters and _, 32 at most, as in online",
    r"^[A-Za-z0-9][A-Za-z0-9-]{2,47}$": "letters, digits and hyphens, 3 to 48, as in C-0001",
    r"^\+?[ ()-]*([0-9][ ()-]*){5,}$": "five digits or more, with spaces, brackets and hyphens "
    "between them, as in +86 138 0013 8000",
    r'^[^@\s,;:<>()\[\]\\"\x00-\x1f\x7f]+@[^@\s,;:<>()\[\]\\"\x00-\x1f\x7f]+$': "an e-mail "
    "address, as in lee@example.com",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "a day, as in 1990-12-31",
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of day, as in 09:30",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "a time of day, as in 09:30",
    r"^\d{2}:\d{2}$": "a time of day, as in 09:30",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$": "letters, digits, and . _ - after the first, 64 at most",
    r"^[A-Za-z0-9+/_=-]*$": "base64",
    r"^[a-z_]+(\.[a-z_]*)?$": "small letters and _, with at most one dot, as in campaign.launch",
    r"^person-[0-9a-f]{8}$": "person- and eight of 0 to 9 and a to f, as lists show it",
    r"^[A-Z]{3}$": "three capital letters, as in CNY",
    r"^[A-Z]{2}$": "two capital letters, as in CN",
    r"^[^\x00-\x1f\x7f]+$": "one line of text",
    r"^[^\x00-\x1f\x7f]*$": "one line of text",
}


def in_words(pattern: str) -> str:
    """What a pattern asks for; a pattern without words is shown as it is."""
    return FORMS.get(pattern, pattern)
