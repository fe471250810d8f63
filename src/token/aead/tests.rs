use super::*;
use proptest::prelude::*;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Shake128, Shake128Reader};

const VECTORS: &str = include_str!("../../../tests/vectors/xaes-256-gcm.spec-vectors.txt");

/// A field of the specification's text, hexadecimal or quoted.
fn field(block: &str, name: &str) -> Vec<u8> {
    let value = block.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap().trim();
    match value.strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').as_bytes().to_vec(),
        None => (0..value.len()).step_by(2).map(|at| u8::from_str_radix(&value[at..at + 2], 16).unwrap()).collect(),
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
}

#[test]
fn the_specification_s_vectors() {
    let blocks: Vec<&str> = VECTORS.split("    K: ").skip(1).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let block = format!("K: {block}");
        let key = Xaes256Gcm::new(&array(&field(&block, "K:")));
        assert_eq!(key.k1.expose().as_slice(), field(&block, "K1:"));
        let (nonce, associated_data) = (array(&field(&block, "N:")), field(&block, "AAD:"));
        let mut text = field(&block, "Plaintext:");
        let tag = key.encrypt(&nonce, &associated_data, &mut text).unwrap();
        assert_eq!([text.as_slice(), &tag].concat(), field(&block, "Ciphertext:"));
        key.decrypt(&nonce, &associated_data, &mut text, &tag).unwrap();
        assert_eq!(text, field(&block, "Plaintext:"));
    }
}

/// The specification's accumulated test: random inputs from SHAKE-128, all outputs into another SHAKE-128.
fn accumulated(iterations: usize) -> String {
    let mut stream = Shake128::default().finalize_xof();
    let mut outputs = Shake128::default();
    let short = |stream: &mut Shake128Reader| {
        let mut length = [0];
        stream.read(&mut length);
        let mut bytes = vec![0; length[0].into()];
        stream.read(&mut bytes);
        bytes
    };
    for _ in 0..iterations {
        let (mut key, mut nonce) = ([0; 32], [0; 24]);
        stream.read(&mut key);
        stream.read(&mut nonce);
        let (plaintext, associated_data) = (short(&mut stream), short(&mut stream));
        let (key, mut text) = (Xaes256Gcm::new(&key), plaintext.clone());
        let tag = key.encrypt(&nonce, &associated_data, &mut text).unwrap();
        outputs.update(&text);
        outputs.update(&tag);
        key.decrypt(&nonce, &associated_data, &mut text, &tag).unwrap();
        assert_eq!(text, plaintext);
    }
    let mut hash = [0; 32];
    outputs.finalize_xof().read(&mut hash);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash that the specification gives for this many iterations.
fn published(iterations: &str) -> String {
    let line = format!("The resulting hash for {iterations} iterations is");
    VECTORS.lines().skip_while(|l| *l != line).nth(2).unwrap().trim().to_owned()
}

#[test]
fn the_specification_s_accumulated_test_of_10_000() {
    assert_eq!(accumulated(10_000), published("10 000"));
}

/// Half a minute in a release build: `scripts/test vectors-full`.
#[test]
#[ignore = "takes minutes in a debug build; `scripts/test vectors-full` runs it"]
fn the_specification_s_accumulated_test_of_1_000_000() {
    assert_eq!(accumulated(1_000_000), published("1 000 000"));
}

proptest! {
    #[test]
    fn the_xaes_256_gcm_crate_agrees(
        key: [u8; 32],
        nonce: [u8; 24],
        plaintext in prop::collection::vec(any::<u8>(), 0..600),
        associated_data in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        use xaes_256_gcm::aead::{AeadInOut as _, KeyInit as _};
        let (mut ours, mut theirs) = (plaintext.clone(), plaintext.clone());
        let our_tag = Xaes256Gcm::new(&key).encrypt(&nonce, &associated_data, &mut ours).unwrap();
        let oracle = xaes_256_gcm::Xaes256Gcm::new(&key.into());
        let their_tag = oracle
            .encrypt_inout_detached(&nonce.into(), &associated_data, InOutBuf::from(theirs.as_mut_slice()))
            .unwrap();
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(our_tag.as_slice(), their_tag.as_slice());
        Xaes256Gcm::new(&key).decrypt(&nonce, &associated_data, &mut theirs, &our_tag).unwrap();
        prop_assert_eq!(theirs, plaintext);
    }
}

#[test]
fn a_change_of_any_input_is_not_authentic_and_releases_no_plaintext() {
    let key = Xaes256Gcm::new(&[1; 32]);
    let mut sealed = *b"a return path";
    let tag = key.encrypt(&[2; 24], b"context", &mut sealed).unwrap();
    let open = |key: &Xaes256Gcm, nonce, data: &[u8], text: [u8; 13], tag| {
        let mut text = text;
        let result = key.decrypt(&nonce, data, &mut text, &tag);
        assert_eq!(result.is_ok(), &text == b"a return path");
        result
    };
    assert_eq!(open(&key, [2; 24], b"context", sealed, tag), Ok(()));
    assert!(open(&Xaes256Gcm::new(&[9; 32]), [2; 24], b"context", sealed, tag).is_err());
    assert!(open(&key, [3; 24], b"context", sealed, tag).is_err());
    assert!(open(&key, [2; 24], b"contexu", sealed, tag).is_err());
    for bit in 0..13 * 8 {
        let mut flipped = sealed;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&key, [2; 24], b"context", flipped, tag).is_err());
    }
    for bit in 0..16 * 8 {
        let mut flipped = tag;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&key, [2; 24], b"context", sealed, flipped).is_err());
    }
}

#[test]
fn debug_shows_no_key_bytes() {
    assert_eq!(format!("{:?}", Xaes256Gcm::new(&[7; 32])), "Xaes256Gcm([redacted])");
}
