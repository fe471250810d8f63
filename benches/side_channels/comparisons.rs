//! Pairs of inputs whose times must not differ, and three pairs that show that the measurement can detect a difference.

use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use oauth_state::{Binding, Callback, Expect, FinishError, Login};
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::bench::rust_crypto::RustCrypto;
use support::bench::shapes::{LEAST, PROVIDER, SESSION, Service, session};
use support::bench::straight_line::{Keys, begin_with_tag};

use crate::Amounts;
use crate::secret::equal_in_constant_time;
use crate::welch::{Difference, difference};

/// Bytes before the ciphertext (docs/wire-format.md).
const HEAD: usize = 31;
/// The tags of bindings and of the AEAD.
type Tag = [u8; 16];
/// How often a comparison runs in one measurement: a single one is shorter than the clock's resolution.
const TIMES: usize = 64;

/// A leaky comparison, whose time reveals how many bytes were right.
#[inline(never)]
fn stops_at_the_first_difference(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| black_box(*one) == black_box(*other))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).unwrap();
    bytes
}

/// Equal except for the first byte, or for the last.
fn differing(class: usize) -> (Tag, Tag) {
    let tag = random();
    (tag, changed(tag, class))
}

fn changed<const N: usize>(mut bytes: [u8; N], class: usize) -> [u8; N] {
    *end(&mut bytes, class) ^= 0x55;
    bytes
}

/// The first byte, or the last.
fn end(bytes: &mut [u8], class: usize) -> &mut u8 {
    let place = if class == 0 { 0 } else { bytes.len() - 1 };
    &mut bytes[place]
}

fn many(compare: fn(&[u8], &[u8]) -> bool, (one, other): &(Tag, Tag)) -> usize {
    (0..TIMES).filter(|_| compare(black_box(one), black_box(other))).count()
}

/// A callback that is ready to be checked.
struct Waiting {
    callback: Option<Callback>,
    headers: HeaderMap,
    tags: (Tag, Tag),
}

impl Waiting {
    fn new(state: &str) -> Self {
        Self {
            callback: Callback::from_pairs([("state", state), ("code", "code")]).ok(),
            headers: HeaderMap::new(),
            tags: Default::default(),
        }
    }
}

/// The service and its keys, in the form of the other benchmarks' floor, to seal states that the crate itself never
/// seals.
struct Party {
    service: Service,
    keys: Keys<RustCrypto>,
}

impl Party {
    fn new() -> Self {
        let root = Sha256::digest(b"oauth-state sample key 1").into();
        Self { service: Service::new(), keys: Keys::derive(&root, "login", "shop", "test") }
    }

    fn by_session(&self, waiting: &mut Waiting) -> FinishError {
        let callback = waiting.callback.take().unwrap();
        self.service.plain.check(session(), Expect::provider(PROVIDER), callback).unwrap_err()
    }

    fn by_cookie(&self, waiting: &mut Waiting) -> FinishError {
        let callback = waiting.callback.take().unwrap();
        let binding = Binding::cookies(&waiting.headers);
        self.service.plain.check(binding, Expect::provider(PROVIDER), callback).unwrap_err()
    }

    /// A genuine state with a wrong first or last byte in its binding tag.
    fn with_wrong_tag(&self, class: usize) -> Waiting {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let begun = begin_with_tag(&self.keys, SESSION, LEAST, now as u32, |tag| *end(tag, class) ^= 0x55);
        Waiting { tags: differing(class), ..Waiting::new(&begun.state) }
    }

    fn genuine(&self) -> String {
        self.service.plain.begin(session(), Login::with(PROVIDER)).unwrap().state
    }

