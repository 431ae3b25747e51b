"""A server of the pages in a thread of its own, and Chromium looking at it."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from fleetcast import workspace
from fleetcast.faces.guard.headers import hardened
from fleetcast.faces.web import routes
from fleetcast.workspace import Workspace

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}


def application(folder: Path) -> ASGIApp:
    """The pages of a workspace with the headers that all answers carry, and without a sign-in before them."""

    @cache
    def opened(environment: str) -> Workspace:
        return workspace.open(folder, environment=environment)

    pages = Starlette(routes=routes(opened))

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        await pages(scope, receive, hardened(send, scope["scheme"]))

    return answered


def served(folder: Path) -> AbstractContextManager[str]:
    """The pages at an address of this machine, while the block runs."""
    return serving(application(folder))


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """An application at an address of this machine, while the block runs."""
    settings = uvicorn.Config(app, port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def looking(browser: Browser, size: str, theme: str, *, scripts: bool = True) -> Iterator[Page]:
    """A page of a size, for eyes that like it light or dark."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme, java_script_enabled=scripts)
    page = context.new_page()
    yield page
    context.close()
