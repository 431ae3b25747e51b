"""Where it is served, and who is let in, on paper."""

from rich.console import Group
from rich.text import Text


def served(url: str, link: str | None) -> Group:
    """Where it is served; the link whole, however narrow the paper is."""
    lines = [Text(f"Fleetcast is served at {url} until you press Ctrl+C.")]
    if link:
        lines += [
            Text("Sign in, once and within 15 minutes, by"),
            Text(link, no_wrap=True, overflow="ignore"),
        ]
    return Group(*lines)
