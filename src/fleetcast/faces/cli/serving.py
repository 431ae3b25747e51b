"""The verb that serves pages and the API, and the one that describes the API."""

import json as json_
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Folder, Json, actor, looking, opened

if TYPE_CHECKING:
    from fleetcast.faces.server import Address


def serve(
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen; else [serve] host.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="0: any free one; else [serve] port.")
    ] = None,
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """Serve pages and API of all environments until Ctrl-C.

    On this machine alone unless you say otherwise. While nobody has a password, a link is printed that signs you in, once;
    elsewhere it serves only people who sign in, and over TLS."""
    with looking("opening the workspace"):
        from fleetcast.faces import server
        from fleetcast.faces.cli import admitted, terminal
        from fleetcast.faces.cli.progress import logged

        w = opened(workspace, DEV)
        written = w.settings.serve

    def tell(address: "Address") -> None:
        terminal.show(address, admitted.served(address.url, address.link), as_json=json)

    with logged(w.log if terminal.messages().is_terminal else sys.stderr):
        server.serve(
            w,
            host=written.host if host is None else host,
            port=written.port if port is None else port,
            actor=actor(),
            tell=tell,
        )


def openapi() -> None:
    """Print the OpenAPI document of the API, as JSON."""
    with looking("describing the API"):
        from fleetcast.faces import server

        document = server.document()
    typer.echo(json_.dumps(document, ensure_ascii=False, indent=1))
