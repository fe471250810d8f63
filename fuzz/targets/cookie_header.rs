//! `Cookie` headers of arbitrary bytes: a callback tries exactly the cookies that an independent copy of the rules of
//! `src/cookie.rs` selects, and finds the genuine one among any others.
//!
//! It finds a name or value that is decoded, trimmed or matched loosely (login CSRF by cookie tossing), and a cookie
//! that hides the genuine one.
//!
//! The input: a byte, whose lowest bit selects form_post and whose rest is the position of the genuine cookie, then
//! headers, one per line.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oauth_state::fuzzing::{Cookies, Pair};
use oauth_state_fuzz::app;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const OURS: Pair = (*b"AAAAAAAA", [7; 32]);

/// For query and for form_post: the cookies, the prefix of their names, and the genuine cookie as a browser sends it.
static FAMILIES: LazyLock<[(Cookies, String, String); 2]> = LazyLock::new(|| {
    [false, true].map(|form_post| {
        let cookies = Cookies::new(&app(), form_post);
        let sent = cookies.set(OURS).split(';').next().unwrap().to_owned();
        (cookies, sent.split("AAAAAAAA=").next().unwrap().to_owned(), sent)
    })
});

/// 43 characters of base64url, the last of which has two unused bits that are zero.
fn secret(value: &[u8]) -> Option<[u8; 32]> {
    if value.len() != 43 {
        return None;
    }
    let mut bits = Vec::with_capacity(258);
    for byte in value {
        let number = ALPHABET.iter().position(|letter| letter == byte)?;
        bits.extend((0..6).rev().map(|bit| number >> bit & 1 == 1));
    }
    if bits[256..] != [false, false] {
        return None;
    }
    let byte = |at: usize| bits[at * 8..][..8].iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    Some(std::array::from_fn(byte))
}

fn ours(pair: &[u8], stem: &str) -> Option<Pair> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let strip = |text: &[u8]| -> Vec<u8> {
        let start = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
        let end = text.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
        text[start..end].to_vec()
    };
    let (name, value) = (strip(&pair[..equals]), strip(&pair[equals + 1..]));
    let suffix = <[u8; 8]>::try_from(name.strip_prefix(stem.as_bytes())?).ok()?;
    suffix.iter().all(|byte| ALPHABET.contains(byte)).then_some(())?;
    Some((suffix, secret(&value)?))
}

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let (form_post, place) = (first & 1 == 1, usize::from(first >> 1));
    let (cookies, stem, sent) = &FAMILIES[usize::from(form_post)];
    let mut headers: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let find = |headers: &[Vec<u8>]| cookies.find(headers.iter().map(Vec::as_slice));
    let rules = |headers: &[Vec<u8>]| {
        let pairs = headers.iter().flat_map(|header| header.split(|byte| *byte == b';'));
        let mut found: Vec<Pair> = pairs.filter_map(|pair| ours(pair, stem)).collect();
        found.sort_unstable();
        found.truncate(64);
        found
    };
    assert_eq!(find(&headers), rules(&headers));

    // The browser's own cookie among them, after so many pairs.
    let sent = sent.as_bytes();
    let header = &mut headers[0];
    let semicolons = header.iter().enumerate().filter(|(_, byte)| **byte == b';').map(|(at, _)| at);
    let at = semicolons.take(place).last();
    let put = at.map_or_else(|| [sent, b"; "].concat(), |_| [b" ".as_slice(), sent, b";"].concat());
    let at = at.map_or(0, |at| at + 1);
    header.splice(at..at, put);
    let found = find(&headers);
    assert!(found.contains(&OURS) || found.len() == 64 && found.last() < Some(&OURS), "our cookie is not found");
});
