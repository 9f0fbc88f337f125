"""One movement of points: the slip, its entries and lots, and its place in the sealed log."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.recording import LongId
from api.routes.ledger import paper_of, slip_row
from api.services import Given
from loyalty.errors import Unknown
from loyalty.slips.slip import slip

router = APIRouter()


@router.get("/transactions/{key:path}")
def read_transaction(
    request: Request,
    key: LongId,
    services: Given,
    caller: Annotated[Caller, person("read_ledger")],
    proof: bool = False,
) -> Response:
    """The proof is made when it is asked for: a process's first one reads the whole log."""
    found = services.reads.slip(key)
    if found is None:
        raise Unknown("transaction", key)
    rows = [slip_row(row) for row in slip(paper_of(services, request.state.speech.language), found)]
    return page(
        request, "transaction.html", entry=found, slip=rows,
        checkpoint=services.reads.proofs.checkpoint(),
        proof=services.reads.proofs.inclusion(key) if proof else None,
    )  # fmt: skip
