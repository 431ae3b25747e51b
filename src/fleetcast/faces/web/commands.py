"""What is typed, told apart from the words around it: texts have it between backticks, and pages in a fixed width."""

import re

from markupsafe import Markup, escape

from fleetcast.faces.web import words

_TYPED = re.compile("`([^`]+)`")


def typed(text: str) -> Markup:
    """A text as HTML, escaped wherever it comes from.

    >>> typed("`fleetcast run` does <a> week"), typed("one ` alone")
    (Markup('<code>fleetcast run</code> does &lt;a&gt; week'), Markup('one ` alone'))
    """
    return Markup(_TYPED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 — escaped before


def say(name: str, /, **values: object) -> str:
    """A text of the catalogue; one that has nothing typed in it is escaped where it is shown."""
    text = words.say(name, **values)
    return typed(text) if "`" in text else text
