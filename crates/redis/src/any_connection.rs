//! A connection of any type of the `redis` crate that a claim can clone.

use std::sync::Arc;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, Value, cmd};
use tokio::task::AbortHandle;

/// A connection. It is cloned for every claim, so it is small.
#[derive(Clone)]
pub(super) struct Connected {
    pub(super) connection: AnyConnection,
    /// Whether it leads to several servers, any of which may fail alone. Only the caller's own connection can.
    pub(super) of_a_cluster: bool,
    /// The task that renews its credentials, which ends when the last clone is dropped.
    #[expect(dead_code, reason = "held for its drop")]
    pub(super) renewing: Option<Arc<Renewing>>,
}

/// A task that ends with the connection it serves.
pub(super) struct Renewing(pub(super) AbortHandle);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection of any type of the `redis` crate.
pub(super) enum AnyConnection {
    /// The usual type, which a claim clones without an allocation.
    Multiplexed(MultiplexedConnection),
    /// The same to a node of a cluster that is taking over a slot: it answers a command for it only right after `ASKING`.
    Asking(MultiplexedConnection),
    Other(Box<dyn Clonable>),
}

pub(super) trait Clonable: ConnectionLike + Send + Sync {
    fn duplicate(&self) -> Box<dyn Clonable>;
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Clonable for C {
    fn duplicate(&self) -> Box<dyn Clonable> {
        Box::new(self.clone())
    }
}

impl AnyConnection {
    pub(super) fn new(connection: impl ConnectionLike + Clone + Send + Sync + 'static) -> Self {
        Self::Other(Box::new(connection))
    }

    /// This connection, with `ASKING` in front of each command.
    pub(super) fn asking(self) -> Self {
        match self {
            Self::Multiplexed(connection) => Self::Asking(connection),
            other => other,
        }
    }

    fn as_connection(&mut self) -> &mut dyn ConnectionLike {
        match self {
            Self::Multiplexed(connection) | Self::Asking(connection) => connection,
            Self::Other(connection) => &mut **connection,
        }
    }
}

impl Clone for AnyConnection {
    fn clone(&self) -> Self {
        match self {
            Self::Multiplexed(connection) => Self::Multiplexed(connection.clone()),
            Self::Asking(connection) => Self::Asking(connection.clone()),
            Self::Other(connection) => Self::Other((**connection).duplicate()),
        }
    }
}

impl ConnectionLike for AnyConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            // One message: a command of another caller must not come between the two.
            Self::Asking(connection) => {
                let mut pipeline = Pipeline::with_capacity(2);
                pipeline.add_command(self::cmd("ASKING")).add_command(cmd.clone());
                let connection = connection.clone();
                Box::pin(last_of(connection, pipeline))
            }
            _ => self.as_connection().req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.as_connection().req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Multiplexed(connection) | Self::Asking(connection) => connection.get_db(),
            Self::Other(connection) => connection.get_db(),
        }
    }
}

/// The last reply of a pipeline of two commands.
async fn last_of(mut connection: MultiplexedConnection, pipeline: Pipeline) -> redis::RedisResult<Value> {
    let replies = connection.req_packed_commands(&pipeline, 1, 1).await?;
    replies.into_iter().next().unwrap_or(Value::Nil).extract_error()
}
