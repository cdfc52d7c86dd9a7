"""Tables of the operational database: what a running installation has to remember and no log ever holds."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from evidence.adapters.database import open_engine
from evidence.errors import Unavailable


def prepare_tables(tables: sa.MetaData, url: str, *, app_role: str | None = None) -> None:
    """Create the tables; `url` connects as their owner, and `app_role` may use them. Safe to repeat."""
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            tables.create_all(connection)
            if app_role is None:
                return
            role = connection.dialect.identifier_preparer.quote(app_role)
            for table in tables.sorted_tables:
                connection.execute(sa.text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {role}"))
                number = table.autoincrement_column
                if number is not None:
                    connection.execute(sa.text(f"GRANT USAGE ON SEQUENCE {table.name}_{number.name}_seq TO {role}"))
    except SQLAlchemyError as error:
        raise Unavailable("the database could not be prepared") from error
    finally:
        engine.dispose()
