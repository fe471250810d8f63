use super::*;
use oauth_state::testing::block_on;

#[test]
fn no_password_is_shown() {
    let credentials = Credentials::new("service", "hunter2").valid_for(Duration::from_secs(900));
    let shown = format!("{credentials:?} {:?}", CredentialSource::fixed(credentials.clone()));
    assert!(shown.contains("service") && !shown.contains("hunter2"), "{shown}");
    assert_eq!(credentials.refresh_after(), Some(Duration::from_secs(675)));
}

#[test]
fn a_source_that_fails_says_so_and_why() {
    let source = CredentialSource::new(|| async { Err::<Credentials, _>("the token file is missing") });
    let error = block_on(source.ask()).unwrap_err();
    assert_eq!(error.kind(), oauth_state::guard::GuardErrorKind::Unavailable);
    let cause = error.source().map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("failed to get credentials for the store: the token file is missing"));
}
