"""What went wrong, as a program reads it: problem details (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


def problem(status: HTTPStatus, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """An answer that says no, in the words of a person where there are any."""
    content = json.dumps(fields(status, detail), ensure_ascii=False)
    return Response(content, status.value, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def fields(status: HTTPStatus, detail: str = "") -> dict[str, str | int]:
    """What such an answer says, name by name."""
    told: dict[str, str | int] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    return told | {"detail": detail} if detail else told
