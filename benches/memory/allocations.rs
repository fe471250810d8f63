//! What a login allocates, what it returns included.

use serde_json::{Value, json};
use support::bench::shapes::{Service, Shape, forged};

/// What is given to `work` is made before anything is counted, and what it returns is dropped after.
fn allocations<G, R>(given: impl Fn() -> G, work: impl Fn(G) -> R) -> u64 {
    // What is made once in a process is none of a login's cost.
    drop(work(given()));
    let (given, mut result) = (given(), None);
    allocation_counter::measure(|| result = Some(work(given))).count_total
}

/// The strings, paths and tenants that a finish returns.
const fn returned(shape: Shape) -> u64 {
    match shape {
        // Provider, code, code_verifier; the others the nonce of OpenID Connect, too.
        Shape::Least => 3,
        Shape::Link => 5,
        // Tenant, redirect and return path, too.
        Shape::Usual | Shape::Cookie => 7,
        // And the two of the data.
        Shape::Data => 9,
    }
}

pub fn measure() -> Value {
    let service = Service::new();
    println!(
        "\nallocations: a begin; a finish up to the guard, its callback included; what refusing a forged state adds to the callback"
    );
    let counts = Shape::ALL.map(|shape| {
        let begin = allocations(|| shape.login(), |login| service.begin_with(shape, login));
        let begun = service.begin(shape);
        let begin_strings = 2 + u64::from(begun.nonce.is_some()) + u64::from(begun.set_cookie.is_some());
        let waiting = service.callback(shape, begun);
        let finish = allocations(|| (), |()| service.finish(&waiting).unwrap());
        let changed = forged(&waiting.state);
        // Less the state and the code, which the callback owns before anything is refused.
        let refusal = allocations(|| (), |()| service.finish_text(&waiting, &changed).unwrap_err()) - 2;
        println!("{:>8}  {begin}  {finish}  {refusal}", shape.name());
        json!({
            "shape": shape.name(), "begin": begin, "begin_strings": begin_strings,
            "finish": finish, "finish_strings": returned(shape), "forged": refusal,
        })
    });
    json!(counts)
}
