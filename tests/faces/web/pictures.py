"""Pictures of a workspace's pages as Chromium shows them, for README and guide: `make pictures` takes them of the demo."""

import sys
from pathlib import Path

from tests.faces.web.browser import chromium, looking, serving

from fleetcast import workspace
from fleetcast.faces import server
from fleetcast.people.roles import Role
from fleetcast.reading.orders import worklist
from fleetcast.workspace import Workspace

NAME = "pictures"  # whose link signs in


def pages(w: Workspace) -> dict[str, str]:
    """The pages that are shown, by the name of their picture."""
    row = worklist(w, None).rows[0]
    return {
        "fleet": "/dev/fleet",
        "forecast": f"/dev/forecasts/{row.store}/{row.product}",
    }


def take(folder: Path, to: Path) -> None:
    """One picture of each page, wide and light, as an admin sees it."""
    w = workspace.open(folder)
    app = server.application(w.people, server.opener(w), server.limits_of(w, "127.0.0.1"))
    to.mkdir(parents=True, exist_ok=True)
    if NAME not in {account.name for account in w.people.accounts()}:
        w.people.add(NAME, Role.admin, None, password=None, actor=NAME)
    with serving(app) as address, chromium() as browser, looking(browser, "wide", "light") as page:
        page.goto(f"{address}/sign-in/link?secret={w.people.link(NAME, actor=NAME)}")
        for name, path in pages(w).items():
            page.goto(address + path)
            page.screenshot(path=to / f"{name}.png")


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
