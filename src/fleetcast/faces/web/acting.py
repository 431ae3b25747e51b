"""Doing something from a page: the fields of its form, and the way back with a word about what was done."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.words import catalogue

MOST = 64  # fields of a form
TOLD = "told"  # the parameter that says what was done

Fields = Mapping[str, Sequence[str]]


async def fields_of(request: Request) -> Fields:
    """The fields of a posted form; nothing of what is none."""
    try:
        return parse_qs((await request.body()).decode(), max_num_fields=MOST)
    except ValueError:
        return {}


def first(fields: Fields, name: str) -> str:
    """The value of a field that is there once, without space around it."""
    return fields.get(name, [""])[0].strip()


def back(address: str, told: str) -> Response:
    """To a page of ours, which says what was done."""
    joined = "&" if "?" in address else "?"
    return RedirectResponse(f"{address}{joined}{urlencode({TOLD: told})}", HTTPStatus.SEE_OTHER)


def told(visit: Visit) -> str:
    """What was done just before, where the address says so: a sentence of the catalogue, and nothing else."""
    return catalogue().get(f"told.{visit.query.get(TOLD, '')}", "")
