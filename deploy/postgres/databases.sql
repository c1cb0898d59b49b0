-- Runs once, when the volume is new: a role and databases for each of the two that share the
-- server, so that neither can read the other's. The passwords come from the environment.
\getenv handoff_password POSTGRES_HANDOFF_PASSWORD
\getenv temporal_password POSTGRES_TEMPORAL_PASSWORD

CREATE ROLE handoff LOGIN PASSWORD :'handoff_password';
CREATE DATABASE handoff OWNER handoff;
REVOKE ALL ON DATABASE handoff FROM PUBLIC;
-- Taken on within transactions, so that PostgreSQL itself shows each request one account's rows.
CREATE ROLE handoff_tenant NOLOGIN;
CREATE ROLE handoff_lookup NOLOGIN;
GRANT handoff_tenant, handoff_lookup TO handoff;

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE temporal FROM PUBLIC;
REVOKE ALL ON DATABASE temporal_visibility FROM PUBLIC;
