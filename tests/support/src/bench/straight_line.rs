//! The same work as one login start and one callback, written straight down: no types, no configuration checks, no
//! errors. The difference to this is the crate's own cost.
//!
//! Written from `docs/wire-format.md`. Its states open with the crate, and the crate's states open here. It allocates
//! only its results. The libraries are a parameter: `rust_crypto` has those of the crate.

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Block, BlockCipherEncrypt, KeyInit};

const MAGIC: [u8; 3] = [0xa2, 0xcb, 0x75];
/// The kind of binding that is a session.
const SESSION: u8 = 2;
/// Bytes before the ciphertext, and of its tag.
const HEAD: usize = 31;
const TAG: usize = 16;
/// Longer than any of the logins here.
const LONGEST: usize = 512;

/// The operations of a login.
pub trait Libraries {
    type Mac;

    fn mac_key(key: &[u8]) -> Self::Mac;
    fn mac(key: &Self::Mac, parts: &[&[u8]]) -> [u8; 32];
    fn sha256(parts: &[&[u8]]) -> [u8; 32];
    fn seal(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], bytes: &mut [u8]) -> [u8; TAG];
    /// Of a ciphertext, followed by its tag.
    fn open(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], sealed: &mut [u8]) -> bool;
    fn encode(bytes: &[u8]) -> String;
    fn encode_verifier(bytes: &[u8; 32]) -> [u8; 43];
    fn decode(text: &str, bytes: &mut [u8]) -> Option<usize>;
    fn equal(one: &[u8], other: &[u8]) -> bool;
    /// From the operating system.
    fn random(bytes: &mut [u8]);
}

/// One purpose's keys, derived before the measurement.
pub struct Keys<L: Libraries> {
    id: [u8; 4],
    aes: Aes256,
    k1: [u8; 16],
    flow: L::Mac,
    associated_data: Vec<u8>,
}

/// The fields of a login. An empty one is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fields<'a> {
    pub provider: &'a str,
    pub tenant: &'a [u8],
    pub redirect: &'a str,
    pub return_to: &'a str,
    /// Whether the login asks for an ID token.
    pub openid: bool,
}

/// The result of a login start.
pub struct AuthorizationRequest {
    pub state: String,
    pub code_challenge: String,
    pub nonce: Option<String>,
}

/// The result of a callback.
pub struct LoginOutcome {
    pub provider: String,
    pub tenant: Option<Vec<u8>>,
    pub redirect: Option<String>,
    pub return_to: Option<String>,
    pub code_verifier: String,
    pub nonce: Option<String>,
    pub replay_id: [u8; 16],
}

fn lp(field: &[u8]) -> Vec<u8> {
    [&(field.len() as u16).to_be_bytes(), field].concat()
}

impl<L: Libraries> Keys<L> {
    pub fn derive(root: &[u8; 32], purpose: &str, app: &str, environment: &str) -> Self {
        let root = L::mac_key(root);
        let context = [lp(purpose.as_bytes()), lp(app.as_bytes()), lp(environment.as_bytes())].concat();
        let derive = |label: &str| L::mac(&root, &[&lp(format!("oauth-state/v1/{label}").as_bytes()), &context]);
        let aes = Aes256::new(&derive("enc").into());
        let mut l = Block::<Aes256>::default();
        aes.encrypt_block(&mut l);
        let l = u128::from_be_bytes(l.into());
        let k1 = ((l << 1) ^ ((l >> 127) * 0x87)).to_be_bytes();
        let id: [u8; 4] = derive("key-id")[..4].try_into().unwrap();
        let associated_data = [lp(b"oauth-state/v1/encrypted"), lp(&MAGIC), lp(&id), context.clone()].concat();
        Self { id, aes, k1, flow: L::mac_key(&derive("flow")), associated_data }
    }

    /// XAES-256-GCM: the key for this nonce, and the half of the nonce to use with it.
    fn key_of(&self, nonce: &[u8; 24]) -> ([u8; 32], [u8; 12]) {
        let mut blocks = [1, 2].map(|counter| {
            let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            block[4..].copy_from_slice(&nonce[..12]);
            block.iter_mut().zip(self.k1).for_each(|(to, k)| *to ^= k);
            Block::<Aes256>::from(block)
        });
        self.aes.encrypt_blocks(&mut blocks);
        let mut key = [0; 32];
        key[..16].copy_from_slice(&blocks[0]);
        key[16..].copy_from_slice(&blocks[1]);
        (key, nonce[12..].try_into().unwrap())
    }
}

/// The hash of a session id.
fn session<L: Libraries>(id: &[u8]) -> [u8; 32] {
    L::sha256(&[b"\x00\x16oauth-state/v1/session", id])
}

/// The labels of the derived values.
const BINDING_TAG: u8 = 1;
const CODE_VERIFIER: u8 = 2;
const NONCE: u8 = 3;

/// The message of every HMAC; its last byte is the label.
fn context(secret: &[u8; 32], nonce: &[u8]) -> [u8; 53] {
    let mut context = [SESSION; 53];
    context[..3].copy_from_slice(&MAGIC);
    context[4..36].copy_from_slice(secret);
    context[36..52].copy_from_slice(&nonce[..16]);
    context
}

fn derive<L: Libraries>(keys: &Keys<L>, context: &mut [u8; 53], label: u8) -> [u8; 32] {
    context[52] = label;
    L::mac(&keys.flow, &[&*context])
}

