//! A browser's cookie jar.

use oauth_state::AuthorizationRequest;

#[derive(Clone, Default)]
pub struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    /// Keeps the cookies of a login start.
    pub fn take(&mut self, begun: &AuthorizationRequest) {
        let cookie = begun.cookie_pair().and_then(|pair| pair.split_once('='));
        if let Some((name, value)) = cookie {
            self.keep(name, value);
        }
    }

    pub fn keep(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// The `Cookie` header.
    pub fn header(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// A sibling site's attempt to set another browser's first cookie here: whether any site may set that name. A name
    /// that starts with `__Host-` leaves only similar names.
    pub fn plant(&mut self, of: &Self) -> bool {
        let Some((name, value)) = of.cookies.first() else { return false };
        match name.strip_prefix("__Host-") {
            Some(rest) => {
                for prefix in ["_%5fHost-", "__host-", "\u{2000}__Host-", "=__Host-", ""] {
                    self.keep(&format!("{prefix}{rest}"), value);
                }
                false
            }
            None => {
                // The smallest of the names, which a login start then uses.
                let stem = name.rsplit_once("-l-").map_or("", |(stem, _)| stem);
                self.keep(&format!("{stem}-l---------"), value);
                true
            }
        }
    }

    /// Copies another browser's cookies, all of them or the one at this place.
    pub fn copy(&mut self, of: &Self) {
        of.cookies.iter().for_each(|(name, value)| self.keep(name, value));
    }

    pub fn with_one(&self, position: usize) -> Self {
        Self { cookies: self.cookies.get(position).cloned().into_iter().collect() }
    }
}
