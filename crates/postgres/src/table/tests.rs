use super::*;

#[test]
fn the_schema_has_the_partitions_that_the_code_uses() {
    for partition in 0..PARTITIONS {
        let name =
            format!("oauth_state_marks_{partition:02} PARTITION OF oauth_state_marks FOR VALUES IN ({partition});");
        assert!(SCHEMA.contains(&name), "{name}");
    }
    assert_eq!(SCHEMA.matches("PARTITION OF").count(), PARTITIONS as usize);
}

/// A partition that is always in use could never be truncated.
#[test]
fn every_partition_has_its_time_of_rest() {
    let start = 1_800_000_000;
    for partition in 0..PARTITIONS {
        let rest = (start..start + 8_192).filter(|now| turn_is_over(partition, *now)).count();
        // The last marks live for up to 2,700 s; a few rounds of the purger follow.
        assert!(rest >= 2_700 + 5 * 60, "{partition} rests for {rest} s");
    }
    // A state that expires now, or at the latest time that can be sealed now, is in a partition whose turn it is.
    for expires_at in [start, start + 4_500] {
        assert!(!turn_is_over(bucket(expires_at) as u64, start));
    }
}
