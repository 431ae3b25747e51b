"""The tables of people. The migrations make them; a test holds the two together."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, MetaData, Table, Text

from fleetcast.ledger import schema
from fleetcast.ledger.schema import Moment

metadata = MetaData()

# What was done to accounts and by them: hash-chained as in a ledger, and here because people belong to no environment.
audit = schema.audit.to_metadata(metadata)

accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("regions", Text),  # JSON; none: all
    Column("password", Text),  # argon2id; none: cannot sign in by one
    Column("identity", Text, unique=True),  # issuer and subject, of who signs in elsewhere
    Column("disabled", Boolean, nullable=False),
    Column("created", Moment, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account", Text, ForeignKey("accounts.name"), nullable=False),
    Column("expires", Moment, nullable=False),
    Index("sessions_by_account", "account"),
)

# A session that waits to be begun, once.
links = Table(
    "links",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account", Text, ForeignKey("accounts.name"), nullable=False),
    Column("expires", Moment, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("account", Text, ForeignKey("accounts.name"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("regions", Text),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("revoked", Moment),
    Index("tokens_by_account", "account"),
)

# Sign-ins that are under way with a provider; nothing here lets anybody in.
departures = Table(
    "departures",
    metadata,
    Column("state", Text, primary_key=True),
    Column("onward", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("expires", Moment, nullable=False),
    Index("departures_by_address", "address"),
)

# Sign-ins that failed, by what they are counted for: an account, an address.
attempts = Table(
    "attempts",
    metadata,
    Column("key", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("attempts_by_key", "key", "at"),
)
