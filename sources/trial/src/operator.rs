//! The operator: starts the servers of the trial, rotates the ring of each source, and judges the reports of the three
//! processes.

use std::collections::HashMap;
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::Clock;
use oauth_state::ring::source::WritableSource;
use oauth_state::ring::{KeyRingDocument, KeyRole};
use servers::azure_stub::AzureStub;
use servers::gcp_stub::GcpStub;
use servers::moto::Moto;
use servers::openbao::OpenBao;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock::{BETWEEN_ROTATIONS, FastClock, PROPAGATION, on_the_wall, timing};
use crate::judge::{Failed, History};
use crate::places::Places;
use crate::{Failure, SOURCES};

/// One of this many steps revokes the active key instead of adding one.
const REVOKE_EVERY: u64 = 10;
/// The processes.
const SERVERS: u32 = 3;

/// The processes' observations of one source.
#[derive(Default)]
struct Seen {
    finished: u64,
    expected: HashMap<String, u64>,
    dishonoured: Vec<String>,
    wrong: Vec<String>,
    taken: u64,
    late: u64,
    troubles: u64,
}

type Book = Arc<Mutex<HashMap<&'static str, (History, Vec<Failed>, Seen)>>>;

struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// Runs the trial, and prints a line for each source.
pub async fn run(rotations: u64) -> Result<ExitCode, Failure> {
    let (folder, moto, bao) = (tempfile::tempdir()?, Moto::start(), OpenBao::start());
    let (gcp, azure) = (GcpStub::start().await, AzureStub::start().await);
    let places = Places::of(folder.path(), &moto, &bao, &gcp, &azure);
    let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let clock = FastClock::from_milliseconds(started);

    let book: Book = Arc::default();
    let mut operators = Vec::new();
    for source in SOURCES {
        book.lock().unwrap().insert(source, Default::default());
        operators.push(Operator::begin(source, &places, clock, &book).await?);
    }
    let processes = start_processes(&places, started).await?;
    println!("{SERVERS} processes finish each other's logins over {} sources", SOURCES.len());
    let (inputs, readers): (Vec<_>, Vec<_>) = processes.into_iter().map(|process| watch(process, &book)).unzip();

    sleep(Duration::from_millis(300)).await;
    let rotating: Vec<_> = operators.into_iter().map(|operator| tokio::spawn(operator.rotate(rotations))).collect();
    for rotating in rotating {
        rotating.await??;
    }
    // Until the last login affected by the last rotation has expired.
    sleep(on_the_wall(PROPAGATION) * 2).await;
    let mut inputs: Vec<ChildStdin> = inputs;
    for input in &mut inputs {
        input.write_all(b"stop\n").await?;
    }
    let mut children = Vec::new();
    for reader in readers {
        children.push(reader.await??);
    }
    drop(inputs);
    for mut child in children {
        let ended = child.wait().await?;
        if !ended.success() {
            return Err(format!("a process ended with {ended}").into());
        }
    }
    Ok(report(&book, rotations))
}

async fn start_processes(places: &Places, started: u64) -> Result<Vec<Process>, Failure> {
    let mut processes = Vec::new();
    let mut ports = Vec::new();
    for number in 0..SERVERS {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["server", &number.to_string()])
            .envs(places.environment())
            .env("TRIAL_STARTED", started.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut output = BufReader::new(output).lines();
        let line = output.next_line().await?.ok_or("a process ended before it listened")?;
        ports.push(line.strip_prefix("listening ").ok_or("a process did not say where it listens")?.to_owned());
        processes.push(Process { child, input, output });
    }
    for (number, process) in processes.iter_mut().enumerate() {
        let peers: Vec<&str> =
            ports.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, port)| port.as_str()).collect();
        process.input.write_all(format!("{}\n", peers.join(" ")).as_bytes()).await?;
    }
    Ok(processes)
}

/// Reads a process's report until it is done.
fn watch(process: Process, book: &Book) -> (ChildStdin, tokio::task::JoinHandle<Result<Child, Failure>>) {
    let Process { child, input, mut output } = process;
    let book = Arc::clone(book);
    let reader = tokio::spawn(async move {
        while let Some(line) = output.next_line().await? {
            if line == "done" {
                return Ok(child);
            }
            note(&book, &line);
        }
        Err("a process ended before its time".into())
    });
    (input, reader)
}

