"""A journey as a picture, drawn from its plan and never by hand.

The same campaign always gives the same picture; it has the words of every language, so that one
layout serves them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from zoneinfo import ZoneInfo

from loyalty.journeys.compile import compile_example
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.moments import in_order
from loyalty.journeys.picture_labels import Labels, Said
from loyalty.journeys.picture_layout import Layout, room
from loyalty.journeys.picture_rows import ENTRY, Link, Row, Rows, free_name
from loyalty.journeys.picture_shapes import Picture, PictureLabel
from loyalty.journeys.picture_text import SMALL, TITLE, wrapped
from loyalty.programme import Programme
from loyalty.templates import LOCALES, Bilingual, Template

_EXCHANGE = "exchange"


def picture(rules: Compiled, title: Bilingual, zone: ZoneInfo) -> Picture:
    """The picture of a campaign or, with its example values, of a template called `title`."""
    drawing = _Drawing(rules, {locale: Labels(locale, zone, rules.messages) for locale in LOCALES})
    return drawing.picture(title, zone)


def picture_of_template(template: Template, programme: Programme) -> Picture:
    """A template's journey, with its defaults, and examples where it has none."""
    rules = compile_example(template, event_types=programme.known_events)
    return picture(rules, template.title, programme.tz)


@dataclass(slots=True)
class _Drawing:
    rules: Compiled
    labels: Mapping[str, Labels]
    rows: list[Row] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    said: dict[str, dict[str, Said]] = field(default_factory=dict)

    def picture(self, title: Bilingual, zone: ZoneInfo) -> Picture:
        if self.rules.enter is not None:
            self._journey()
        if self.rules.exchange is not None or self.rules.moments:
            self._campaign(zone)
        words = {row.id: self._words(row) for row in self.rows}
        ways = {link: self._way(link) for link in self.links if link.way or link.arm}
        nodes, edges, width, height = Layout(self.rows, words, self.links, ways).draw()
        return Picture(
            title={
                locale: labels.says("picture", template=getattr(title, locale))
                for locale, labels in self.labels.items()
            },
            text={locale: self._text(locale, ways) for locale in LOCALES},
            width=width,
            height=height,
            nodes=nodes,
            edges=edges,
        )

    def _journey(self) -> None:
        """The way in, and every step; an end that no step says is said here."""
        enter = self.rules.enter
        assert enter is not None
        plan = self.rules.plan
        drawn = Rows(plan)
        drawn.of_journey()
        self.rows += drawn.rows
        self.links += drawn.links
        for row in drawn.rows:
            for locale, labels in self.labels.items():
                if row.id == ENTRY:
                    said = labels.entry(self.rules, enter)
                elif row.id in plan.nodes:
                    said = labels.step(plan.nodes[row.id].step)
                else:
                    said = labels.outcome("completed"), []
                self.said.setdefault(row.id, {})[locale] = said

    def _campaign(self, zone: ZoneInfo) -> None:
        """What the campaign itself does: its offer, and its moments by time."""
        taken = {row.id for row in self.rows}
        chain: list[str] = []
        if self.rules.exchange is not None:
            chain.append(free_name(_EXCHANGE, taken))
            self.rows.append(Row(chain[-1], _EXCHANGE, 0))
            self.said[chain[-1]] = {
                locale: labels.exchange(self.rules) for locale, labels in self.labels.items()
            }
        for _, moment in in_order(self.rules.moments, zone):
            chain.append(free_name(moment.id, taken | set(chain)))
            self.rows.append(Row(chain[-1], moment.act.do, 0))
            self.said[chain[-1]] = {
                locale: labels.campaign_moment(moment) for locale, labels in self.labels.items()
            }
        self.links += [Link(before, after) for before, after in pairwise(chain)]

    def _words(self, row: Row) -> dict[str, PictureLabel]:
        words = {}
        for locale, (title, details) in self.said[row.id].items():
            words[locale] = PictureLabel(
                kind=self.labels[locale].kind(row.kind),
                title=wrapped(title, room(row), TITLE),
                details=tuple(
                    line for detail in details for line in wrapped(detail, room(row), SMALL)
                ),
            )
        return words

    def _way(self, link: Link) -> dict[str, str]:
        return {
            locale: labels.arm(*link.arm) if link.arm else labels.way(link.way or "")
            for locale, labels in self.labels.items()
        }

    def _text(self, locale: str, ways: Mapping[Link, Mapping[str, str]]) -> tuple[str, ...]:
        """Each row as a sentence, with where it leads."""
        labels = self.labels[locale]
        lines = []
        for row in self.rows:
            title, details = self.said[row.id][locale]
            leads = [
                labels.says("edge", label=ways[link][locale], target=self._name(link, locale))
                for link in self.links
                if link.source == row.id and link in ways
            ]
            lines.append(f"{labels.kind(row.kind)}: " + "; ".join([title, *details, *leads]))
        return tuple(lines)

    def _name(self, link: Link, locale: str) -> str:
        return self.said[link.target][locale][0]
