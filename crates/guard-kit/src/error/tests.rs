use std::error::Error;

use super::*;

fn chain(error: &dyn Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| (*error).source()).map(ToString::to_string).collect()
}

/// A caller that waited for the connection with others must log as much as the first one.
#[test]
fn an_error_that_several_are_told_of_keeps_its_causes() {
    let refused = std::io::Error::other(GuardError::unavailable("connection refused"));
    let shared = Arc::new(GuardError::unavailable(refused));
    let (told, first) = (again(&shared), chain(&*shared));
    assert_eq!((told.kind(), chain(&told)), (GuardErrorKind::Unavailable, first));
    let without = again(&Arc::new(GuardError::full()));
    assert_eq!(chain(&without), ["the replay guard is full"]);
}

/// The first attempt may have marked the state: no later failure makes its outcome certain.
#[test]
fn an_unknown_outcome_stays_unknown_with_one_cause() {
    let unknown = after_unknown_outcome(GuardError::outcome_unknown("reset"));
    assert_eq!((unknown.kind(), chain(&unknown)), (GuardErrorKind::OutcomeUnknown, vec!["reset".to_owned()]));
    let retried = after_unknown_outcome(GuardError::unavailable("refused"));
    assert_eq!(retried.kind(), GuardErrorKind::OutcomeUnknown);
    assert_eq!(chain(&retried), ["the replay guard's store cannot be reached", "refused"]);
    assert_eq!(GuardError::unavailable("refused").into_cause().unwrap().to_string(), "refused");
}
