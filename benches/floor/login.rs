//! Login start, and callback up to the guard, compared with the floor.

use std::hint::black_box;
use std::time::SystemTime;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::bench::rounds::{Contender, Measured, compare};
use support::bench::rust_crypto::RustCrypto;
use support::bench::shapes::{self, SESSION, Service, Shape, forged};
use support::bench::straight_line::{self, Fields, Keys};

use crate::Amounts;

type Floor = Keys<RustCrypto>;

pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

pub fn measure(amounts: Amounts) -> Value {
    let service = Service::new();
    // The key of the `testing` ring, as its documentation describes it.
    let floor = Floor::derive(&Sha256::digest(b"oauth-state sample key 1").into(), "login", "shop", "test");
    let mut report = json!({});
    for (shape, fields) in [(Shape::Least, shapes::LEAST), (Shape::Usual, shapes::USUAL)] {
        they_open_each_other_s_states(&service, &floor, shape, fields);
        let begin = compare(
            amounts.rounds,
            vec![
                Contender::new("floor", || {
                    straight_line::begin(black_box(&floor), SESSION, black_box(fields), now() as u32)
                }),
                Contender::new("oauth-state", || service.begin(black_box(shape))),
            ],
        );
        let waiting = service.callback(shape, service.begin(shape));
        let finish = compare(
            amounts.rounds,
            vec![
                Contender::new("floor", || {
                    // The crate takes ownership of the two strings; so does this.
                    let (state, code) = (black_box(waiting.state.as_str()).to_owned(), "code".to_owned());
                    (straight_line::finish(black_box(&floor), SESSION, fields, &state, now()).unwrap(), code)
                }),
                Contender::new("oauth-state", || service.finish(black_box(&waiting)).unwrap()),
            ],
        );
        println!("\n{} login, compared with the floor with the same libraries", shape.name());
        print("begin", &begin[1]);
        print("finish", &finish[1]);
        report[shape.name()] = json!({ "begin": begin, "finish": finish, "characters": waiting.state.len() });
    }
    report["forged"] = refusals(amounts, &service);
    report
}

/// Refusing a changed state, compared with opening the genuine one, for every shape.
fn refusals(amounts: Amounts, service: &Service) -> Value {
    println!("\nrefusing a forged state, compared with opening the genuine one");
    let ratios = Shape::ALL.map(|shape| {
        let waiting = service.callback(shape, service.begin(shape));
        let changed = forged(&waiting.state);
        let measured = compare(
            amounts.rounds,
            vec![
                Contender::new("genuine", || service.finish(black_box(&waiting)).unwrap()),
                Contender::new("forged", || service.finish_text(black_box(&waiting), black_box(&changed)).unwrap_err()),
            ],
        );
        print(shape.name(), &measured[1]);
        json!({ "shape": shape.name(), "ratio": measured[1].ratio })
    });
    json!(ratios)
}

fn print(what: &str, measured: &Measured) {
    let Measured { nanoseconds, ratio, ratio_low, ratio_high, .. } = measured;
    println!("{what:>8}  {nanoseconds:>7.0} ns  ratio {ratio:.3} ({ratio_low:.3} to {ratio_high:.3})");
}

/// Both must do the same work, otherwise a ratio means nothing.
fn they_open_each_other_s_states(service: &Service, floor: &Floor, shape: Shape, fields: Fields<'_>) {
    let ours = service.begin(shape);
    let opened = straight_line::finish(floor, SESSION, fields, &ours.state, now())
        .expect("the floor opens a state of the crate");
    let challenge =
        oauth2::PkceCodeChallenge::from_code_verifier_sha256(&oauth2::PkceCodeVerifier::new(opened.code_verifier));
    assert_eq!((challenge.as_str(), &opened.nonce), (ours.code_challenge.as_deref().unwrap(), &ours.nonce));
    let read = Fields {
        provider: &opened.provider,
        tenant: opened.tenant.as_deref().unwrap_or_default(),
        redirect: opened.redirect.as_deref().unwrap_or_default(),
        return_to: opened.return_to.as_deref().unwrap_or_default(),
        openid: opened.nonce.is_some(),
    };
    assert_eq!((read, opened.replay_id.len()), (fields, 16));

    let theirs = straight_line::begin(floor, SESSION, fields, now() as u32);
    assert_eq!((theirs.state.len(), theirs.code_challenge.len()), (ours.state.len(), 43));
    assert_eq!(theirs.nonce.map(|nonce| nonce.len()), fields.openid.then_some(43));
    let waiting = service.callback(shape, ours);
    assert!(service.finish_text(&waiting, &theirs.state).is_ok(), "and the other way round");
    assert!(straight_line::finish(floor, SESSION, fields, &forged(&theirs.state), now()).is_none());
}
