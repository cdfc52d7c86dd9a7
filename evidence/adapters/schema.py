"""The ledger's tables, and the rules inside the database that keep them append-only.

Triggers and roles are hygiene: whoever owns the database can drop them. The proof is the witnessed log.

On PostgreSQL the owner migrates, and the application's role may INSERT and SELECT what is evidence; only leases
(which carry no evidence) and delivered messages may change. Disclosures may be deleted, because the law can demand
it (protocols.md 5), but only by the owner so far, and nobody may change one.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Engine,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

METADATA = MetaData()

# RFC 6962 indices; SQLite wants plain INTEGER for its rowid.
_Index = BigInteger().with_variant(Integer(), "sqlite")
# Origins and digests are compared byte for byte, whatever the cluster's locale says.
_Name = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

LEASES = Table(
    "leases",
    METADATA,
    Column("origin", _Name, primary_key=True),
    Column("epoch", _Index, nullable=False),
    Column("owner", Text, nullable=False),
    Column("expires", Double().with_variant(sqlite.REAL(), "sqlite"), nullable=False),
    sqlite_strict=True,
)
ENTRIES = Table(
    "entries",
    METADATA,
    Column("origin", _Name, primary_key=True),
    Column("n", _Index, primary_key=True),
    Column("act_id", LargeBinary),
    Column("leaf", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("origin", "act_id"),
    sqlite_strict=True,
)
DISCLOSURES = Table(
    "disclosures",
    METADATA,
    Column("origin", _Name, primary_key=True),
    Column("digest", _Name, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_strict=True,
)
CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("origin", _Name, primary_key=True),
    Column("size", _Index, primary_key=True),
    Column("note", LargeBinary, nullable=False),
    sqlite_strict=True,
)
COSIGNATURES = Table(
    "cosignatures",
    METADATA,
    Column("id", _Index, primary_key=True, autoincrement=True),
    Column("origin", _Name, nullable=False),
    Column("size", _Index, nullable=False),
    Column("key", Text, nullable=False),
    Column("line", Text, nullable=False),
    UniqueConstraint("origin", "size", "key"),
    ForeignKeyConstraint(["origin", "size"], ["checkpoints.origin", "checkpoints.size"]),
    sqlite_strict=True,
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", _Index, primary_key=True, autoincrement=True),
    Column("origin", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_strict=True,
)

_EVIDENCE = ("entries", "checkpoints", "cosignatures")

_GRANTS = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT ON entries, checkpoints, cosignatures, disclosures TO {role}",
    "GRANT SELECT, INSERT, UPDATE ON leases TO {role}",
    "GRANT SELECT, INSERT, DELETE ON outbox TO {role}",
    "GRANT USAGE ON SEQUENCE cosignatures_id_seq, outbox_id_seq TO {role}",
)


def migrate(engine: Engine, app_role: str | None = None) -> None:
    """Create what is missing; `engine` connects as the owner. Safe to repeat, also by two processes at once."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # One migration at a time; the number is "tongping" on a telephone's keys.
            connection.execute(text("SELECT pg_advisory_xact_lock(86647464)"))
        if not inspect(connection).has_table("outbox"):
            METADATA.create_all(connection)
            for statement in _rules(engine.dialect.name):
                connection.execute(text(statement))
        if app_role is not None:
            _grant(connection, app_role)


def _grant(connection: Connection, app_role: str) -> None:
    quoted = connection.dialect.identifier_preparer.quote(app_role)
    for statement in _GRANTS:
        connection.execute(text(statement.format(role=quoted)))


def _rules(dialect: str) -> list[str]:
    once, each = (_POSTGRESQL, _POSTGRESQL_EACH) if dialect == "postgresql" else (_SQLITE, _SQLITE_EACH)
    return [*once, *(rule.format(table=table) for table in _EVIDENCE for rule in each)]


_SQLITE = (
    # Also stops INSERT OR REPLACE, whose hidden delete fires no delete trigger.
    """CREATE TRIGGER entries_in_a_row BEFORE INSERT ON entries
       WHEN new.n <> (SELECT coalesce(max(n) + 1, 0) FROM entries WHERE origin = new.origin)
       BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
    """CREATE TRIGGER checkpoints_once BEFORE INSERT ON checkpoints
       WHEN EXISTS (SELECT 1 FROM checkpoints WHERE origin = new.origin AND size = new.size)
       BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
    """CREATE TRIGGER cosignatures_once BEFORE INSERT ON cosignatures
       WHEN EXISTS (SELECT 1 FROM cosignatures
                    WHERE id = new.id OR (origin = new.origin AND size = new.size AND key = new.key))
       BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
    """CREATE TRIGGER disclosures_fixed BEFORE UPDATE ON disclosures
       BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
)
_SQLITE_EACH = (
    """CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
       BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
    """CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
       BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$""",
    """CREATE FUNCTION demand_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF new.n <> (SELECT coalesce(max(n) + 1, 0) FROM entries WHERE origin = new.origin)
       THEN RAISE EXCEPTION 'the log is append-only'; END IF; RETURN new; END $$""",
    "CREATE TRIGGER entries_in_a_row BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION demand_row()",
    # ALWAYS, else session_replication_role = replica would skip it; so everywhere.
    "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_in_a_row",
    """CREATE TRIGGER disclosures_fixed BEFORE UPDATE ON disclosures
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    "ALTER TABLE disclosures ENABLE ALWAYS TRIGGER disclosures_fixed",
)
_POSTGRESQL_EACH = (
    """CREATE TRIGGER {table}_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_fixed",
)
