//! `keys schema`, `completions` and `man`.

use std::path::Path;

use clap_complete::Shell;
use oauth_state::ring::KeyRingDocument;
use serde_json::json;

use crate::arguments::command;
use crate::failure::{Exit, Failure};
use crate::output::Report;

pub fn schema() -> Report {
    let text = KeyRingDocument::JSON_SCHEMA.to_owned();
    Report { json: serde_json::from_str(&text).unwrap_or_default(), text, ..Report::default() }
}

pub fn completions(shell: Shell) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "oauth-state", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    Report { json: json!({ "shell": shell.to_string(), "script": text }), text, ..Report::default() }
}

pub fn man(out: Option<&Path>) -> Result<Report, Failure> {
    let failed = |cause: std::io::Error| {
        Failure::new(
            Exit::Source,
            "unavailable",
            format!("no page was written: {cause}"),
            "name a folder that can be written",
        )
    };
    let Some(folder) = out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command()).render(&mut page).map_err(failed)?;
        let text = String::from_utf8_lossy(&page).into_owned();
        return Ok(Report { json: json!({ "page": text }), text, ..Report::default() });
    };
    clap_mangen::generate_to(command(), folder).map_err(failed)?;
    let shown = folder.display().to_string();
    Ok(Report { text: format!("written to {shown}\n"), json: json!({ "written_to": shown }), ..Report::default() })
}
