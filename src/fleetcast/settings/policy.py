"""The policy of a workspace: who may release what, and what its code may bring with it; read from `policy.toml`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from fleetcast.settings.tree import Branch, Share

Person = Annotated[
    str, Field(pattern=r"^[^\s,*?!#\"]+$")
]  # as git and signatures name them, often an address
Change = Literal["code", "features", "settings", "dependencies", "policy", "data"]


class PromotionPolicy(Branch):
    """What it takes to make a release live in an environment."""

    approvals: int = Field(0, ge=0)  # signed, none by an author of what is released
    people: tuple[Person, ...] = ()  # who may approve; empty: everybody who has a key
    unattended: tuple[Change, ...] = ("data",)  # changes that need nobody while every gate passes
    look_at_segments: Share = 1.0  # share of segments whose model changes, above which data need people too
    look_at_volume: float = Field(0.2, ge=0)  # change of the forecast volume, above which they do


class ProdPolicy(PromotionPolicy):
    """What it takes in prod, where it is not written otherwise: two people."""

    approvals: int = Field(2, ge=0)


class Promotion(Branch):
    """What it takes, by environment."""

    dev: PromotionPolicy = PromotionPolicy()
    prod: ProdPolicy = ProdPolicy()

    def of(self, environment: str) -> PromotionPolicy:
        return self.prod if environment == "prod" else self.dev


class Signer(Branch):
    """A person's public key, as OpenSSH writes it."""

    key: str = Field(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp256|sk-ssh-ed25519@openssh\.com|ssh-rsa) \S+$")


class LicencePolicy(Branch):
    """Which licences a dependency may have, as SPDX spells them."""

    allowed: tuple[str, ...] = (
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "0BSD",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "Zlib",
        "CC0-1.0",
    )
    known: dict[str, str] = Field(
        default_factory=dict
    )  # package → licence, where its own metadata does not say it


class Waiver(Branch):
    """An advisory that is known and borne, until a day, for a reason."""

    advisory: str
    until: date
    reason: str = Field(min_length=1)


class AdvisoryPolicy(Branch):
    """How dependencies are held against published advisories."""

    required: bool = False  # whether code validation has to be given some
    maximum_age_days: int = Field(7, ge=0)  # of the advisories themselves: older ones prove nothing
    waived: tuple[Waiver, ...] = ()


class DataPolicy(Branch):
    """Which changes of data pass by themselves."""

    people: tuple[Person, ...] = ()  # who may acknowledge what does not; empty: everybody
    correction_weeks: int = Field(13, ge=0)  # weeks back from the newest that corrections may touch
    volume: float = Field(
        0.2, ge=0
    )  # change of a table's rows or sums in weeks already known, above which it blocks


class SecretPolicy(Branch):
    """What the scan for secrets passes over."""

    ignored_paths: tuple[str, ...] = ()  # globs


class Policy(Branch):
    """All of `policy.toml`."""

    schema_: Literal[1] = Field(1, alias="schema")
    promotion: Promotion = Promotion()
    signers: dict[Person, Signer] = Field(default_factory=dict)
    licences: LicencePolicy = LicencePolicy()
    advisories: AdvisoryPolicy = AdvisoryPolicy()
    secrets: SecretPolicy = SecretPolicy()
    data: DataPolicy = DataPolicy()

    @property
    def keys(self) -> dict[str, str]:
        """Public keys by person."""
        return {person: signer.key for person, signer in self.signers.items()}
