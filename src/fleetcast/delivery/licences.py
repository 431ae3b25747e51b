"""What licence a package has, as SPDX spells it, and whether a list of allowed ones permits it."""

import re
from collections.abc import Collection, Iterator, Mapping

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

from fleetcast.delivery.closure import Package

# What the trove classifiers mean. `BSD License` names a family; its most demanding member that the OSI approved is taken.
CLASSIFIERS: Mapping[str, str] = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License (GPL)": "GPL-1.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "ZPL-2.1",
    "zlib/libpng License": "Zlib",
}
# What people write into the free field, without case and punctuation.
WORDS: Mapping[str, str] = {
    "2 clause bsd": "BSD-2-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "3 clause bsd license": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "bsd 2 clause license": "BSD-2-Clause",
    "bsd 3 clause license": "BSD-3-Clause",
    "gplv2": "GPL-2.0-only",
    "gplv3": "GPL-3.0-only",
    "isc license": "ISC",
    "isc license iscl": "ISC",
    "lgpl": "LGPL-2.0-or-later",
    "lgplv3": "LGPL-3.0-only",
    "mit license": "MIT",
    "mpl 2.0": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "psf": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the mit license": "MIT",
    "the mit license mit": "MIT",
}
_FAMILY = "BSD License"
_WORDS = re.compile(r"[^a-z0-9.]+")
_TOKEN = re.compile(r"[()]|[^\s()]+")


def licence_of(package: Package, known: Mapping[str, str]) -> str | None:
    """A package's licence as an SPDX expression; None when nobody says it, or says it in words nobody knows.

    What the policy knows goes first, then the package's own expression. Older packages say it in a free field and in
    classifiers: where these differ, all of it is taken to hold at once, which is the careful reading.
    """
    stated = next((one for name, one in known.items() if canonicalize_name(name) == package.name), None)
    if stated or package.expression:
        return spdx(stated or package.expression or "")
    said = list(dict.fromkeys(_said(package)))
    return spdx(" AND ".join(f"({one})" if " OR " in one else one for one in said)) if said else None


def spdx(expression: str) -> str | None:
    """An expression as SPDX spells it; None when it is none.

    >>> spdx("mit or apache-2.0"), spdx("free for all")
    ('MIT OR Apache-2.0', None)
    """
    try:
        return canonicalize_license_expression(expression)
    except InvalidLicenseExpression:
        return None


def permitted(expression: str, allowed: Collection[str]) -> bool:
    """Whether one can keep to a licence with allowed ones alone: one side of an OR is enough, an AND needs both.

    An exception (WITH) only adds to what its licence permits, so the licence alone may be allowed as well.

    >>> permitted("MIT AND (GPL-3.0-only OR Apache-2.0 WITH LLVM-exception)", {"MIT", "Apache-2.0"})
    True
    >>> permitted("GPL-2.0-only WITH Classpath-exception-2.0", {"MIT"})
    False
    """
    return _Terms(expression, {spdx(one) or one for one in allowed}).permitted()


class _Terms:
    """The terms of a valid expression, read once from left to right; AND binds closer than OR."""

    def __init__(self, expression: str, allowed: Collection[str]) -> None:
        self._tokens = [*reversed(_TOKEN.findall(expression))]
        self._allowed = allowed

    def permitted(self) -> bool:
        sides = [self._both()]
        while self._next("OR"):
            sides.append(self._both())
        return any(sides)

    def _both(self) -> bool:
        sides = [self._one()]
        while self._next("AND"):
            sides.append(self._one())
        return all(sides)

    def _one(self) -> bool:
        if self._next("("):
            inner = self.permitted()
            self._next(")")
            return inner
        licence = self._tokens.pop()
        names = {licence, licence.removesuffix("+")}
        if self._next("WITH"):
            names.add(f"{licence} WITH {self._tokens.pop()}")
        return bool(names & set(self._allowed))

    def _next(self, token: str) -> bool:
        """Take the next token if it is this one."""
        if self._tokens and self._tokens[-1] == token:
            self._tokens.pop()
            return True
        return False


def _said(package: Package) -> Iterator[str]:
    field = _field(package.licence)
    if field:
        yield field
    for classifier in package.classifiers:
        name = classifier.rsplit(" :: ", 1)[-1]
        # A family says nothing against the member that the free field names.
        vague = name == _FAMILY and field is not None and field.startswith("BSD-")
        if classifier.startswith("License :: ") and name in CLASSIFIERS and not vague:
            yield CLASSIFIERS[name]


def _field(text: str | None) -> str | None:
    """The licence that the free field names; its first line does when somebody put the whole text there."""
    first = (text or "").strip().split("\n", 1)[0].strip()
    return spdx(first) or WORDS.get(_WORDS.sub(" ", first.lower()).strip()) if first else None
