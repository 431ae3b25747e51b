"""What a source is asked when it is pulled, and what comes of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fleetcast.domain.errors import UsageError
from fleetcast.domain.versions import digest_of
from fleetcast.settings import PullSettings, SourceSettings
from fleetcast.sources.asking import Limits, Web
from fleetcast.sources.secrets import Secrets
from fleetcast.sources.standing import Standing

ENDINGS = {"excel": "xlsx", "fixed_width": "txt"}  # of files, where the format's name is none


@dataclass(frozen=True)
class Question:
    """One source, asked now for what it has told nobody yet. Answers are written into `scratch`, an empty folder."""

    source: str
    settings: SourceSettings
    standing: Standing
    now: datetime
    scratch: Path
    base: Path
    data: Path | None = None
    secrets: Secrets = field(default_factory=lambda: Secrets({}))
    limits: Limits = field(default_factory=Limits)

    @property
    def pull(self) -> PullSettings:
        if self.settings.pull is None:
            raise UsageError(f"source {self.source} is not pulled: it has no [sources.{self.source}.pull]")
        return self.settings.pull

    @property
    def moment(self) -> str:
        """When it is asked, as a part of a file's name."""
        return self.now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")

    def server(self) -> tuple[Web, dict[str, str]]:
        """Who is asked over HTTP, and what every request has to say."""
        filled = self.secrets.filled
        limits = replace(self.limits, size=self.pull.megabytes << 20)
        return Web(filled(self.pull.url or ""), limits), {
            name: filled(value) for name, value in self.pull.headers.items()
        }

    @property
    def ending(self) -> str:
        return ENDINGS.get(self.settings.format, self.settings.format)


@dataclass(frozen=True)
class Pulled:
    """The files that are new, by the names they are kept under, and what the next pull goes on from."""

    files: list[tuple[str, Path]]
    marks: Mapping[str, str]


def asked(settings: SourceSettings) -> str:
    """Digest of all that decides what a source is asked, but not of how often."""
    pull = settings.pull.model_dump(mode="json", exclude={"every", "megabytes"}) if settings.pull else None
    return digest_of([settings.path, settings.format, settings.query, settings.rows, pull])


def referring(settings: SourceSettings) -> list[str]:
    """All that is written about a source in which secrets may be referred to."""
    pull = settings.pull
    more = [pull.url or "", *pull.headers.values(), *pull.options.values()] if pull else []
    return [settings.path, *more]


def digest_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
