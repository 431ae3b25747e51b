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


def say(name: str, /, **values: object) -> Markup:
    """A text of the catalogue."""
    return typed(words.say(name, **values))


def called(name: str, part: str) -> Markup:
    """The text of a name in a part, or the name itself."""
    return typed(words.called(name, part))
