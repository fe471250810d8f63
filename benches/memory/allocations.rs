//! What a login allocates, what it returns included.

use allocation_counter::measure as count;
use serde_json::{Value, json};

use crate::shared::shapes::{Service, Shape, forged};

/// Of one call, which is made once before it is counted: what is made once in a process is none of its cost.
fn allocations<R>(mut work: impl FnMut() -> R) -> u64 {
    drop(work());
    let mut result = None;
    let counted = count(|| result = Some(work()));
    counted.count_total
}

pub fn measure() -> Value {
    let service = Service::new();
    println!(
        "\nallocations: begin, finish up to the guard (its callback made from two strings), refusing a forged state"
    );
    let counts = Shape::ALL.map(|shape| {
        let begin = allocations(|| service.begin(shape));
        let returned = service.begin(shape);
        let strings = 3 + u64::from(returned.set_cookie.is_some());
        let waiting = service.callback(shape, returned);
        let finish = allocations(|| service.finish(&waiting).unwrap());
        let changed = forged(&waiting.state);
        let refusal = allocations(|| service.finish_text(&waiting, &changed).unwrap_err());
        // Beside the state and the code, which come as the callback's own.
        println!("{:>8}  {begin}  {finish}  {refusal}", shape.name());
        json!({ "shape": shape.name(), "begin": begin, "begin_strings": strings, "finish": finish, "forged": refusal })
    });
    json!(counts)
}