    /// A state with a changed first or last byte in a part of its bytes.
    fn forged(&self, class: usize, part: impl Fn(usize) -> std::ops::Range<usize>) -> Waiting {
        let mut bytes = URL_SAFE_NO_PAD.decode(self.genuine()).unwrap();
        let part = part(bytes.len());
        *end(&mut bytes[part], class) ^= 0x55;
        Waiting::new(&URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A login started by cookie, whose callback brings the value that `other` makes of the right one.
    fn with_cookie(&self, other: impl Fn([u8; 32]) -> [u8; 32]) -> Waiting {
        let nothing = HeaderMap::new();
        let begun = self.service.plain.begin(Binding::cookies(&nothing), Login::with(PROVIDER)).unwrap();
        let (name, value) = begun.cookie_pair().unwrap().split_once('=').unwrap();
        let secret = URL_SAFE_NO_PAD.decode(value).unwrap().try_into().unwrap();
        let cookie = format!("{name}={}", URL_SAFE_NO_PAD.encode(other(secret)));
        let mut waiting = Waiting::new(&begun.state);
        waiting.headers.insert(COOKIE, HeaderValue::from_str(&cookie).unwrap());
        waiting
    }
}

/// The purpose of a pair.
#[derive(Clone, Copy)]
enum Kind {
    /// Must show a difference, otherwise the measurement detects nothing.
    MustLeak,
    /// Cannot have a difference, because both classes are the same.
    CannotLeak,
    Measured,
}

pub fn measure(amounts: Amounts) -> Value {
    let party = Party::new();
    let count = amounts.measurements;
    let mut rows = Vec::new();
    let mut row = |kind, what: &str, classes: [&str; 2], found: Difference| {
        let kind = match kind {
            Kind::MustLeak => "must leak",
            Kind::CannotLeak => "cannot leak",
            Kind::Measured => "measured",
        };
        println!(
            "|t| {:>8.2}  {:>+7.1} ns of {:>6.0}  {what}: {} / {}",
            found.t, found.nanoseconds, found.median, classes[0], classes[1]
        );
        rows.push(json!({ "kind": kind, "what": what, "classes": classes, "found": found }));
    };
    let ends = ["wrong in the first byte", "wrong in the last byte"];

    let compare = |compare: fn(&[u8], &[u8]) -> bool, tags: fn(usize) -> (Tag, Tag)| {
        difference(count, tags, |tags| many(compare, tags))
    };
    let leaky = compare(stops_at_the_first_difference, differing);
    row(Kind::MustLeak, "a comparison that stops at the first difference, alone", ends, leaky);
    let twice = compare(equal_in_constant_time, |_| differing(1));
    row(Kind::CannotLeak, "the crate's comparison, alone", ["wrong in the last byte", "the same"], twice);
    row(Kind::Measured, "the crate's comparison, alone", ends, compare(equal_in_constant_time, differing));
    let right = |class| match (class, differing(1)) {
        (0, (tag, _)) => (tag, tag),
        (_, tags) => tags,
    };
    let right = compare(equal_in_constant_time, right);
    row(Kind::Measured, "the crate's comparison, alone", ["right", "wrong in the last byte"], right);

    let leaky = difference(
        count,
        |class| party.with_wrong_tag(class),
        |waiting| {
            let error = party.by_session(waiting);
            (error, stops_at_the_first_difference(&waiting.tags.0, &waiting.tags.1))
        },
    );
    row(Kind::MustLeak, "a refused callback, and that comparison once", ends, leaky);
    let both = difference(count, |_| party.with_wrong_tag(1), |waiting| party.by_session(waiting));
    row(Kind::CannotLeak, "a callback, by the binding tag in its state", ["wrong in the last byte", "the same"], both);
    let tag = difference(count, |class| party.with_wrong_tag(class), |waiting| party.by_session(waiting));
    row(Kind::Measured, "a callback, by the binding tag in its state", ends, tag);
    let aead = difference(
        count,
        |class| party.forged(class, |length| length - 16..length),
        |waiting| party.by_session(waiting),
    );
    row(Kind::Measured, "a callback, by the authentication tag of its state", ends, aead);
    let text =
        difference(count, |class| party.forged(class, |length| HEAD..length - 16), |waiting| party.by_session(waiting));
    row(Kind::Measured, "a callback, by the ciphertext of its state", ends, text);
    let cookie = difference(
        count,
        |class| party.with_cookie(|secret| changed(secret, class)),
        |waiting| party.by_cookie(waiting),
    );
    row(Kind::Measured, "a callback, by the secret in its cookie", ends, cookie);
    let fixed = difference(
        count,
        |class| party.with_cookie(|_| if class == 0 { [0xa5; 32] } else { random() }),
        |waiting| party.by_cookie(waiting),
    );
    row(Kind::Measured, "a callback, by the secret in its cookie", ["one fixed wrong one", "random wrong ones"], fixed);
    rows.into()
}
