//! A connection of any type of the `redis` crate that a claim can clone.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, Value};

/// A connection. It is cloned for every claim, so it is small.
#[derive(Clone)]
pub(super) struct Connected {
    pub(super) connection: AnyConnection,
    /// Whether it leads to several servers, any of which may fail alone.
    pub(super) of_a_cluster: bool,
}

/// A connection of any type of the `redis` crate.
pub(super) enum AnyConnection {
    /// The usual type, which a claim clones without an allocation.
    Multiplexed(MultiplexedConnection),
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

    fn as_connection(&mut self) -> &mut dyn ConnectionLike {
        match self {
            Self::Multiplexed(connection) => connection,
            Self::Other(connection) => &mut **connection,
        }
    }
}

impl Clone for AnyConnection {
    fn clone(&self) -> Self {
        match self {
            Self::Multiplexed(connection) => Self::Multiplexed(connection.clone()),
            Self::Other(connection) => Self::Other((**connection).duplicate()),
        }
    }
}

impl ConnectionLike for AnyConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        self.as_connection().req_packed_command(cmd)
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
            Self::Multiplexed(connection) => connection.get_db(),
            Self::Other(connection) => connection.get_db(),
        }
    }
}
