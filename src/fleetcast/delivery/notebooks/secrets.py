"""Secrets in a text: keys and passwords that must not be committed."""

import re
from collections.abc import Iterator

_KNOWN = {
    "an access key of AWS": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a token of GitHub": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    "a token of GitLab": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"]+:[^\s/@'\"{}$]+@"),
    "a key of a storage account": re.compile(r"AccountKey=[A-Za-z0-9+/=]{40,}"),
}
_NAMED = re.compile(
    r"(?i)\b\w*(password|passwd|secret|api_?key|access_?key|auth_?token|token)\b\s*[:=]\s*['\"](?P<value>[^'\"\s]{6,})['\"]"
)


def secrets(text: str) -> Iterator[tuple[int, str]]:
    """The lines that hold one, and what it looks like; never the secret itself.

    >>> list(secrets('user = "ada"\\npassword = "tr0ub4dor"'))
    [(2, 'a value called password')]
    """
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in _KNOWN.items():
            if pattern.search(line):
                yield number, what
        named = _NAMED.search(line)
        if named and not named["value"].startswith(("env:", "$", "{")):
            yield number, f"a value called {named[1].lower()}"
