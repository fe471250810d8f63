use super::*;

const WELL: Looked = Looked {
    read_only: false,
    fsync: true,
    has_table: true,
    has_rights: true,
    durable_partitions: 16,
    has_primary_key: true,
};

#[test]
fn each_flaw_refuses_the_server_but_fsync() {
    assert!(WELL.flaws().is_empty());
    for (looked, name) in [
        (Looked { read_only: true, ..WELL }, "replica"),
        (Looked { has_table: false, has_rights: false, ..WELL }, "table"),
        (Looked { has_rights: false, ..WELL }, "rights"),
        (Looked { has_primary_key: false, ..WELL }, "table"),
        (Looked { durable_partitions: 15, ..WELL }, "table"),
    ] {
        let flaws = looked.flaws();
        assert!(refuse(&flaws).is_err() && flaws.len() == 1 && flaws[0].name == name, "{flaws:?}");
    }
    assert!(refuse(&Looked { fsync: false, ..WELL }.flaws()).is_ok());
}
