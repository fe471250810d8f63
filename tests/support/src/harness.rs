//! The harness of the suites that start servers: a table of cases, each of which prints a line with its measurements.
//!
//! ```text
//! cargo test --test guards                    # without the cases that only --full runs
//! cargo test --test guards -- --full          # all of them
//! cargo test --test guards -- sentinel        # those whose line holds a word, all of them
//! cargo test --test guards -- --list
//! ```

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::servers::Failure;

/// The measurements in words, or the failure.
pub type Outcome = Result<String, Failure>;
/// A running case.
pub type Run = Pin<Box<dyn Future<Output = Outcome>>>;

/// One case, with the values that all cases of its suite share.
pub struct Case<S> {
    engine: &'static str,
    name: &'static str,
    short: bool,
    run: Rc<dyn Fn(S) -> Run>,
}

impl<S> Case<S> {
    pub fn new<F: Future<Output = Outcome> + 'static>(
        engine: &'static str,
        name: &'static str,
        run: impl Fn(S) -> F + 'static,
    ) -> Self {
        Self { engine, name, short: true, run: Rc::new(move |shared| Box::pin(run(shared))) }
    }

    /// The same, run only with `--full` and by its name.
    #[must_use]
    pub fn with_full_alone(self) -> Self {
        Self { short: false, ..self }
    }

    /// Whether its engine has this name.
    pub fn is_on(&self, engine: &str) -> bool {
        self.engine == engine
    }

    /// Whether its name holds a word.
    pub fn holds(&self, word: &str) -> bool {
        self.name.contains(word)
    }

    /// The same on another engine, which `wrap` gives to it; with `--full` alone unless `always` is its name.
    #[must_use]
    pub fn on<F: Future<Output = Outcome> + 'static>(
        &self,
        engine: &'static str,
        always: &str,
        wrap: impl Fn(Run) -> F + 'static,
    ) -> Self
    where
        S: 'static,
    {
        let run = Rc::clone(&self.run);
        let case = Self::new(engine, self.name, move |shared| wrap(run(shared)));
        Self { short: self.name == always, ..case }
    }

    fn line(&self) -> String {
        format!("{:<12} {}", self.engine, self.name)
    }
}

/// The parsed command line.
pub struct Arguments {
    pub full: bool,
    list: bool,
    words: Vec<String>,
}

impl Arguments {
    /// Parses the command line; returns an exit code after help or an unknown argument.
    pub fn read() -> Result<Self, ExitCode> {
        let given: Vec<String> = std::env::args().skip(1).collect();
        let has = |name: &str| given.iter().any(|argument| argument == name);
        // Cargo adds its own --quiet.
        if given.iter().any(|one| one.starts_with('-') && !["--full", "--list", "--quiet"].contains(&one.as_str())) {
            println!(
                "[--full] [--list] [WORD...]: the cases; --full for all of them in their long form, words for those whose line holds them"
            );
            return Err(if has("--help") || has("-h") { ExitCode::SUCCESS } else { ExitCode::from(2) });
        }
        let (full, list) = (has("--full"), has("--list"));
        Ok(Self { full, list, words: given.into_iter().filter(|argument| !argument.starts_with("--")).collect() })
    }

    fn want<S>(&self, case: &Case<S>) -> bool {
        let line = case.line();
        (self.full || case.short || !self.words.is_empty())
            && self.words.iter().all(|word| line.contains(word.as_str()))
    }
}

/// Runs the selected cases, one after the other and each for at most `longest`, with the values from `start`.
pub fn run<S: Clone>(
    arguments: &Arguments,
    runtime: &Runtime,
    longest: Duration,
    start: impl FnOnce() -> S,
    cases: Vec<Case<S>>,
) -> ExitCode {
    let cases: Vec<_> = cases.into_iter().filter(|case| arguments.want(case)).collect();
    if arguments.list {
        cases.iter().for_each(|case| println!("{}", case.line()));
        return ExitCode::SUCCESS;
    }
    let shared = start();
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let (line, start) = (case.line(), Instant::now());
        // On this thread, because a server ends with the thread that started it.
        let outcome = runtime.block_on(async { tokio::time::timeout(longest, (case.run)(shared.clone())).await });
        let seconds = start.elapsed().as_secs_f64();
        match outcome.unwrap_or_else(|_| Err("it hangs".into())) {
            Ok(measured) => {
                passed += 1;
                println!("ok  {line:<92} {seconds:>5.1} s  {measured}");
            }
            Err(error) => {
                failed += 1;
                println!("BAD {line:<92} {seconds:>5.1} s  {error}");
                let mut cause = error.source();
                while let Some(error) = cause {
                    println!("    because: {error}");
                    cause = error.source();
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Fails with a sentence unless a condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($sentence:tt)+) => {
        if !$condition {
            return Err(format!($($sentence)+).into());
        }
    };
}
