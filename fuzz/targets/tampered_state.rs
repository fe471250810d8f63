//! A genuine state, encrypted or signed, that was changed in any way in its bytes or text is refused before the guard;
//! the unchanged one passes.
//!
//! It finds a byte that is not authenticated, parts of two states that make a third, a form that is accepted as
//! another, and a spelling that the decoder corrects.
//!
//! The input: a byte for the state's shape, then changes of four bytes each: the kind, the place (two bytes) and the
//! value.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oauth_state::Purpose;
use oauth_state::fuzzing::{Plaintext, Token};
use oauth_state_fuzz::{Bytes, NOW, Shop, session};

static SHOP: LazyLock<Shop> = LazyLock::new(Shop::default);
static SIGNED: LazyLock<Shop> = LazyLock::new(Shop::signed);

/// The flow for this shape of state.
fn shop_of(shape: u8) -> &'static Shop {
    if shape & 8 == 0 { &SHOP } else { &SIGNED }
}

fn genuine(shape: u8, nonce: [u8; 24]) -> String {
    let (login, shop) = (Purpose::Login, shop_of(shape));
    let plaintext = Plaintext {
        issued_at: NOW as u32,
        lifetime: 600,
        restarts: shape & 1,
        kind: 2,
        binding_tag: shop.sealer.session_tag(login, &session(), &nonce).unwrap(),
        user_tag: None,
        connection_tag: None,
        provider: "github",
        tenant: &[9; 16][..usize::from(shape & 16)],
        redirect: "",
        return_to: if shape & 2 == 0 { "" } else { "/home" },
        data: if shape & 4 == 0 { b"" } else { b"{\"a\":[1,2]}" },
    };
    shop.sealer.seal(login, &nonce, &plaintext.write().unwrap()).unwrap()
}

fn change_bytes(text: &str, other: &str, what: u8, at: usize, value: u8) -> Option<String> {
    let (mut token, other) = (Token::read(text).ok()?, Token::read(other).ok()?);
    let sealed = token.text.len();
    match what {
        0 => token.key_id[at % 4] ^= value,
        1 => token.nonce[at % 24] ^= value,
        2 => *token.text.get_mut(at % sealed.max(1))? ^= value,
        3 => *token.tag.get_mut(at % 32)? ^= value,
        4 => token.text.truncate(at % sealed.max(1)),
        5 => token.text.insert(at % (sealed + 1), value),
        6 => token.text.extend_from_slice(&other.text),
        7 => token.form = ["ost1", "osm1", "osr1", "osp1", "osx1", "oss1"][at % 6],
        8 => token.nonce = other.nonce,
        9 => token.tag = other.tag,
        10 => token.text = other.text,
        // Also a tag of the other length.
        _ => token.tag = vec![value; [16, 32][at % 2]],
    }
    token.print()
}

fn change_text(text: &str, what: u8, at: usize, value: u8) -> String {
    let (before, after) = text.split_at(at % (text.len() + 1));
    let extra = char::from(value);
    match what {
        0 => format!("{before}{extra}{after}"),
        1 => format!("{before}{extra}{}", after.get(1..).unwrap_or_default()),
        2 => before.to_owned(),
        3 => format!("{text}{}", "=".repeat(1 + at % 3)),
        4 => format!("{after}{before}"),
        5 => format!("{before}{}", after.to_ascii_uppercase()),
        6 => text.replace('-', "+").replace('_', "/"),
        _ => format!("{text}{extra}"),
    }
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let shape = bytes.byte();
    let (original, other) = (genuine(shape, [shape; 24]), genuine(!shape, [!shape; 24]));
    let mut text = original.clone();
    // Some changes undo others; a handful is enough.
    for _ in 0..8 {
        if bytes.is_empty() {
            break;
        }
        let (what, at, value) = (bytes.byte(), usize::from(bytes.short()), bytes.byte());
        text = match what % 20 {
            what @ 0..12 if text.is_ascii() => change_bytes(&text, &other, what, at, value).unwrap_or(text),
            what @ 12.. if text.is_ascii() => change_text(&text, what - 12, at, value),
            _ => text,
        };
    }
    for shop in [&*SHOP, &*SIGNED] {
        let Some(finished) = shop.finish(&text) else { return };
        // `other` has another shape and the other form.
        let own = |shape: u8| std::ptr::eq(shop_of(shape), shop);
        let sealed = text == original && own(shape) || text == other && own(!shape);
        assert_eq!(
            finished.is_ok(),
            sealed,
            "changed: {}, but {:?}",
            !sealed,
            finished.map_err(|refused| refused.code()).err()
        );
    }
});
