//! One of the three servers: a flow over each source, logins to its peers, and responses to theirs.
//!
//! Each pair of processes has a connection for each source: it carries `state key`, and back a refusal's code or `ok`.
//! The process prints its observations: `failed SOURCE CODE KEY TIME`, `wrong SOURCE WHAT`, and counts at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use oauth_state::ring::{KeyRole, Refresh, RootKeyId};
use oauth_state::{
    App, BeginError, Binding, Callback, Clock, Expect, Flow, LiveKeyRing, Login, LoginOutcome, Provider,
    SingleProcessGuard,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::{FastClock, LIFETIME, PROPAGATION, on_the_wall};
use crate::places::Places;
use crate::{Failure, SOURCES};

const SESSION: &[u8] = b"the session id of this person";
/// Logins in progress at once, for each peer and source.
const AT_ONCE: u64 = 3;

/// A flow and its keys.
struct Shop {
    source: &'static str,
    keys: LiveKeyRing,
    flow: Flow,
    clock: FastClock,
    finished: AtomicU64,
    stopping: AtomicBool,
}

/// Starts logins until a line on standard input says to stop, and responds to its peers until that input ends.
pub async fn run(number: u32) -> Result<(), Failure> {
    let clock = FastClock::from_milliseconds(std::env::var("TRIAL_STARTED")?.parse()?);
    let places = Places::from_environment()?;
    let mut shops = Vec::new();
    for source in SOURCES {
        shops.push(Arc::new(Shop::open(source, number, &places, clock).await?));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?.port());
    tokio::spawn(answer(listener, shops.clone()));

    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let peers = input.next_line().await?.ok_or("no peers were named")?;
    let mut logins = Vec::new();
    for peer in peers.split_whitespace() {
        for (index, shop) in shops.iter().enumerate() {
            for place in 0..AT_ONCE {
                logins.push(tokio::spawn(Arc::clone(shop).log_in(peer.parse()?, index, place)));
            }
        }
    }
    // The line to stop; the process still responds to its peers until its input ends.
    input.next_line().await?;
    shops.iter().for_each(|shop| shop.stopping.store(true, Ordering::SeqCst));
    for login in logins {
        login.await??;
    }
    for shop in &shops {
        let status = shop.keys.status();
        println!(
            "count {} {} {} {} {}",
            shop.source,
            shop.finished.load(Ordering::SeqCst),
            status.taken,
            status.late,
            status.failed + status.refused
        );
    }
    println!("done");
    while input.next_line().await?.is_some() {}
    Ok(())
}

impl Shop {
    async fn open(source: &'static str, number: u32, places: &Places, clock: FastClock) -> Result<Self, Failure> {
        // The first process reads nearly as rarely as the propagation time allows, the last three times as often.
        let interval = on_the_wall(PROPAGATION) * 9 / (10 * (number + 1));
        let refresh = Refresh::every(interval).early_at_most_every(on_the_wall(PROPAGATION) / 4).clock(clock);
        let (keys, refresher) = LiveKeyRing::load(places.source(source).await?, refresh).await?;
        tokio::spawn(refresher.run());
        let app = App::new("trial", source)?;
        let flow = Flow::builder(app, keys.clone(), SingleProcessGuard::with_capacity(4_000_000))
            .provider(Provider::github())
            .lifetime(LIFETIME)
            .clock(clock)
            .build()?;
        let (finished, stopping) = (AtomicU64::new(0), AtomicBool::new(false));
        Ok(Self { source, keys, flow, clock, finished, stopping })
    }

    /// The sealing key, if it was the same before and after the state was sealed.
    fn active(&self) -> Option<RootKeyId> {
        let ring = self.keys.ring();
        ring.roles(self.clock.now()).find(|(_, role)| *role == KeyRole::Active).map(|(id, _)| id)
    }

    /// Starts a login here, and lets a peer finish it: at once, or as late as its lifetime allows.
    async fn log_in(self: Arc<Self>, peer: u16, index: usize, place: u64) -> Result<(), Failure> {
        let stream = TcpStream::connect(("127.0.0.1", peer)).await?;
        stream.set_nodelay(true)?;
        let (read, mut write) = stream.into_split();
        let mut answers = BufReader::new(read).lines();
        let mut count = 0_u64;
        while !self.stopping.load(Ordering::Relaxed) {
            count += 1;
            let before = self.active();
            let begun = match self.flow.begin(Binding::session(SESSION)?, Login::with("github")) {
                Ok(begun) => begun,
                Err(error) => {
                    let code = if matches!(error, BeginError::NoActiveKey) { "no_active_key" } else { "other" };
                    println!("failed {} begin:{code} - {}", self.source, self.seconds());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
            };
            let key = before.filter(|_| before == self.active()).map_or("-".to_owned(), |id| id.to_string());
            if place > 0 {
                // Between zero and nine tenths of the lifetime.
                let share = u32::try_from(count * 37 % 90).unwrap_or_default();
                tokio::time::sleep(on_the_wall(LIFETIME) * share / 100).await;
            }
            write.write_all(format!("{index} {} {key}\n", begun.state).as_bytes()).await?;
            let answer = answers.next_line().await?.ok_or("a peer hung up")?;
            if answer != "ok" {
                println!("failed {} {answer} {key} {}", self.source, self.seconds());
            }
        }
        Ok(())
    }

    fn seconds(&self) -> u64 {
        let since = self.clock.now().duration_since(std::time::UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }

    /// Finishes a peer's login, and checks whether it may have been accepted.
    async fn finish(&self, state: &str, key: &str) -> String {
        // Read first: a key that is refused now must not be accepted later.
        let ring = self.keys.ring();
        let role = ring.roles(self.clock.now()).find(|(id, _)| id.to_string() == key).map(|(_, role)| role);
        let binding = Binding::session(SESSION).expect("a session id");
        let callback = Callback::from_pairs([("code", "code"), ("state", &state)]).expect("a callback");
        match self.flow.finish(binding, Expect::provider("github"), callback).await {
            Ok(LoginOutcome::Authorized(_)) => {
                if matches!(role, Some(KeyRole::Retired | KeyRole::Revoked)) {
                    println!("wrong {} accepted under a {} key", self.source, role.expect("a role"));
                }
                self.finished.fetch_add(1, Ordering::Relaxed);
                "ok".to_owned()
            }
            Ok(_) => "not_a_code".to_owned(),
            Err(error) => error.code().to_owned(),
        }
    }
}

async fn answer(listener: TcpListener, shops: Vec<Arc<Shop>>) -> Result<(), std::io::Error> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let shops = shops.clone();
        tokio::spawn(async move {
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut words = line.split(' ');
                let (Some(index), Some(state), Some(key)) = (words.next(), words.next(), words.next()) else { break };
                let Some(shop) = index.parse().ok().and_then(|index: usize| shops.get(index)) else { break };
                let answer = shop.finish(state, key).await;
                if write.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
                    break;
                }
            }
        });
    }
}
