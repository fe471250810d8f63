//! The login's data changes shape while old and new servers run at the same time.

use std::sync::Arc;

use oauth_state::{Binding, Login};
use serde::{Deserialize, Serialize};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;

use crate::stores::{Data, Fleet, Kind, OWNER, Server, Servers};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Plain {
    path: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Added {
    path: String,
    #[serde(default)]
    theme: u8,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Longer {
    path: String,
    theme: u8,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Renamed {
    target: String,
}

fn plain() -> Plain {
    Plain { path: "/here".to_owned() }
}

pub async fn of_each(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(kind, servers)?;
    let f = &fleet;
    // A field with a default: readable both ways.
    reads(f, plain(), Added { path: "/here".to_owned(), theme: 0 }).await?;
    reads(f, Added { path: "/here".to_owned(), theme: 3 }, plain()).await?;
    // A field is removed: older logins are still readable, but an old server misses the field.
    reads(f, Longer { path: "/here".to_owned(), theme: 3 }, plain()).await?;
    refuses::<_, Longer>(f, plain(), "removed", || Longer { path: "/x".to_owned(), theme: 1 }).await?;
    // Renamed without an alias: readable neither way.
    refuses::<_, Renamed>(f, plain(), "renamed", || Renamed { target: "/x".to_owned() }).await?;
    refuses::<_, Plain>(f, Renamed { target: "/here".to_owned() }, "renamed back", plain).await?;
    // From nothing to something, and back.
    refuses::<_, Plain>(f, (), "nothing to a struct", plain).await?;
    refuses::<_, ()>(f, plain(), "a struct to nothing", || ()).await?;
    let kept =
        if kind == Kind::Sealed { "nothing is used up: the old server still finishes it" } else { "it is used up" };
    Ok(format!("3 changes read, 5 refused as `data` with a restart that works; {kept}"))
}

/// Started by a server of one release, finished by one of another.
async fn reads<A: Data, B: Data + PartialEq + std::fmt::Debug>(
    fleet: &Fleet,
    begun: A,
    read: B,
) -> Result<(), Failure> {
    let (before, after): (Server<A>, Server<B>) = (fleet.server().await?, fleet.server().await?);
    let state = before.state(begun).await?;
    let login = after.finish(&state).await?;
    ensure!(login.data == read, "{:?}, not {read:?}", login.data);
    Ok(())
}

async fn refuses<A: Data, B: Data>(fleet: &Fleet, begun: A, what: &str, fresh: fn() -> B) -> Result<(), Failure> {
    let (before, after): (Server<A>, Server<B>) = (fleet.server().await?, fleet.server().await?);
    let state = before.state(begun).await?;
    let error = after.finish(&state).await.err().ok_or_else(|| format!("{what}: it was read"))?;
    ensure!(error.code() == "data", "{what}: {}", error.code());
    let restart = error.restart().filter(|restart| restart.is_automatic()).ok_or("no restart is offered")?;
    let login = Login::with("github").data(fresh()).restarting(restart);
    let again = after.store.issue(Binding::session(OWNER)?, login).await?;
    after.expect(&again.state, "finished", "the restarted login").await?;
    // A sealed state's data is read before it is marked; a row is read after.
    let then = if fleet.kind == Kind::Sealed { "finished" } else { "already_used" };
    before.expect(&state, then, what).await
}
