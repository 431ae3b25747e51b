"""Where it is served, and who is let in, on paper."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, day
from fleetcast.faces.cli.paper import table
from fleetcast.people.accounts import Account
from fleetcast.people.tokens import Token


def served(url: str, link: str | None) -> Group:
    """Where it is served; the link whole, however narrow the paper is."""
    lines = [Text(f"Fleetcast is served at {url} until you press Ctrl+C.")]
    if link:
        lines += [Text("Sign in, once and within 15 minutes, by"), _whole(link)]
    return Group(*lines)


def plain(one: Account | Token) -> dict[str, Any]:
    """As JSON: regions in order, null for all of them."""
    return asdict(one) | {"regions": None if one.regions is None else sorted(one.regions)}


def accounts(found: Sequence[Account]) -> Group:
    if not found:
        return Group(Text("Nobody has an account yet: `fleetcast user add` makes one."))
    rows = table("Account", "Role", "Regions", "Signs in by", "?Since")
    for one in found:
        ways = ["password"] * one.local + ["provider"] * (one.identity is not None)
        way = "disabled" if one.disabled else " and ".join(ways) or "nothing"
        rows.add_row(one.name, one.role, _regions(one.regions), way, day(one.created.date()))
    return Group(rows)


def tokens(found: Sequence[Token]) -> Group:
    if not found:
        return Group(Text("There is no token yet: `fleetcast token create` makes one."))
    rows = table("Token", "Account", "For", "Role", "Regions", "Until", "?Revoked")
    for one in found:
        revoked = day(one.revoked.date()) if one.revoked else NONE
        cells = (one.role, _regions(one.regions), day(one.expires.date()), revoked)
        rows.add_row(one.id, one.account, one.purpose, *cells)
    return Group(rows)


def new_token(made: Token, secret: str) -> Group:
    told = "This is the token; it is not shown again. Send it as `Authorization: Bearer …`."
    return Group(tokens([made]), "", Text(told), _whole(secret))


def _whole(text: str) -> Text:
    """Text to be copied, which no narrow paper may break."""
    return Text(text, no_wrap=True, overflow="ignore")


def _regions(regions: frozenset[str] | None) -> str:
    return "all" if regions is None else ", ".join(sorted(regions))
