"""The ledger's tables. The migrations make them; a test holds the two together."""

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Moment(TypeDecorator[datetime]):
    """A UTC moment as ISO text of fixed width: it sorts as time does, and hashes alike in every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, _: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

# What was done, by whom and why: hash-chained, insert-only.
audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("policy", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("audit_by_action", "action"),
    Index("audit_by_subject", "subject"),
)

# Manifests of whole fleets, by digest: insert-only.
releases = Table(
    "releases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("parent", Text, ForeignKey("releases.id")),
    Column("manifest", Text, nullable=False),
    Column("cut_at", Moment, nullable=False),
    Column("audited", Integer, ForeignKey("audit.seq"), nullable=False),
)

# Every move of the environment pointer, insert-only; the last one is where it points.
moves = Table(
    "moves",
    metadata,
    Column("audited", Integer, ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("release", Text, ForeignKey("releases.id"), nullable=False),
)

# Model versions: only `state` may change, and `audited` then names the record that says so.
models = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("segment", Text, nullable=False),
    Column("week", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("audited", Integer, ForeignKey("audit.seq"), nullable=False),
    UniqueConstraint("segment", "week", "number"),
    Index("models_by_state", "state"),
    Index("models_by_week", "week"),
)

# One row per cycle; one row per step of it, fenced by its epoch.
cycles = Table(
    "cycles",
    metadata,
    Column("cycle", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started", Moment, nullable=False),
    Column("ended", Moment),
    Column("summary", Text, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("cycle", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("input_digest", Text, nullable=False),
    Column("output_digest", Text),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("error", Text),
    Column("started", Moment, nullable=False),
    Column("ended", Moment),
    Column("cpu_seconds", Float),
    Column("wall_seconds", Float),
    Column("peak_mb", Float),
    PrimaryKeyConstraint("cycle", "step", "part"),
)

# Who approved which release, with the signature that says so: insert-only.
approvals = Table(
    "approvals",
    metadata,
    Column("release", Text, ForeignKey("releases.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("audited", Integer, ForeignKey("audit.seq"), nullable=False),
    PrimaryKeyConstraint("release", "person"),
)

# Challengers that are scored beside the champion; `audited` names the record that says what became of each.
shadows = Table(
    "shadows",
    metadata,
    Column("asked", Integer, ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    Column("release", Text, ForeignKey("releases.id"), nullable=False),
    Column("first", Text, nullable=False),
    Column("cycles", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("promotes", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("decision", Text),
    Column("evidence", Text),
    Column("audited", Integer, ForeignKey("audit.seq"), nullable=False),
)

# What went wrong, and what became of it; `audited` names the record of its last change of state.
incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("opened", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("closed", Text),
    Column("closed_by", Text),
    Column("owner", Text),
    Column("notes", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("audited", Integer, ForeignKey("audit.seq"), nullable=False),
    Index("incidents_by_state", "state"),
)

# What people decided about orders, each under the audit record that says who, when and why: insert-only.
overrides = Table(
    "overrides",
    metadata,
    Column("audited", Integer, ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    Column("cycle", Text, nullable=False),
    Column("week", Text, nullable=False),
    Column("store", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("recommended", Float),
    Column("decision", Text, nullable=False),
    Column("units", Float),
    Index("overrides_by_cycle", "cycle"),
)

# What people are told, once per channel, and whether it got there.
notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("message", Text, nullable=False),
    Column("sent", Moment),
    Column("tries", Integer, nullable=False),
    Column("due", Moment),
    Column("given_up", Moment),
    Column("error", Text, nullable=False),
    Index("notices_by_sent", "sent"),
)

# Trials beside production, by digest of what was asked: insert-only.
experiments = Table(
    "experiments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("rows", Text, nullable=False),
    Index("experiments_by_kind", "kind"),
)

# Who may act alone under a name, and until when; a row is never removed, so that epochs only grow.
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("expires", Moment, nullable=False),
)
