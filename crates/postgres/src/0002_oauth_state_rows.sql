-- The rows of logins with their data in Postgres, for PostgresPayloadStore of the crate oauth-state-postgres. PostgreSQL 11
-- or later. May be run again.
--
-- One row for each started login, encrypted by the service. It is written once, read at the callback, and deleted in batches
-- after it has expired, by any number of servers at once.
--
-- The least rights of the service's role:
--   GRANT SELECT, INSERT ON oauth_state_rows TO service;
-- and of the role that cleans up (the service's own, unless purging is turned off):
--   GRANT SELECT, UPDATE, DELETE ON oauth_state_rows TO service;

SELECT pg_advisory_xact_lock(7886763431052369012); -- two servers that start at once take turns

CREATE TABLE IF NOT EXISTS oauth_state_rows (
    id         bytea  PRIMARY KEY CHECK (octet_length(id) = 16),
    value      bytea  NOT NULL, -- ciphertext
    keep_until bigint NOT NULL  -- Unix seconds
);

CREATE INDEX IF NOT EXISTS oauth_state_rows_keep_until ON oauth_state_rows (keep_until);
