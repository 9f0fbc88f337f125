"""Lengths and moments of a journey, as its picture says them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.journeys.picture_words import PictureWords
from loyalty.journeys.plan import Moment
from loyalty.timing import Length


def said_moment(moment: Moment, words: PictureWords, zone: ZoneInfo) -> str:
    """When something comes, counted from the step before it."""
    says = words.says
    minus = moment.minus
    if moment.after is not None:
        after = moment.after
        if minus is not None and _in_days(after, minus):
            after, minus = Length(days=after.days - minus.days), None
        said = says["after"].format(length=said_length(after, words))
    elif moment.at is not None:
        said = said_instant(moment.at, zone)
    elif moment.end_of is not None:
        said = says[f"end_of_{moment.end_of}"]
    else:
        return says["next_time"].format(time=moment.local_time)
    if minus is not None:
        said = says["minus"].format(length=said_length(minus, words), moment=said)
    if moment.local_time is not None:
        said = says["local_time"].format(moment=said, time=moment.local_time)
    return said


def said_instant(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def said_length(length: Length, words: PictureWords) -> str:
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    figures = {"months": length.months, "days": length.days, "hours": hours,
               "minutes": minutes, "seconds": seconds}  # fmt: skip
    parts = [
        f"{figure}{words.space}{words.lengths[unit][figure != 1]}"
        for unit, figure in figures.items()
        if figure
    ]
    return " ".join(parts) or f"0{words.space}{words.lengths['days'][1]}"


def _in_days(after: Length, minus: Length) -> bool:
    """Whether "2 days before 7 days later" may be said as "5 days later"."""
    months = after.months or minus.months or after.seconds or minus.seconds
    return not months and after.days >= minus.days
