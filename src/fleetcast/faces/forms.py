"""Small forms: the fields that a page of ours sends."""

from urllib.parse import parse_qs

from starlette.requests import Request

LARGEST = 8192  # bytes
FIELDS = 16


async def form(request: Request) -> dict[str, str]:
    """The first value of each field; nothing of a form that is none, or far larger than one of ours."""
    body = (await request.body())[:LARGEST]
    try:
        fields = parse_qs(body.decode(), max_num_fields=FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