fn note(book: &Book, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let mut book = book.lock().unwrap();
    let number = |word: &str| word.parse().unwrap_or(0);
    match words[..] {
        ["failed", source, code, key, at] => {
            let failed = Failed { code: code.to_owned(), key: key.to_owned(), at: number(at) };
            book.get_mut(source).unwrap().1.push(failed);
        }
        ["count", source, finished, taken, late, troubles] => {
            let seen = &mut book.get_mut(source).unwrap().2;
            seen.finished += number(finished);
            seen.taken += number(taken);
            seen.late += number(late);
            seen.troubles += number(troubles);
        }
        ["wrong", source, ..] => book.get_mut(source).unwrap().2.wrong.push(line.to_owned()),
        _ => println!("  a process says: {line}"),
    }
}

/// One source's operator.
struct Operator {
    source_name: &'static str,
    source: Box<dyn WritableSource>,
    document: KeyRingDocument,
    version: Option<String>,
    clock: FastClock,
    book: Book,
}

impl Operator {
    async fn begin(source_name: &'static str, places: &Places, clock: FastClock, book: &Book) -> Result<Self, Failure> {
        let source = places.source(source_name).await?;
        let document = KeyRingDocument::first(timing(), clock.now())?;
        let version = source.store(&document.to_secret_text(), None).await?;
        Ok(Self { source_name, source, document, version, clock, book: Arc::clone(book) })
    }

    async fn rotate(mut self, rotations: u64) -> Result<(), Failure> {
        let mut ticks = interval(on_the_wall(BETWEEN_ROTATIONS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1..=rotations {
            ticks.tick().await;
            let now = self.clock.now();
            let active = self.document.ring().roles(now).find(|(_, role)| *role == KeyRole::Active);
            let step = match active {
                Some((id, _)) if number % REVOKE_EVERY == 0 => self.document.revoke(id, now)?,
                _ => self.document.rotate(now)?,
            };
            self.note_revocations(&step.document, now);
            self.version = self.source.store(&step.document.to_secret_text(), self.version.as_deref()).await?;
            self.document = step.document;
        }
        Ok(())
    }

    /// Before publication, because a process may read the document at once.
    fn note_revocations(&self, next: &KeyRingDocument, now: SystemTime) {
        let at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut book = self.book.lock().unwrap();
        let history = &mut book.get_mut(self.source_name).unwrap().0;
        for id in next.revoked() {
            history.revoked.entry(id.to_string()).or_insert(at);
        }
        for key in next.list(now).filter(|key| key.emergency) {
            let id = key.id.to_string();
            if history.emergencies.iter().all(|(known, _)| *known != id) {
                history.emergencies.push((id, at));
            }
        }
    }
}

fn report(book: &Book, rotations: u64) -> ExitCode {
    let mut book = book.lock().unwrap();
    let (mut passed, mut failed) = (0, 0);
    for source in SOURCES {
        let (history, failures, seen) = book.get_mut(source).unwrap();
        for failure in failures.drain(..) {
            let Failed { code, key, at } = &failure;
            if history.expects(&failure) {
                *seen.expected.entry(code.clone()).or_default() += 1;
            } else {
                seen.dishonoured.push(format!("{code} under key {key} at {at}"));
            }
        }
        let revoked = history.revoked.len();
        let mut expected: Vec<String> = seen.expected.iter().map(|(code, count)| format!("{count} {code}")).collect();
        expected.sort();
        println!(
            "{source:<6} {rotations} rotations, {revoked} of them revocations; {} logins finished, {} honest ones failed, {} \
             accepted that should not; after revocations: {}; documents taken {}, late keys {}, source errors {}",
            seen.finished,
            seen.dishonoured.len(),
            seen.wrong.len(),
            expected.join(", "),
            seen.taken,
            seen.late,
            seen.troubles
        );
        for line in seen.dishonoured.iter().chain(&seen.wrong).take(10) {
            println!("       {line}");
        }
        // Every process uses nearly every document; two that came between two reads count as one.
        let good = seen.dishonoured.is_empty()
            && seen.wrong.is_empty()
            && seen.finished > rotations
            && seen.taken > rotations / 2;
        if good { passed += 1 } else { failed += 1 }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
