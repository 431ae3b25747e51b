"""Secrets that settings refer to: {env:NAME} is the environment variable NAME, and is shown as it is written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fleetcast.domain.errors import UsageError

_REFERENCE = re.compile(r"\{env:([A-Za-z_]\w*)\}")


@dataclass(frozen=True)
class Secrets:
    """The environment as settings may refer to it."""

    environment: Mapping[str, str] = field(repr=False)

    def filled(self, text: str) -> str:
        """The text with every reference replaced; UsageError where a variable is not set.

        >>> Secrets({"KEY": "s3cret"}).filled("Bearer {env:KEY}")
        'Bearer s3cret'
        """
        return _REFERENCE.sub(lambda found: self._value(found[1]), text)

    def hidden(self, text: str, *written: str) -> str:
        """The text, in which whatever these settings refer to is the reference again.

        >>> Secrets({"KEY": "s3cret"}).hidden("403 for s3cret", "Bearer {env:KEY}")
        '403 for {env:KEY}'
        """
        names = {name for one in written for name in _REFERENCE.findall(one)}
        known = {name: self.environment.get(name) for name in names}
        for name, value in sorted(known.items(), key=lambda one: -len(one[1] or "")):
            text = text.replace(value, f"{{env:{name}}}") if value else text
        return text

    def _value(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise UsageError(
                f"the environment variable {name} is not set, and the settings refer to it; set it"
            )
        return value
