//! The table of marks: its schema, the two statements, and the row of a mark.

use oauth_state::guard::Mark;

use crate::unix_seconds;

/// Seconds of expiry times that share a partition.
const BUCKET_SECONDS: u64 = 512;
/// Partitions, used in turn: together 8,192 seconds. Between a partition's turns nothing is put into it for 3,180 seconds at
/// least, of which its last marks live for three times the skew: 180 as a rule, and 2,700 at most.
pub(super) const PARTITIONS: u64 = 16;

/// The migration that makes the table `oauth_state_marks` and its 16 partitions: `0001_oauth_state_marks.sql`. It may be
/// run again. [`PostgresGuardBuilder::create_tables`](crate::PostgresGuardBuilder::create_tables) runs it.
///
/// # Examples
///
/// ```
/// assert!(oauth_state_postgres::SCHEMA.contains("CREATE TABLE IF NOT EXISTS oauth_state_marks"));
/// ```
pub const SCHEMA: &str = include_str!("0001_oauth_state_marks.sql");

/// Puts a mark in unless there is one: one row affected is the first use. Of the row's
/// [`bucket`](MarkRow::bucket), [`id`](MarkRow::id), [`value`](MarkRow::value), [`keep_until`](MarkRow::keep_until).
///
/// The conflict names the primary key: over a table that has lost it the statement fails, and does not call everybody the
/// first. Run it in a transaction of its own on the primary, and let it be committed before the code is exchanged.
///
/// # Examples
///
/// ```
/// assert!(oauth_state_postgres::INSERT.ends_with("ON CONFLICT (bucket, id) DO NOTHING"));
/// ```
pub const INSERT: &str = "INSERT INTO oauth_state_marks (bucket, id, value, keep_until) VALUES ($1, $2, $3, $4) ON CONFLICT (bucket, id) DO NOTHING";

/// Where [`INSERT`] affected no row: the value that is there, of the row's [`bucket`](MarkRow::bucket) and
/// [`id`](MarkRow::id). A statement of its own, after the other has ended, because a snapshot that was taken before may not
/// show the winner's row. Give it to [`Mark::seen_after_insert`].
///
/// # Examples
///
/// ```
/// assert!(oauth_state_postgres::FIND.starts_with("SELECT value"));
/// ```
pub const FIND: &str = "SELECT value FROM oauth_state_marks WHERE bucket = $1 AND id = $2";

/// The row of a mark, for those who ask from a pool of their own.
///
/// # Examples
///
/// ```
/// use oauth_state::testing::sample_mark;
/// use oauth_state_postgres::MarkRow;
/// let row = MarkRow::of(&sample_mark());
/// assert_eq!((row.id.len(), row.value.len()), (16, 16));
/// // The sealed expiry chooses the partition: the same in every callback of one state.
/// assert_eq!(row.bucket, (1_800_000_600 / 512 % 16) as i16);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MarkRow {
    /// Which partition, 0 to 15.
    pub bucket: i16,
    /// The replay id, 16 bytes.
    pub id: [u8; 16],
    /// [`Mark::value`].
    pub value: String,
    /// When the mark may be purged, in Unix seconds. From the sealed expiry, not from anybody's clock: an absolute time in a
    /// row cannot fail to be stored, as one that has passed would in Redis.
    pub keep_until: i64,
}

impl MarkRow {
    /// The row of this mark.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::testing::sample_mark;
    /// use oauth_state_postgres::MarkRow;
    /// assert_eq!(MarkRow::of(&sample_mark()).keep_until, 1_800_000_780);
    /// ```
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

/// Whether the states of a partition's last turn have all expired at `now`. Before that a look at its rows is in vain.
#[cfg(any(feature = "client", test))]
pub(super) fn turn_is_over(partition: u64, now: u64) -> bool {
    // Some state that expires up to an hour and the skew from now belongs into it.
    let furthest = now.saturating_add(3_600 + 900) / BUCKET_SECONDS;
    (now / BUCKET_SECONDS..=furthest).all(|window| window % PARTITIONS != partition)
}

#[cfg(test)]
mod tests;
