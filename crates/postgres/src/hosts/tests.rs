use super::*;

/// All other words.
const REST: &str = "user=u password=p dbname=d options='-c search_path=s' application_name=a sslmode=require \
    sslnegotiation=direct connect_timeout=7 tcp_user_timeout=8 keepalives=0 keepalives_idle=9 keepalives_interval=10 \
    keepalives_retries=11 target_session_attrs=read-write channel_binding=require";

fn config(hosts: &str) -> Config {
    format!("{hosts} {REST}").parse().unwrap()
}

/// A word that is left out on the way changes what is connected to: another schema has other marks.
#[test]
fn each_host_has_every_other_word_of_the_address() {
    let alone = ["host=a port=1", "host=/run/b port=2", "host=c port=3"].map(config);
    assert_eq!(one_by_one(&config("host=a,/run/b,c port=1,2,3")), alone);
    assert_eq!(one_by_one(&config("host=a,b port=5")), ["host=a port=5", "host=b port=5"].map(config));
    assert_eq!(one_by_one(&config("host=a,b")), ["host=a", "host=b"].map(config));
    let addresses = one_by_one(&config("host=a,b hostaddr=10.0.0.1,10.0.0.2"));
    assert_eq!(addresses, ["host=a hostaddr=10.0.0.1", "host=b hostaddr=10.0.0.2"].map(config));
    assert_eq!(
        one_by_one(&config("hostaddr=10.0.0.1,10.0.0.2")),
        ["hostaddr=10.0.0.1", "hostaddr=10.0.0.2"].map(config)
    );
    let mut random = one_by_one(&config("host=a,b load_balance_hosts=random"));
    random.sort_by_key(|one| format!("{one:?}"));
    assert_eq!(random, ["host=a load_balance_hosts=random", "host=b load_balance_hosts=random"].map(config));
}

#[test]
fn an_address_of_one_host_or_of_numbers_that_do_not_match_stays_as_it_is() {
    for hosts in ["host=a", "hostaddr=10.0.0.1", "host=a,b port=1,2,3", "host=a,b hostaddr=10.0.0.1"] {
        assert_eq!(one_by_one(&config(hosts)), [config(hosts)], "{hosts}");
    }
}

#[test]
fn a_host_that_hangs_leaves_time_for_all_others() {
    for hosts in 2..9 {
        assert!(time_for_each(hosts) * u32::try_from(hosts).unwrap() < CONNECT_TIME);
    }
}
