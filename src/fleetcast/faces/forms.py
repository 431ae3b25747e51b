"""What a form of a page sent: its fields, few and short."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from fleetcast.domain.errors import UsageError

LONGEST = 8192  # bytes
MOST = 32  # fields


async def fields(request: Request) -> Mapping[str, str]:
    """The fields of a form by name; UsageError for what is none."""
    body = await request.body()
    if len(body) > LONGEST:
        raise UsageError(f"a form of these pages has at most {LONGEST:,} bytes")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST))
    except ValueError as error:
        raise UsageError("this is no form of these pages") from error
