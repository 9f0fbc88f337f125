"""Who looks at a page, and whether the role allows it.

    caller: Annotated[Caller, person("read_campaigns")]

Nobody signed in: on to the sign-in page and back. The wrong role: a page that says which are right.
"""

from typing import Any

from fastapi import Depends, Request

from api.console.errors import SignInFirst, WrongRole
from api.keys import Caller
from loyalty.access import Permission, roles_with


def person(permission: Permission | None = None) -> Any:
    """The dependency with which a page says who may open it; without one, whoever is signed in."""

    async def signed_in(request: Request) -> Caller:
        caller: Caller | None = request.state.caller
        if caller is None:
            raise SignInFirst
        if permission is not None and not caller.may(permission):
            raise WrongRole(roles_with(permission))
        return caller

    return Depends(signed_in)
