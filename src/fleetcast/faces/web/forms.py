"""What a form sent, and who sent it: pages that change something take no more than this."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request

from fleetcast.faces.web.page import Visit, principal_of
from fleetcast.faces.web.words import say

MOST = 8192  # bytes
FIELDS = 16

Form = Mapping[str, str]


async def form(request: Request) -> Form:
    """The fields of a small form; nothing of one that is none."""
    body = (await request.body())[:MOST]
    try:
        fields = parse_qs(body.decode(), max_num_fields=FIELDS)
    except ValueError:
        return {}
    return {name: values[0].strip() for name, values in fields.items()}


def actor(visit: Visit) -> str:
    """Who the audit log will say it was."""
    principal = principal_of(visit.request)
    return str(principal.name) if principal else say("site.nobody")
