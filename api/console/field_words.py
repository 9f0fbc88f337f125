"""What is wrong with a field, by the finding's code; the API says the English ones."""

from api.console.marks import N_

FIELD_WORDS = {
    "missing": N_("is needed"),
    "extra_forbidden": N_("is not known here; nothing is taken silently"),
    "timezone_aware": N_("needs its offset from UTC, as in 2026-10-03T10:15:00+08:00"),
    "datetime_from_date_parsing": N_("must be an instant, as in 2026-10-03T10:15:00+08:00"),
    "datetime_parsing": N_("must be an instant, as in 2026-10-03T10:15:00+08:00"),
    "datetime_type": N_("must be an instant, as in 2026-10-03T10:15:00+08:00"),
    "int_from_float": N_("must be a whole number"),
    "int_parsing": N_("must be a whole number"),
    "int_type": N_("must be a whole number"),
    "bool_parsing": N_("must be true or false"),
    "bool_type": N_("must be true or false"),
    "string_type": N_("must be a text"),
    "string_pattern_mismatch": N_("must be %(form)s"),
    "string_too_short": N_("must have at least %(min_length)s characters"),
    "string_too_long": N_("must have at most %(max_length)s characters"),
    "too_short": N_("must have at least %(min_length)s"),
    "too_long": N_("must have at most %(max_length)s"),
    "greater_than_equal": N_("must be %(ge)s or more"),
    "less_than_equal": N_("must be %(le)s or less"),
    "literal_error": N_("must be one of: %(expected)s"),
    "list_type": N_("must be a list"),
    "tuple_type": N_("must be a list"),
    "dict_type": N_("must be an object with names and values"),
    "model_attributes_type": N_("must be an object with names and values"),
    "model_type": N_("must be an object with names and values"),
}
