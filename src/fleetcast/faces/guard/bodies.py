"""Bodies of requests, held to a size and a time while they stream."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import Message, Receive


class Refused(Exception):
    """A request that is not taken in."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def announced(headers: Headers, most: int) -> None:
    """Refuse by its headers a body that is too large, or compressed: what it would unpack to, nobody knows."""
    length, packed = headers.get("content-length", "0"), headers.get("content-encoding", "identity")
    if not length.isdecimal() or int(length) > most:
        raise _too_large(most)
    if packed.lower() != "identity":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a body is sent as it is, not compressed")


class Body:
    """`receive` of a body that has at most so many bytes, all of which come within the time.

    `refused` says why it was taken no further, whatever an application behind made of that.
    """

    def __init__(self, receive: Receive, *, most: int, seconds: float) -> None:
        self._receive, self._most = receive, most
        self._until = asyncio.get_running_loop().time() + seconds
        self._taken, self._complete = 0, False
        self.refused: Refused | None = None

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()  # waits until the client goes
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise self._refuse(Refused(HTTPStatus.REQUEST_TIMEOUT, "the request took too long")) from None
        self._taken += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._taken > self._most:
            raise self._refuse(_too_large(self._most))
        return message

    def _refuse(self, refused: Refused) -> Refused:
        self.refused = refused
        return refused


def _too_large(most: int) -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {most:,} bytes")
