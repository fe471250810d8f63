-- The marks of used states, for PostgresGuard of the crate oauth-state-postgres. PostgreSQL 11 or later. May be run again.
--
-- One row for each used state, in one of 16 partitions. The partition depends only on the state's sealed expiry,
-- (expiry / 512) % 16, so every callback of one state uses the same one. TRUNCATE empties a partition once all its marks
-- have expired. No partition is created or dropped while the service runs.
--
-- The least rights of the service's role:
--   GRANT SELECT, INSERT ON oauth_state_marks TO service;
-- and of the role that purges (the service's own, unless purging is turned off), for each of the 16 partitions:
--   GRANT SELECT, TRUNCATE ON oauth_state_marks_00 TO service;

SELECT pg_advisory_xact_lock(7886763431052369012); -- two servers that start at once take turns

CREATE TABLE IF NOT EXISTS oauth_state_marks (
    bucket     smallint NOT NULL CHECK (bucket BETWEEN 0 AND 15),
    id         bytea    NOT NULL CHECK (octet_length(id) = 16),
    value      text     NOT NULL, -- opaque: the first claimant and the time
    keep_until bigint   NOT NULL, -- Unix seconds: the state's expiry and three times the skew
    PRIMARY KEY (bucket, id)
) PARTITION BY LIST (bucket);

CREATE TABLE IF NOT EXISTS oauth_state_marks_00 PARTITION OF oauth_state_marks FOR VALUES IN (0);
CREATE TABLE IF NOT EXISTS oauth_state_marks_01 PARTITION OF oauth_state_marks FOR VALUES IN (1);
CREATE TABLE IF NOT EXISTS oauth_state_marks_02 PARTITION OF oauth_state_marks FOR VALUES IN (2);
CREATE TABLE IF NOT EXISTS oauth_state_marks_03 PARTITION OF oauth_state_marks FOR VALUES IN (3);
CREATE TABLE IF NOT EXISTS oauth_state_marks_04 PARTITION OF oauth_state_marks FOR VALUES IN (4);
CREATE TABLE IF NOT EXISTS oauth_state_marks_05 PARTITION OF oauth_state_marks FOR VALUES IN (5);
CREATE TABLE IF NOT EXISTS oauth_state_marks_06 PARTITION OF oauth_state_marks FOR VALUES IN (6);
CREATE TABLE IF NOT EXISTS oauth_state_marks_07 PARTITION OF oauth_state_marks FOR VALUES IN (7);
CREATE TABLE IF NOT EXISTS oauth_state_marks_08 PARTITION OF oauth_state_marks FOR VALUES IN (8);
CREATE TABLE IF NOT EXISTS oauth_state_marks_09 PARTITION OF oauth_state_marks FOR VALUES IN (9);
CREATE TABLE IF NOT EXISTS oauth_state_marks_10 PARTITION OF oauth_state_marks FOR VALUES IN (10);
CREATE TABLE IF NOT EXISTS oauth_state_marks_11 PARTITION OF oauth_state_marks FOR VALUES IN (11);
CREATE TABLE IF NOT EXISTS oauth_state_marks_12 PARTITION OF oauth_state_marks FOR VALUES IN (12);
CREATE TABLE IF NOT EXISTS oauth_state_marks_13 PARTITION OF oauth_state_marks FOR VALUES IN (13);
CREATE TABLE IF NOT EXISTS oauth_state_marks_14 PARTITION OF oauth_state_marks FOR VALUES IN (14);
CREATE TABLE IF NOT EXISTS oauth_state_marks_15 PARTITION OF oauth_state_marks FOR VALUES IN (15);

-- A later release can tell by it which version it finds. A role that runs this again need not own the table.
DO $$ BEGIN
    COMMENT ON TABLE oauth_state_marks IS 'Used states of oauth-state, version 1';
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
