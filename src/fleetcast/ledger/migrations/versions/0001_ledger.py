"""The ledger as first released."""

import sqlalchemy as sa
from alembic import op

from fleetcast.ledger.dialects import refuse_changes

revision = "0001"
down_revision = None


def upgrade() -> None:
    _audit()
    _releases()
    _models()
    _work()
    dialect = op.get_bind().dialect.name
    fixed = ("name", "segment", "week", "number", "kind", "content", "manifest")
    for statement in (
        *refuse_changes(dialect, "audit"),
        *refuse_changes(dialect, "releases"),
        *refuse_changes(dialect, "moves"),
        *refuse_changes(dialect, "models", fixed),
    ):
        op.execute(statement)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *_texts("at", "actor", "action", "subject", "reason"),
        *_texts("before", "after", nullable=True),
        *_texts("policy", "previous", "hash"),
    )
    op.create_index("audit_by_action", "audit", ["action"])
    op.create_index("audit_by_subject", "audit", ["subject"])


def _releases() -> None:
    op.create_table(
        "releases",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("kind"),
        sa.Column("parent", sa.Text, sa.ForeignKey("releases.id")),
        *_texts("manifest", "cut_at"),
        _audited(),
    )
    op.create_table(
        "moves",
        sa.Column("audited", sa.Integer, sa.ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
        *_texts("at"),
        sa.Column("release", sa.Text, sa.ForeignKey("releases.id"), nullable=False),
    )


def _models() -> None:
    op.create_table(
        "models",
        sa.Column("name", sa.Text, primary_key=True),
        *_texts("segment", "week"),
        sa.Column("number", sa.Integer, nullable=False),
        *_texts("kind", "content", "manifest", "state"),
        _audited(),
        sa.UniqueConstraint("segment", "week", "number"),
    )
    op.create_index("models_by_state", "models", ["state"])
    op.create_index("models_by_week", "models", ["week"])


def _work() -> None:
    op.create_table(
        "cycles",
        sa.Column("cycle", sa.Text, primary_key=True),
        *_texts("state"),
        *_integers("attempt"),
        *_texts("started"),
        *_texts("ended", nullable=True),
        *_texts("summary"),
    )
    op.create_table(
        "steps",
        *_texts("cycle", "step", "part", "input_digest"),
        *_texts("output_digest", nullable=True),
        *_texts("state"),
        *_integers("attempt", "epoch"),
        *_texts("error", nullable=True),
        *_texts("started"),
        *_texts("ended", nullable=True),
        sa.PrimaryKeyConstraint("cycle", "step", "part"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        *_texts("owner", "host"),
        *_integers("pid", "epoch"),
        *_texts("expires"),
    )


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def _audited() -> sa.Column[int]:
    return sa.Column("audited", sa.Integer, sa.ForeignKey("audit.seq"), nullable=False)
