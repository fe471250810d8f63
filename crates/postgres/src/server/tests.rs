use super::*;

const WELL: Looked = Looked {
    in_recovery: false,
    read_only: false,
    fsync: true,
    has_table: true,
    has_rights: true,
    durable_partitions: 16,
    has_primary_key: true,
    purgeable_partitions: 16,
    version: 1,
    ahead: 0,
    purges: true,
};

#[test]
fn each_flaw_refuses_the_server_but_fsync() {
    assert!(WELL.flaws().is_empty() && WELL.can_be_tried());
    for (looked, name) in [
        (Looked { in_recovery: true, read_only: true, ..WELL }, "replica"),
        (Looked { read_only: true, ..WELL }, "read_only"),
        (Looked { has_table: false, has_rights: false, purgeable_partitions: 0, ..WELL }, "table"),
        (Looked { has_rights: false, ..WELL }, "rights"),
        (Looked { has_primary_key: false, ..WELL }, "table"),
        (Looked { durable_partitions: 15, ..WELL }, "table"),
        (Looked { version: 2, ..WELL }, "table"),
    ] {
        let flaws = looked.flaws();
        assert!(refuse(&flaws).is_err() && flaws.len() == 1 && flaws[0].name == name, "{flaws:?}");
        assert!(!looked.can_be_tried());
    }
    assert!(refuse(&Looked { fsync: false, ..WELL }.flaws()).is_ok());
}

/// A table that is never purged grows without end. A role that does not purge need not be able to.
#[test]
fn a_role_that_may_not_purge_is_warned_of_if_it_is_to_purge() {
    let names = |looked: Looked| looked.flaws().iter().map(|flaw| (flaw.name, flaw.fatal)).collect::<Vec<_>>();
    assert_eq!(names(Looked { purgeable_partitions: 15, ..WELL }), [("purge_rights", false)]);
    assert_eq!(names(Looked { purgeable_partitions: 0, purges: false, ..WELL }), []);
}
