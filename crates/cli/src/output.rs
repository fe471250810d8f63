//! The output of a command, for users and for programs.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use oauth_state::ring::SecretString;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};

/// The result of a command.
#[derive(Default)]
pub struct Report {
    /// For users.
    pub text: String,
    /// The same for programs; an object.
    pub json: Value,
    /// A document for standard output; the rest then goes to standard error.
    pub document: Option<SecretString>,
    /// Notes: on standard error, or under `notes`.
    pub notes: Vec<String>,
    /// Whether the checked object has a problem.
    pub not_well: bool,
}

/// Whether a document may go to standard output.
pub fn may_show(is_terminal: bool, allowed: bool) -> Result<(), Failure> {
    if is_terminal && !allowed {
        return Err(Failure::usage(
            "terminal",
            "standard output is a terminal, and keys would be shown on it",
            "send it into a file or a pipe, or add --show-key-material",
        ));
    }
    Ok(())
}

/// The same for this process.
pub fn may_show_here(allowed: bool) -> Result<(), Failure> {
    may_show(io::stdout().is_terminal(), allowed)
}

/// Prints the result of a command, and returns its exit code.
pub fn finish(outcome: Result<Report, Failure>, json: bool) -> ExitCode {
    let (exit, written) = match outcome {
        Ok(report) => {
            let exit = if report.not_well { Exit::NotWell } else { Exit::Done };
            (exit, report.print(json))
        }
        Err(failure) => (failure.exit, failure.print(json)),
    };
    match written {
        // The reader has closed the pipe.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "error: the output could not be written: {error}");
            ExitCode::from(Exit::Source as u8)
        }
        _ => ExitCode::from(exit as u8),
    }
}

impl Report {
    fn print(mut self, json: bool) -> io::Result<()> {
        let mut said = self.text;
        if json {
            if let Some(object) = self.json.as_object_mut().filter(|_| !self.notes.is_empty()) {
                object.insert("notes".to_owned(), json!(self.notes));
            }
            said = if self.json.is_null() { String::new() } else { format!("{}\n", self.json) };
        }
        match self.document {
            Some(document) => {
                io::stderr().lock().write_all(said.as_bytes())?;
                // In one piece and without the buffer of standard output, which would keep a copy.
                unbuffered(document.expose().as_bytes())?;
            }
            None => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(said.as_bytes())?;
                stdout.flush()?;
            }
        }
        if !json {
            let notes = self.notes.iter().fold(String::new(), |text, note| text + "note: " + note + "\n");
            io::stderr().lock().write_all(notes.as_bytes())?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn unbuffered(bytes: &[u8]) -> io::Result<()> {
    use std::os::fd::AsFd;
    let mut file = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
    file.write_all(bytes)
}

#[cfg(not(unix))]
fn unbuffered(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

impl Failure {
    fn print(&self, json: bool) -> io::Result<()> {
        if json {
            let error = json!({ "code": self.code, "message": self.message, "to_do": self.to_do });
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{}", json!({ "error": error }))?;
            return stdout.flush();
        }
        let mut said = format!("error: {}\n", self.message);
        if !self.to_do.is_empty() {
            let _ = writeln!(said, "to do: {}", self.to_do);
        }
        io::stderr().lock().write_all(said.as_bytes())
    }
}

/// Rows with aligned columns; the last column is not padded.
pub fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests;
