use super::*;

#[test]
fn a_state_is_found_alone_in_an_address_and_in_a_form() {
    let state = |given| state_in(given).map(Cow::into_owned);
    assert_eq!(state(" ost1abc \n"), Ok("ost1abc".to_owned()));
    assert_eq!(state("https://shop.example/cb?code=x&state=ost1abc#top"), Ok("ost1abc".to_owned()));
    assert_eq!(state("/cb?state=ost1%61bc&code=x"), Ok("ost1abc".to_owned()));
    assert_eq!(state("code=x&state=ost1abc"), Ok("ost1abc".to_owned()));
    assert_eq!(state("https://shop.example/cb?code=x"), Err("missing_state"));
    assert_eq!(state("https://shop.example/cb?state=&code=x"), Err("missing_state"));
    assert_eq!(state("state=a&state=b"), Err("duplicate_parameter"));
    assert_eq!(state("ost1abc="), Ok("ost1abc=".to_owned()));
}