/// Whether a return path is of the usual kind: one slash first, printable, nothing encoded and no dot segments.
fn is_plain_path(path: &str) -> bool {
    let bytes = path.as_bytes();
    let good = |byte: &u8| (0x21..=0x7e).contains(byte) & (*byte != b'\\') & (*byte != b'%');
    bytes.iter().fold(true, |all, byte| all & good(byte))
        && !bytes.windows(2).any(|pair| matches!(pair, [b'/', b'/' | b'.']))
        && (bytes.is_empty() || bytes[0] == b'/')
}

/// Starts a login with a session. Each of its fields has less than 128 bytes.
pub fn begin<L: Libraries>(keys: &Keys<L>, session_id: &[u8], fields: Fields<'_>, now: u32) -> AuthorizationRequest {
    begin_with_tag(keys, session_id, fields, now, |_| ())
}

/// The same with another binding tag, which only a holder of the key can seal.
pub fn begin_with_tag<L: Libraries>(
    keys: &Keys<L>,
    session_id: &[u8],
    fields: Fields<'_>,
    now: u32,
    change: impl FnOnce(&mut [u8]),
) -> AuthorizationRequest {
    assert!(is_plain_path(fields.return_to));
    let secret = session::<L>(session_id);
    let mut bytes = [0; LONGEST];
    bytes[..3].copy_from_slice(&MAGIC);
    bytes[3..7].copy_from_slice(&keys.id);
    L::random(&mut bytes[7..HEAD]);
    let nonce: [u8; 24] = bytes[7..HEAD].try_into().unwrap();
    let mut context = context(&secret, &nonce);
    bytes[31..35].copy_from_slice(&now.to_be_bytes());
    bytes[35..37].copy_from_slice(&600_u16.to_be_bytes());
    bytes[38] = SESSION << 1;
    bytes[39..55].copy_from_slice(&derive(keys, &mut context, BINDING_TAG)[..16]);
    change(&mut bytes[39..55]);
    let mut end = 55;
    for field in [fields.provider.as_bytes(), fields.tenant, fields.redirect.as_bytes(), fields.return_to.as_bytes()] {
        bytes[end] = field.len() as u8;
        bytes[end + 1..end + 1 + field.len()].copy_from_slice(field);
        end += 1 + field.len();
    }
    let (key, half) = keys.key_of(&nonce);
    let tag = L::seal(&key, &half, &keys.associated_data, &mut bytes[HEAD..end]);
    bytes[end..end + TAG].copy_from_slice(&tag);
    AuthorizationRequest {
        state: L::encode(&bytes[..end + TAG]),
        code_challenge: L::encode(&L::sha256(&[&L::encode_verifier(&derive(keys, &mut context, CODE_VERIFIER))])),
        nonce: fields.openid.then(|| L::encode(&derive(keys, &mut context, NONCE))),
    }
}

/// Finishes such a login up to the guard: `expected` is known from the callback's own address.
pub fn finish<L: Libraries>(
    keys: &Keys<L>,
    session_id: &[u8],
    expected: Fields<'_>,
    state: &str,
    now: u64,
) -> Option<LoginOutcome> {
    let secret = session::<L>(session_id);
    let mut bytes = [0; LONGEST];
    let length = L::decode(state, &mut bytes)?;
    let (head, rest) = bytes.split_at_mut(HEAD);
    if head[..3] != MAGIC || head[3..7] != keys.id {
        return None;
    }
    let nonce: [u8; 24] = head[7..].try_into().unwrap();
    let sealed = rest.get_mut(..length.checked_sub(HEAD)?)?;
    let (key, half) = keys.key_of(&nonce);
    if !L::open(&key, &half, &keys.associated_data, sealed) {
        return None;
    }
    let text = sealed.get(..sealed.len().checked_sub(TAG)?)?;
    let issued_at = u64::from(u32::from_be_bytes(text[..4].try_into().unwrap()));
    let lifetime = u64::from(u16::from_be_bytes(text[4..6].try_into().unwrap()));
    if issued_at > now + 60 || now >= issued_at + lifetime + 60 {
        return None;
    }
    let mut rest = &text[24..];
    let mut field = || {
        let (length, after) = rest.split_first()?;
        let (field, after) = after.split_at_checked(usize::from(*length))?;
        rest = after;
        Some(field)
    };
    let (provider, tenant, redirect, return_to) = (field()?, field()?, field()?, field()?);
    let (provider, redirect) = (std::str::from_utf8(provider).ok()?, std::str::from_utf8(redirect).ok()?);
    if provider != expected.provider || tenant != expected.tenant || redirect != expected.redirect {
        return None;
    }
    let mut context = context(&secret, &nonce);
    if !L::equal(&derive(keys, &mut context, BINDING_TAG)[..16], &text[8..24]) {
        return None;
    }
    let return_to = std::str::from_utf8(return_to).ok()?;
    if !is_plain_path(return_to) {
        return None;
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(LoginOutcome {
        provider: provider.to_owned(),
        tenant: (!tenant.is_empty()).then(|| tenant.to_vec()),
        redirect: given(redirect),
        return_to: given(return_to),
        code_verifier: L::encode(&derive(keys, &mut context, CODE_VERIFIER)),
        nonce: expected.openid.then(|| L::encode(&derive(keys, &mut context, NONCE))),
        replay_id: nonce[..16].try_into().unwrap(),
    })
}
