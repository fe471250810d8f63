//! The allocations of a login, including its results.

use serde_json::{Value, json};
use support::bench::shapes::{Service, Shape, forged};

/// The input of `work` is made before counting, and its result is dropped after.
fn allocations<G, R>(given: impl Fn() -> G, work: impl Fn(G) -> R) -> u64 {
    // One-time allocations of the process are not part of a login's cost.
    drop(work(given()));
    let (given, mut result) = (given(), None);
    allocation_counter::measure(|| result = Some(work(given))).count_total
}

/// The strings, paths and tenants that a finished login returns.
const fn returned(shape: Shape) -> u64 {
    match shape {
        // Provider, code and code_verifier; the other shapes also have the nonce of OpenID Connect.
        Shape::Least => 3,
        Shape::Link => 5,
        // Also tenant, redirect and return path.
        Shape::Usual | Shape::Cookie => 7,
        // Also the two of the data.
        Shape::Data => 9,
    }
}

pub fn measure() -> Value {
    let service = Service::new();
    println!(
        "\nallocations: login start; callback up to the guard; additional allocations for refusing a forged state"
    );
    let counts = Shape::ALL.map(|shape| {
        let begin = allocations(|| shape.login(), |login| service.begin_with(shape, login));
        let begun = service.begin(shape);
        let begin_strings = 2 + u64::from(begun.nonce.is_some()) + u64::from(begun.set_cookie.is_some());
        let waiting = service.callback(shape, begun);
        let finish = allocations(|| (), |()| service.finish(&waiting).unwrap());
        let changed = forged(&waiting.state);
        // Without the state and the code, which the callback owns before any refusal.
        let refusal = allocations(|| (), |()| service.finish_text(&waiting, &changed).unwrap_err()) - 2;
        println!("{:>8}  {begin}  {finish}  {refusal}", shape.name());
        json!({
            "shape": shape.name(), "begin": begin, "begin_strings": begin_strings,
            "finish": finish, "finish_strings": returned(shape), "forged": refusal,
        })
    });
    json!(counts)
}
