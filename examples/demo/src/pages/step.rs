//! The page that pauses a login between its start and the provider, and the decoded state on it.

use super::{escape, page};
use crate::contents::Contents;

/// A login that has started: its state, and the buttons that stop a server or change the keys before it finishes.
pub fn paused(contents: &Contents, provider: &str) -> String {
    let server = escape(contents.begun_on.as_deref().unwrap_or_default());
    let key = contents.key.map(|key| key.to_string()).unwrap_or_default();
    page(
        "Your login is under way",
        &format!(
            "<main data-step=paused data-begun-on=\"{server}\"><h1>Your login is under way</h1>\
             <p class=way><span class=on>started on server {server}</span><i>→</i><span>provider</span><i>→</i>\
             <span>callback</span></p>\
             <p>Server {server} has forgotten it already. The state below is in the address that you go to next, and \
             comes back with the answer.</p>{}\
             <h2>Interrupt it</h2>\
             <form method=post action=\"/control/stop\"><input type=hidden name=server value=\"{server}\">\
             <button id=stop-begun>Stop server {server}<small>The other server finishes this login.</small></button></form>\
             <form method=post action=\"/control/rotate\"><button id=rotate>Rotate the keys\
             <small>This login finishes under the key that sealed it.</small></button></form>\
             <form method=post action=\"/control/revoke\"><input type=hidden name=key value=\"{key}\">\
             <button id=revoke>Revoke the key that sealed it<small>This login ends as <code>key_revoked</code>. The next \
             one works.</small></button></form>\
             <p class=row><a class=\"button main\" id=continue href=\"{}\">Continue at the provider</a></p></main>",
            state(contents),
            escape(provider)
        ),
        true,
    )
}

/// The sealed state, next to the contents that only the servers can read.
pub fn state(contents: &Contents) -> String {
    let rows = contents
        .rows
        .iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd data-name=\"{name}\">{}</dd>", escape(value)));
    format!(
        "<section><h2>The state</h2><div class=pair><div><h3>Sealed, in transit</h3>\
         <p class=sealed><code>{}</code></p></div><div><h3>Decoded with the keys</h3><dl>{}</dl></div></div>\
         </section>",
        escape(&contents.sealed),
        rows.collect::<String>()
    )
}
