use super::*;

fn node(host: &str, port: u16) -> Node {
    (host.to_owned(), port)
}

fn text(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

fn range(first: i64, last: i64, host: Value, port: i64) -> Value {
    let primary = Value::Array(vec![host, Value::Int(port), text("id")]);
    let replica = Value::Array(vec![text("10.9.9.9"), Value::Int(1), text("id")]);
    Value::Array(vec![Value::Int(first), Value::Int(last), primary, replica])
}

/// The example of the cluster specification, and the slots that `CLUSTER KEYSLOT` gives.
#[test]
fn a_key_has_the_slot_of_the_specification() {
    assert_eq!(State::<XMODEM>::calculate(b"123456789"), 0x31C3);
    for (key, slot) in [("foo", 12_182), ("bar", 5_061), ("hello", 866)] {
        assert_eq!(slot_of(key), slot, "{key}");
    }
}

#[test]
fn each_slot_leads_to_its_primary() {
    let reply = Value::Array(vec![
        range(8_000, 16_383, Value::Nil, 7_002),
        range(0, 4_000, text("10.0.0.1"), 7_000),
        range(4_001, 7_000, text("?"), 7_001),
        range(7_001, 7_500, text(""), 7_003),
    ]);
    let slots = Slots::read(reply, &node("asked", 7_000)).unwrap();
    for (slot, primary) in [
        (0, Some(node("10.0.0.1", 7_000))),
        (4_000, Some(node("10.0.0.1", 7_000))),
        (4_001, None),
        (7_001, Some(node("asked", 7_003))),
        (7_501, None),
        (16_383, Some(node("asked", 7_002))),
    ] {
        assert_eq!(slots.primary_of(slot), primary.as_ref(), "{slot}");
    }
    assert_eq!(slots.primaries().len(), 3);
}

#[test]
fn a_reply_that_is_no_map_is_refused() {
    for reply in [Value::Okay, Value::Array(vec![Value::Array(vec![Value::Int(1)])]), Value::Array(vec![text("x")])] {
        assert!(Slots::read(reply, &node("a", 1)).is_err());
    }
    // Taken for a map, it would let a guard connect to a cluster that serves nothing.
    assert!(Slots::read(Value::Array(Vec::new()), &node("a", 1)).is_err());
}

#[test]
fn a_redirection_names_a_node() {
    let by = node("asked", 1);
    assert_eq!(redirected("10.0.0.1:6381", &by), Some(node("10.0.0.1", 6_381)));
    assert_eq!(redirected(":6381", &by), Some(node("asked", 6_381)));
    assert_eq!(redirected("[::1]:6381", &by), Some(node("::1", 6_381)));
    assert_eq!(redirected("nowhere", &by), None);
}
