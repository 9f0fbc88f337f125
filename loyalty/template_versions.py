"""Templates that marketers write in the browser: versions that are only ever added.

A campaign keeps the version it was drafted from, so that a new one changes nothing that runs.
"""

from collections.abc import Collection, Mapping

from loyalty.digest import digest
from loyalty.errors import ChangedMeanwhile, LoyaltyError, Unknown, invalid_field
from loyalty.journeys.compile import FILE
from loyalty.ports import Transaction
from loyalty.template_version import TemplateLine, TemplateVersion
from loyalty.templates import Template

FILES_MAX = 201  # the campaign, and a hundred messages in two languages
"""Files of one template."""


def save(
    tx: Transaction,
    template: Template,
    files: Mapping[str, str],
    *,
    after_version: int,
    note: str,
    actor: str,
    shipped: Collection[str],
) -> tuple[TemplateVersion, bool]:
    """Make the version after `after_version` (0 = the first) of a template that was found good.

    The same files after the same version again give what was saved then, and True. Refused when
    the name is that of a shipped template, and when somebody else was faster.
    """
    if template.name in shipped:
        raise _taken(template.name)
    found = tx.template_versions.latest(template.name)
    last = found.version if found else 0
    hash_ = digest(files)
    if found and last == after_version + 1 and (found.hash, found.created_by) == (hash_, actor):
        return found, True
    if last != after_version:
        raise _changed(template.name, after_version, found)
    made = TemplateVersion(
        name=template.name,
        version=last + 1,
        files=files,
        created_at=tx.now,
        created_by=actor,
        hash=hash_,
        note=note,
    )
    if not tx.template_versions.add(made):
        raise _changed(template.name, after_version, None)
    detail = {"version": made.version, "hash": hash_}
    tx.audit.add(actor, "template.save", template.name, note, detail)
    return made, False


def version(tx: Transaction, name: str, number: int) -> TemplateVersion:
    """One version with its files; raises Unknown."""
    found = tx.template_versions.get(name, number)
    if found is None:
        raise Unknown("version of the template", f"{name}/{number}")
    return found


def versions(tx: Transaction, name: str) -> list[TemplateLine]:
    """All versions of a template, newest first; raises Unknown."""
    found = list(tx.template_versions.of(name))
    if not found:
        raise Unknown("template of one's own", name)
    return found


def renamed(files: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """The files of a template under another name: how a copy begins."""
    first = f"name: {old}"
    lines = files[FILE].split("\n")
    told = [f"name: {new}" if line.rstrip() == first else line for line in lines]
    return {**files, FILE: "\n".join(told)}


def _taken(name: str) -> LoyaltyError:
    return invalid_field(
        "name", "shipped", f"{name!r} is the name of a shipped template: give yours another"
    )


def _changed(name: str, after: int, found: TemplateVersion | None) -> ChangedMeanwhile:
    if found is None:
        return ChangedMeanwhile(
            f"Version {after} of {name!r} is not the newest.", name=name, after_version=after
        )
    return ChangedMeanwhile(
        f"Version {found.version} of {name!r} was saved meanwhile: look at it, then save again "
        f"after version {found.version}.",
        name=name,
        after_version=after,
        version=found.version,
        created_by=found.created_by,
        created_at=found.created_at,
        note=found.note,
    )
