"""E-mail by SMTP: smtps:// is TLS from the first byte, smtp:// turns to TLS before anything is said."""

import smtplib
import socket
import ssl
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

from fleetcast.alerts.posting import LOOPBACK
from fleetcast.alerts.unsent import NotSent, why
from fleetcast.telemetry import get_logger

log = get_logger()

PORTS = {"smtp": 587, "smtps": 465}


def mail(address: str, message: EmailMessage, *, seconds: float) -> None:
    """Hand it to a mail server; NotSent says why it was not taken."""
    where = _where(address)
    try:
        with _connected(where, seconds) as server:
            if where.username:
                server.login(unquote(where.username), unquote(where.password or ""))
            refused = server.send_message(message)
    except smtplib.SMTPException as error:
        raise _refused(error) from None
    except (OSError, ValueError) as error:
        raise NotSent(why(error)) from None
    if refused:  # the others have it: sent again, they would have it twice
        log.warning("recipients_refused", recipients=sorted(refused))


def _where(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in PORTS and parts.hostname is not None and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise NotSent("its address is not smtp://USER:PASSWORD@HOST:PORT or smtps://…")
    return parts


def _connected(where: SplitResult, seconds: float) -> smtplib.SMTP:
    host, port = where.hostname or "", where.port or PORTS[where.scheme]
    context, me = ssl.create_default_context(), socket.gethostname()
    if where.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, local_hostname=me, timeout=seconds, context=context)
    server = smtplib.SMTP(host, port, local_hostname=me, timeout=seconds)
    try:
        server.ehlo()
        if host not in LOOPBACK or server.has_extn("starttls"):
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _refused(error: smtplib.SMTPException) -> NotSent:
    match error:
        case smtplib.SMTPAuthenticationError():
            return NotSent("it does not take this user and password")
        case smtplib.SMTPNotSupportedError():
            return NotSent("it offers no TLS, or no way to sign in")
        case smtplib.SMTPRecipientsRefused():
            return NotSent("it takes no mail for any of the recipients", down=False)
        case smtplib.SMTPResponseException():
            return NotSent(f"it answered {error.smtp_code}", down=error.smtp_code < 500)
        case _:
            return NotSent(why(error))
