"""People who sign in to the console: let in by a link, given a role, shut out, signed out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from api.console.addresses import link_address
from api.errors import problems
from api.keys import Caller, needs
from api.people import check_links
from api.services import Given, Services
from loyalty.access import Role
from loyalty.errors import Unknown
from loyalty.people import How, Person, Session

router = APIRouter(tags=["People"])
PersonId = Annotated[str, Path(pattern=r"^person-[0-9a-f]{8}$", description="As the list shows it")]
Admin = Annotated[Caller, needs("manage_people")]


class PersonView(BaseModel):
    """Somebody who may sign in to the console."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    email: str
    role: Role
    active: bool
    has_password: bool = Field(description="False until the link was used")
    created_at: datetime
    last_seen: datetime | None


class PeopleView(BaseModel):
    items: list[PersonView]


class LinkView(BaseModel):
    """A link to hand over: it sets the password once, for 24 hours, and is not shown again."""

    person: PersonView
    link: str = Field(description="A whole address, or a path when no public address is set")


class SessionView(BaseModel):
    """One browser that is signed in."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    how: How
    created_at: datetime
    seen_at: datetime


class SessionsView(BaseModel):
    items: list[SessionView]


class InviteBody(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Mei Lin", "email": "mei@example.com", "role": "marketer"}]
        },
    )
    name: str = Field(min_length=1, max_length=80)
    email: str = Field(min_length=3, max_length=200)
    role: Role


class RoleBody(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"role": "operator"}]}
    )
    role: Role


@router.get("/v1/people", summary="List the people who may sign in", responses=problems())
def list_people(given: Given, caller: Admin) -> PeopleView:
    """By name, those shut out included."""
    return PeopleView(items=[PersonView.model_validate(each) for each in given.people.list()])


@router.post(
    "/v1/people",
    summary="Let somebody in",
    status_code=201,
    responses=problems("wrong_state", write=True),
)
def invite_person(body: InviteBody, given: Given, caller: Admin) -> LinkView:
    """Makes the account and a link for it; no password is ever sent or shown.

    `wrong_state` where everybody signs in with the company's account.
    """
    check_links(given.sign_in.local)
    made, token = given.people.invite(
        name=body.name, email=body.email, role=body.role, actor=caller.actor
    )
    return _link(given, made, token)


@router.post(
    "/v1/people/{person_id}/reset",
    summary="Make a new link for somebody",
    responses=problems("unknown", "wrong_state"),
)
def reset_person(person_id: PersonId, given: Given, caller: Admin) -> LinkView:
    """The password and every session end at once; the link sets a new password."""
    check_links(given.sign_in.local)
    token = given.people.reset(person_id, actor=caller.actor)
    return _link(given, _found(given, person_id), token)


@router.put(
    "/v1/people/{person_id}/role",
    summary="Give somebody another role",
    responses=problems("unknown", "wrong_state", write=True),
)
def put_role(person_id: PersonId, body: RoleBody, given: Given, caller: Admin) -> PersonView:
    """Counts from the next page on. The last admin stays one."""
    changed = given.people.change_role(person_id, body.role, actor=caller.actor)
    return PersonView.model_validate(changed)


@router.post(
    "/v1/people/{person_id}/disable",
    summary="Shut somebody out",
    responses=problems("unknown", "wrong_state"),
)
def disable_person(person_id: PersonId, given: Given, caller: Admin) -> PersonView:
    """All sessions end; what the person did stays on record."""
    changed = given.people.set_active(person_id, False, actor=caller.actor)
    return PersonView.model_validate(changed)


@router.post(
    "/v1/people/{person_id}/enable",
    summary="Let somebody in again",
    responses=problems("unknown"),
)
def enable_person(person_id: PersonId, given: Given, caller: Admin) -> PersonView:
    """With the password and the role of before."""
    changed = given.people.set_active(person_id, True, actor=caller.actor)
    return PersonView.model_validate(changed)


@router.get(
    "/v1/people/{person_id}/sessions",
    summary="List where somebody is signed in",
    responses=problems("unknown"),
)
def list_sessions(person_id: PersonId, given: Given, caller: Admin) -> SessionsView:
    """The live ones, the one used last first."""
    _found(given, person_id)
    found: list[Session] = given.sessions.of(person_id)
    return SessionsView(items=[SessionView.model_validate(each) for each in found])


@router.post(
    "/v1/people/{person_id}/sign-out",
    summary="Sign somebody out everywhere",
    responses=problems("unknown"),
)
def sign_out_person(person_id: PersonId, given: Given, caller: Admin) -> SessionsView:
    """Every browser asks for the password again."""
    given.sessions.end_all(person_id, actor=caller.actor)
    return SessionsView(items=[])


def _found(given: Services, person_id: str) -> Person:
    found = given.people.find(person_id)
    if found is None:
        raise Unknown("person", person_id)
    return found


def _link(given: Services, person: Person, token: str) -> LinkView:
    address = link_address(given.sign_in.public_url or "", token)
    return LinkView(person=PersonView.model_validate(person), link=address)
