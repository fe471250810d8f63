use super::*;
use proptest::prelude::*;

fn sample<'a>(return_to: &'a str, data: &'a [u8]) -> Claims<'a> {
    Claims {
        issued_at: 1_800_000_000,
        lifetime: 600,
        restarts: 1,
        kind: BindingKind::Session,
        binding_tag: [1; 16],
        user_tag: Some([2; 16]),
        connection_tag: Some([4; 8]),
        provider: "github",
        tenant: &[3; 16],
        redirect: "web",
        return_to,
        data,
    }
}

fn bytes_of(claims: &Claims<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    claims.write_without_data(&mut out);
    out.extend_from_slice(claims.data);
    out
}

#[test]
fn written_claims_are_read_back() {
    for length in [0, 1, 127, 128, 129, 1024] {
        let path = "a".repeat(length);
        let claims = sample(&path, b"{}");
        assert_eq!(Claims::read(&bytes_of(&claims)), Ok(claims));
    }
    for kind in [BindingKind::Unbound, BindingKind::Cookie, BindingKind::LoginSecret] {
        let claims =
            Claims { kind, user_tag: None, connection_tag: None, tenant: b"", redirect: "", ..sample("", b"") };
        assert_eq!(Claims::read(&bytes_of(&claims)), Ok(claims));
    }
}

#[test]
fn a_plaintext_cut_anywhere_before_its_data_is_refused() {
    let bytes = bytes_of(&sample("/home", b""));
    for cut in 0..bytes.len() {
        assert_eq!(Claims::read(&bytes[..cut]), Err(MalformedClaims), "{cut}");
    }
}

#[test]
fn unknown_flags_wrong_lifetimes_and_second_spellings_are_refused() {
    let good = bytes_of(&Claims { user_tag: None, connection_tag: None, tenant: b"", redirect: "", ..sample("", b"") });
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Claims::read(&bytes).map(|_| ())
    };
    assert!(Claims::read(&good).is_ok());
    (4..8).for_each(|bit| assert_eq!(with(7, 1 << bit), Err(MalformedClaims)));
    assert_eq!(Claims::read(&[&good[..4], &[0, 0], &good[6..]].concat()), Err(MalformedClaims));
    assert_eq!(Claims::read(&[&good[..4], &3601u16.to_be_bytes(), &good[6..]].concat()), Err(MalformedClaims));
    assert_eq!(with(25, b'/'), Err(MalformedClaims));
    assert_eq!(with(25, 0xff), Err(MalformedClaims));
    let long_form = [&good[..24], &[0x80, 6], &good[25..]].concat();
    assert_eq!(Claims::read(&long_form), Err(MalformedClaims));
    let no_provider = [&good[..24], &[0], &good[31..]].concat();
    assert_eq!(Claims::read(&no_provider), Err(MalformedClaims));
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_back_the_same(mut bytes in prop::collection::vec(any::<u8>(), 24..200)) {
        // Make the fixed part plausible, so that the fields after it are reached.
        let flags = bytes[7] & 15;
        bytes[4..8].copy_from_slice(&[0, 60, 0, flags]);
        if let Ok(claims) = Claims::read(&bytes) {
            prop_assert_eq!(bytes_of(&claims), bytes);
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = Claims::read(&bytes);
    }
}
