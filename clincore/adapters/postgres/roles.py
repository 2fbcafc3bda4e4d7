"""The roles of a deployment and its database, as a script for psql (15 or newer: it reads the environment)."""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg import sql

from clincore.domain.errors import InvalidInput, Problem

_NAME_BYTES: Final = 63
_SCRIPT: Final[
    LiteralString
] = r"""-- The roles of a ClinCore deployment and its database; psql runs it, as a superuser.
-- It may be run again. A password is set where psql's environment names one:
--   CLINCORE_OWNER_PASSWORD, CLINCORE_SERVICE_PASSWORD, CLINCORE_BACKUP_PASSWORD
\set ON_ERROR_STOP on
\getenv owner_password CLINCORE_OWNER_PASSWORD
\getenv service_password CLINCORE_SERVICE_PASSWORD
\getenv backup_password CLINCORE_BACKUP_PASSWORD

SET client_min_messages = warning;
-- No password is to be found in the server's log.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';

SELECT 'CREATE ROLE ' || quote_ident(name)
FROM (VALUES ({owner_text}), ({service_text}), ({backup_text})) AS roles (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

-- Owns the database and runs the migrations. FORCE binds it to row-level security like everybody.
ALTER ROLE {owner} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
-- Serves: it has the rights that the migrations grant, and no others.
ALTER ROLE {service} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
-- Makes backups: row-level security would leave rows out of them. It reads everything and writes nothing.
ALTER ROLE {backup} LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE {backup} SET default_transaction_read_only = on;
GRANT pg_read_all_data TO {backup};

\if :{{?owner_password}}
ALTER ROLE {owner} PASSWORD :'owner_password';
\endif
\if :{{?service_password}}
ALTER ROLE {service} PASSWORD :'service_password';
\endif
\if :{{?backup_password}}
ALTER ROLE {backup} PASSWORD :'backup_password';
\endif

SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', {database_text}, {owner_text})
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {database_text}) \gexec
ALTER DATABASE {database} OWNER TO {owner};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {service}, {backup};
"""


def roles_script(*, database: str, owner: str, service: str, backup: str) -> str:
    """Return the script; raises InvalidInput for names that PostgreSQL would cut, and for one name in two roles."""
    names = {"database": database, "owner": owner, "service": service, "backup": backup}
    problems = [
        Problem(name, f"must be 1 to {_NAME_BYTES} bytes long, without control characters")
        for name, value in names.items()
        if not value.isprintable() or not 1 <= len(value.encode()) <= _NAME_BYTES
    ]
    if len({owner, service, backup}) < len((owner, service, backup)):
        problems.append(Problem("owner, service, backup", "must be three different roles"))
    if problems:
        raise InvalidInput(problems)
    parts: dict[str, sql.Composable] = {name: sql.Identifier(value) for name, value in names.items()}
    parts |= {f"{name}_text": sql.Literal(value) for name, value in names.items()}
    return sql.SQL(_SCRIPT).format(**parts).as_string(None)
