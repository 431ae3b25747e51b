"""The headers that every answer carries, so that browsers hold pages to what they are for."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

CONTENT = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:;"
    " object-src 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CONTENT,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # not no-referrer: with that, forms are sent with `Origin: null`
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}  # a year


def hardened(send: Send, scheme: str) -> Send:
    """`send`, with these headers; nothing is cached that does not say so itself."""
    fixed = ALWAYS | OVER_TLS if scheme == "https" else ALWAYS

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in fixed.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sent
