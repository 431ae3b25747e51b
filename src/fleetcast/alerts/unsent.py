"""Why a notice did not get there, in words without the address: it is a secret."""

import os
import socket
import ssl

from fleetcast.domain.errors import InfrastructureError


class NotSent(InfrastructureError):
    """A channel did not take a notice; `down`: it would not take another one now either."""

    def __init__(self, why: str, *, down: bool = True) -> None:
        super().__init__(why)
        self.down = down


def why(error: object) -> str:
    """What went wrong on the way; of an error whose own words are not known to be harmless, only its name.

    >>> why(ConnectionRefusedError(111, "connecting to hooks.example.com")), why(TimeoutError())
    ('Connection refused', 'no answer in time')
    """
    match error:
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return "its certificate cannot be verified"
        case ssl.SSLError():
            return "TLS failed"
        case socket.gaierror():
            return "its host is not found"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case _:
            return f"the connection failed ({type(error).__name__})"
