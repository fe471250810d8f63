//! The table of marks: its schema, the two statements, and the row of a mark.

use oauth_state::guard::Mark;

use crate::unix_seconds;

/// Seconds of expiry times that share a partition.
const BUCKET_SECONDS: u64 = 512;
/// The number of partitions, used in turn: together 8,192 seconds. Between two turns, nothing is inserted into a
/// partition for at least 3,180 seconds. Its last marks live for three times the skew: 180 seconds by default, and up
/// to 2,700.
pub(super) const PARTITIONS: u64 = 16;

/// The migration that creates the table `oauth_state_marks` and its 16 partitions: `0001_oauth_state_marks.sql`. You
/// may run it again. [`PostgresGuardBuilder::create_tables`](crate::PostgresGuardBuilder::create_tables) runs it for
/// you.
pub const SCHEMA: &str = include_str!("0001_oauth_state_marks.sql");

/// Inserts a mark unless there is one: one row affected means the first use. The parameters are the row's
/// [`bucket`](MarkRow::bucket), [`id`](MarkRow::id), [`value`](MarkRow::value) and [`keep_until`](MarkRow::keep_until);
/// the [front page](crate) has an example.
///
/// The conflict clause names the primary key. If the table has lost it, the statement fails instead of reporting every
/// use as the first. Run it in its own transaction on the primary, and commit it before you exchange the code.
pub const INSERT: &str = "INSERT INTO oauth_state_marks (bucket, id, value, keep_until) VALUES ($1, $2, $3, $4) ON CONFLICT (bucket, id) DO NOTHING";

/// Reads the stored value if [`INSERT`] affected no row. The parameters are the row's [`bucket`](MarkRow::bucket) and
/// [`id`](MarkRow::id). Run it as a separate statement after [`INSERT`], because an earlier snapshot may not show the
/// winner's row. Pass the value to [`Mark::seen_after_insert`].
pub const FIND: &str = "SELECT value FROM oauth_state_marks WHERE bucket = $1 AND id = $2";

/// The row of a mark, for a guard over your own pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MarkRow {
    /// The partition, 0 to 15. It depends only on the sealed expiry, so it is the same for every callback of one state.
    pub bucket: i16,
    /// The replay id, 16 bytes.
    pub id: [u8; 16],
    /// [`Mark::value`].
    pub value: String,
    /// When the mark may be purged, in Unix seconds. It is derived from the sealed expiry and not from a clock, so a
    /// time in the past is stored like any other.
    pub keep_until: i64,
}

impl MarkRow {
    /// The row of this mark.
    #[must_use]
    pub fn of(mark: &Mark) -> Self {
        Self {
            bucket: bucket(unix_seconds(mark.expires_at())),
            id: *mark.id(),
            value: mark.value(),
            keep_until: i64::try_from(unix_seconds(mark.keep_until())).unwrap_or(i64::MAX),
        }
    }
}

fn bucket(expires_at: u64) -> i16 {
    // A remainder below 16 fits.
    i16::try_from(expires_at / BUCKET_SECONDS % PARTITIONS).unwrap_or_default()
}

/// Whether all states of a partition's last turn have expired at `now`. Before that, its rows need not be read.
#[cfg(any(feature = "client", test))]
pub(super) fn turn_is_over(partition: u64, now: u64) -> bool {
    // Some state that expires up to an hour and the skew from now belongs in it.
    let furthest = now.saturating_add(3_600 + 900) / BUCKET_SECONDS;
    (now / BUCKET_SECONDS..=furthest).all(|window| window % PARTITIONS != partition)
}

#[cfg(test)]
mod tests;
