"""A campaign's figures as an Excel workbook, made in memory.

Counts and codes alone: no member is in it. What people typed, such as the campaign's name, is
written as text and never as a formula or a link, whatever it begins with.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, cast
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.format import Format

from api.console.language import Language, Speech, speech_in
from api.console.words import said

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SAFE = {
    "in_memory": True,
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_LONGEST = 32_000  # characters of a cell, by Excel
Row = Sequence[Any]


def sheet(figures: Mapping[str, Any], language: str, zone: str) -> bytes:
    """The workbook of `loyalty/campaign_watch.py`'s figures; instants are written in `zone`."""
    file = BytesIO()
    book = Workbook(file, _SAFE)
    pages = _Pages(book, speech_in(cast(Language, language)), ZoneInfo(zone))
    pages.summary(figures)
    pages.funnel(figures)
    pages.days(figures)
    pages.messages(figures)
    pages.outcomes(figures)
    book.close()
    return file.getvalue()


class _Pages:
    def __init__(self, book: Workbook, speech: Speech, zone: ZoneInfo) -> None:
        self._book = book
        self._speech = speech
        self._zone = zone
        self._bold = book.add_format({"bold": True, "bottom": 1})
        self._formats: dict[type, Format] = {
            date: book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
            float: book.add_format({"num_format": "0.00%"}),
            int: book.add_format({"num_format": "#,##0"}),
        }

    def summary(self, figures: Mapping[str, Any]) -> None:
        _, points, lift = self._speech.gettext, figures["points"], figures["lift"]
        rows: list[Row] = [
            (_("Campaign"), figures["name"]),
            (_("State"), said(self._speech, "campaign", figures["state"])),
            (_("Counted at"), figures["at"]),
            (_("Time zone"), self._zone.key),
            (_("Launched"), figures["launched_at"]),
            (_("Entered"), figures["entered"]),
            (_("Under way"), figures["live"]),
            (_("Held out"), figures["held_out"]),
            (_("Points granted"), points["granted"]),
            (_("Points taken back"), points["taken_back"]),
            (_("Points reserved"), points["reserved"]),
            (_("Points budget"), points["budget"]),
            (_("Points left"), points["left"]),
            (_("Points a day"), points["per_day"]),
            (_("Budget used up on"), points["used_up_on"]),
        ]
        if lift is not None:
            rows += self._lift(lift)
        self._page(_("Summary"), (_("Figure"), _("Value")), rows)

    def _lift(self, lift: Mapping[str, Any]) -> list[Row]:
        _, none = self._speech.gettext, {"low": None, "high": None}
        always, fixed = lift["always"] or none, lift["fixed"] or none
        return [
            (_("Treated members"), lift["treated"]["members"]),
            (_("Treated who reached the goal"), lift["treated"]["met"]),
            (_("Goal rate of treated members"), lift["treated"]["rate"]),
            (_("Held-out members"), lift["holdout"]["members"]),
            (_("Held out who reached the goal"), lift["holdout"]["met"]),
            (_("Goal rate of held-out members"), lift["holdout"]["rate"]),
            (_("Difference"), lift["difference"]),
            (_("At least (95 %, at every look)"), always["low"]),
            (_("At most (95 %, at every look)"), always["high"]),
            (_("At least (95 %, one planned look)"), fixed["low"]),
            (_("At most (95 %, one planned look)"), fixed["high"]),
            (_("Verdict"), said(self._speech, "lift", lift["verdict"])),
        ]

    def funnel(self, figures: Mapping[str, Any]) -> None:
        _ = self._speech.gettext
        rows: list[Row] = []
        for each in figures["funnels"]:
            rows.append((each["version"], _("Entered"), "", each["entered"], None))
            for step in each["steps"]:
                kind = said(self._speech, "step", step["kind"])
                rows.append((each["version"], step["step"], kind, step["reached"], step["here"]))
                rows += [
                    (each["version"], f"{step['step']}: {place}", "", count, None)
                    for place, count in step["places"].items()
                ]
        heads = (_("Version"), _("Step"), _("Kind"), _("Reached"), _("There now"))
        self._page(_("Funnel"), heads, rows)

    def days(self, figures: Mapping[str, Any]) -> None:
        _ = self._speech.gettext
        channels = list(figures["messages"])
        named = [said(self._speech, "channel", channel) for channel in channels]
        rows = [
            (
                each["day"],
                each["granted_points"],
                each["taken_back_points"],
                *(sum(each["messages"].get(channel, {}).values()) for channel in channels),
            )
            for each in figures["days"]
        ]
        heads = (_("Day"), _("Points granted"), _("Points taken back"), *named)
        self._page(_("Days"), heads, rows)

    def messages(self, figures: Mapping[str, Any]) -> None:
        _, speech = self._speech.gettext, self._speech
        rows: list[Row] = [
            (said(speech, "channel", channel), said(speech, "message", status), "", count)
            for channel, fates in figures["messages"].items()
            for status, count in fates.items()
        ]
        rows += [
            (
                _("Held back"),
                said(speech, "message", each["status"]),
                said(speech, "contact_rule", each["rule"]),
                each["count"],
            )
            for each in figures["held_back"]
        ]
        self._page(_("Messages"), (_("Channel"), _("Status"), _("Rule"), _("Messages")), rows)

    def outcomes(self, figures: Mapping[str, Any]) -> None:
        _, speech = self._speech.gettext, self._speech
        rows: list[Row] = [
            (each["version"], said(speech, "outcome", outcome), count)
            for each in figures["funnels"]
            for outcome, count in each["outcomes"].items()
        ]
        rows += [
            (None, said(speech, "not_admitted", each["reason"]), each["count"])
            for each in figures["refused"]
        ]
        self._page(_("Outcomes"), (_("Version"), _("Outcome"), _("Runs")), rows)

    def _page(self, name: str, heads: Row, rows: Iterable[Row]) -> None:
        # constant_memory writes row by row: widths come first, rows in order.
        page = self._book.add_worksheet(name)
        page.set_column(0, 0, 34)
        page.set_column(1, len(heads), 24)
        page.freeze_panes(1, 0)
        for number, head in enumerate(heads):
            page.write_string(0, number, str(head), self._bold)
        for line, row in enumerate(rows, start=1):
            for number, value in enumerate(row):
                self._cell(page, line, number, value)

    def _cell(self, page: Any, line: int, number: int, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, datetime):
            local = value.astimezone(self._zone).replace(tzinfo=None)
            page.write_datetime(line, number, local, self._formats[datetime])
        elif isinstance(value, date):
            page.write_datetime(line, number, value, self._formats[date])
        elif isinstance(value, int | float):
            page.write_number(line, number, value, self._formats[type(value)])
        else:
            page.write_string(line, number, str(value)[:_LONGEST])
