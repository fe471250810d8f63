use std::error::Error;
use std::sync::Arc;

use super::*;

fn chain(error: &dyn Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| (*error).source()).map(ToString::to_string).collect()
}

/// Whoever waited for the connection with others must not read less in his log than the first one.
#[test]
fn an_error_that_several_are_told_of_keeps_its_causes() {
    let refused = std::io::Error::other(GuardError::unavailable("connection refused"));
    let shared = Arc::new(GuardError::unavailable(refused));
    let (again, first) = (GuardError::again(&shared), chain(&*shared));
    assert_eq!((again.kind(), chain(&again)), (GuardErrorKind::Unavailable, first));
    let without = GuardError::again(&Arc::new(GuardError::full()));
    assert_eq!(chain(&without), ["the replay guard is full"]);
}

/// The first attempt may have marked the state: no later failure makes that certain again.
#[test]
fn an_unknown_outcome_stays_unknown_with_one_cause() {
    let unknown = GuardError::outcome_unknown("reset").after_unknown_outcome();
    assert_eq!((unknown.kind(), chain(&unknown)), (GuardErrorKind::OutcomeUnknown, vec!["reset".to_owned()]));
    let retried = GuardError::unavailable("refused").after_unknown_outcome();
    assert_eq!(retried.kind(), GuardErrorKind::OutcomeUnknown);
    assert_eq!(chain(&retried), ["the replay guard's store cannot be reached", "refused"]);
    assert_eq!(GuardError::unavailable("refused").into_cause().unwrap().to_string(), "refused");
}
