//! Duplicate parameters (RFC 6749 section 3.1: parameters must not be included more than once).
//!
//! Without the check, a filter in front reads the first of two states, and the service the second. Or, with a code and
//! an error, two readers of one callback disagree about the authorization server's response.

use oauth_state::error::FinishErrorKind;
use oauth_state::{Callback, Expect, Login};
use support::shop::{session, shop};

fn refusal(query: &str) -> FinishErrorKind {
    let (by_query, by_form) = (Callback::from_query(query), Callback::from_form(query.as_bytes()));
    let kind = by_query.unwrap_err().kind();
    assert_eq!(by_form.unwrap_err().kind(), kind, "a form is parsed like a query");
    kind
}

#[test]
fn a_parameter_that_comes_twice_is_refused_before_anything_is_opened() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let state = &begun.state;
    for twice in [
        format!("state={state}&state={state}&code=c"),
        format!("state=x&code=c&state={state}"),
        // The same name in another spelling.
        format!("state={state}&code=c&st%61te=x"),
        format!("%73tate=x&state={state}&code=c"),
        format!("state={state}&code=c&code=d"),
        format!("state={state}&code=c&c%6fde=c"),
        format!("state={state}&error=access_denied&error=server_error"),
        format!("state={state}&code=c&iss=https://a.example&iss=https://b.example"),
        // An empty one counts.
        format!("state={state}&state=&code=c"),
        format!("state={state}&code=c&code"),
        format!("code=c&state&state={state}"),
        format!("state={state}&code=c&iss=&iss=https://a.example"),
        // The other response parameters mean something to the caller.
        format!("state={state}&code=c&user=ann&user=bob"),
        format!("state={state}&code=c&us%65r=ann&user=bob"),
    ] {
        assert_eq!(refusal(&twice), FinishErrorKind::DuplicateParameter, "{}", twice.replace(state, "STATE"));
    }
}

/// The diagnosis tells the operator which parameter came twice, without its value; a provider's own parameters do not
/// count here.
#[test]
fn the_diagnosis_names_the_parameter() {
    for name in ["state", "code", "iss", "error", "user", "error_reason"] {
        let refused = Callback::from_query(&format!("state=s&{name}=a&{name}=b")).unwrap_err();
        assert!(refused.diagnosis().contains(&format!("the parameter {name} twice")), "{}", refused.diagnosis());
    }
    let kept = Callback::from_query("state=s&code=c&tag=a&tag=b").unwrap().into_unverified().1;
    assert_eq!((kept.get("tag"), kept.get_all("tag").collect::<Vec<_>>()), (Some("a"), vec!["a", "b"]));
}

#[test]
fn a_code_with_an_error_is_refused() {
    assert_eq!(refusal("state=s&code=c&error=access_denied"), FinishErrorKind::CodeAndError);
    assert_eq!(refusal("error=access_denied&state=s&code=c"), FinishErrorKind::CodeAndError);
}

/// Names are compared byte by byte: a name in another case is another parameter.
#[test]
fn a_name_in_another_case_is_not_the_parameter() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github")).unwrap();
    let query = format!("STATE=x&state={}&Code=y&code=c&%20state=z&state%00=z", begun.state);
    let callback = Callback::from_query(&query).unwrap();
    assert!(shop.flow.check(session(), Expect::provider("github"), callback).is_ok());
    assert_eq!(refusal("STATE=s&code=c"), FinishErrorKind::MissingState);
}
