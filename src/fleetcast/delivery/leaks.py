"""Secrets that stand in a text: keys and tokens by their form, passwords by what they are assigned to."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

WAIVER = "fleetcast: not-a-secret"  # in a comment on the same line
SHOWN = 4  # characters of a value whose beginning says only what kind it is
LONGEST = (
    20_000  # characters of a line that somebody may have written; a longer one is data, and has forms alone
)

# By form: what comes before is seen by all, so that a finding may show how the value begins.
FORMS: Mapping[str, re.Pattern[str]] = {
    "private-key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "aws-key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "azure-storage-key": re.compile(r"(?i)\bAccountKey=[a-z0-9+/]{86}=="),
    "azure-shared-access": re.compile(r"(?i)\bsig=[a-z0-9%+/]{40,}(?:=|%3d)"),
    "azure-client-secret": re.compile(r"(?<![\w~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![\w~.-])"),
    "databricks-token": re.compile(r"\bdapi[0-9a-f]{32}(?:-\d+)?\b"),
    "gcp-key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}(?![\w-])"),
    "gcp-client-secret": re.compile(r"\bGOCSPX-[A-Za-z0-9_-]{28}(?![\w-])"),
    "gcp-token": re.compile(r"\bya29\.[A-Za-z0-9_-]{20,}"),
    "github-token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})\b"),
    "gitlab-token": re.compile(r"\bgl(?:pat|ptt|rt|dt|cbt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,}"),
    "npm-token": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"),
    "pypi-token": re.compile(r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    "slack-token": re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}"),
    "slack-webhook": re.compile(r"\bhooks\.slack\.com/services/T\w+/B\w+/\w{16,}"),
}
_IN_URL = re.compile(
    r"(?i)\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@'\"<>{}$]{0,100}:(?P<value>[^\s/:@'\"<>{}$*]{3,200})@[\w\[]"
)
_ASSIGNED = re.compile(
    r"(?i)(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|credential)s?"
    r"(?:[_-]\w*)?[\"']?\]?\s*(?::\s*[\w\[\]. |]+)?(?:=>|:=|=|:)\s*"
    r"(?:[rbuf]{0,2}(?P<quote>[\"'])(?P<quoted>[^\"']{8,})(?P=quote)|(?P<bare>[^\s\"',;#(){}\[\]<>$]{16,})(?=[\s,;#]|$))"
)
# In small letters: a line that has none of these has no secret that is looked for. Data have none, and are passed in a moment.
HINTS = (
    "://", "access", "account", "aiza", "akia", "api", "asia", "credential", "dapi", "gh", "gl", "gocspx", "npm_", "passw",
    "passphrase", "private key", "pypi-", "q~", "secret", "sig=", "slack", "token", "xapp-", "xox", "ya29.",
)  # fmt: skip
# What stands for a value and is none.
_STANDS_FOR = re.compile(
    r"(?i)\$|\{|<|\*{3}|\.{3}|://|^(?:env|file|vault|secret|keyring):|x{6}|example|placeholder|change.?me"
)
_SAID = {"password", "passwd", "pass", "secret", "pwd", "pw", "token"}  # as in user:password@host
_ENTROPY, _LONG = 3.0, 12  # bits a character that a random value has at least; characters that show it
_MIXED = 3  # of small letters, capitals, digits and others: what rules for passwords ask for


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret in a text: of which kind, on which line, and as much of it as may be printed."""

    kind: str
    line: int
    shown: str


def leaks(text: str) -> Iterator[Leak]:
    """Every secret in a text, but those on lines with a waiver.

    >>> [str(leak.line) + ": " + leak.shown for leak in leaks("user = 'shop'\\n" + "key = 'AKIA" + "Z2" * 8 + "'")]
    ['2: AKIA…, 20 characters']
    """
    hints = _hints(text, HINTS)
    if not hints:
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if _hints(line, hints) and WAIVER not in line:
            yield from _in_line(line, number)


def _hints(text: str, hints: Collection[str]) -> list[str]:
    """Which of these stand in a text."""
    small = text.lower()
    return [hint for hint in hints if hint in small]


def _in_line(line: str, number: int) -> Iterator[Leak]:
    known = list(_by_form(line, number))
    if not known and len(line) <= LONGEST:
        known = list(_in_url(line, number)) or list(_assigned(line, number))  # said once, by its nearest name
    yield from known


def _by_form(line: str, number: int) -> Iterator[Leak]:
    for kind, form in FORMS.items():
        for found in form.finditer(line):
            yield Leak(kind, number, f"{found[0][:SHOWN]}…, {len(found[0])} characters")


def _in_url(line: str, number: int) -> Iterator[Leak]:
    for found in _IN_URL.finditer(line):
        if found["value"].lower() not in _SAID and not _STANDS_FOR.search(found["value"]):
            yield Leak("password-in-url", number, f"{len(found['value'])} characters")


def _assigned(line: str, number: int) -> Iterator[Leak]:
    for found in _ASSIGNED.finditer(line):
        value = found["quoted"] or found["bare"]
        if _random(value) and not _STANDS_FOR.search(value):
            yield Leak("assigned-secret", number, f"{len(value)} characters")


def _random(value: str) -> bool:
    """Whether a value looks drawn by lot, or made up to be hard to guess: no word, no name, no sentence."""
    if any(sign.isspace() for sign in value):
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum() and sign not in "_-.")
    lower, upper, digits, others = (sum(map(kind, value)) for kind in kinds)
    mixed = sum(map(bool, (lower, upper, digits, others)))
    made_up = digits > 0 and mixed >= _MIXED
    drawn = digits > 1 and mixed > 1 and len(value) >= _LONG and _entropy(value) >= _ENTROPY
    return made_up or drawn


def _entropy(value: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
