//! Of several equivalent unused things, only the first is used.

use crate::state::{Code, FlowId, Reading, State};
use crate::steps::Step;

/// Whether no other step leads to the same state except for the numbers of things.
pub fn is_first_of_its_like(state: &State, step: &Step) -> bool {
    match step {
        Step::Authorize { challenge, state: returned_with, .. } => {
            // If this step uses the challenge's login, the next login becomes the first unused one.
            is_first_flow(state, *challenge, None)
                && returned_with.is_none_or(|flow| is_first_flow(state, flow, Some(*challenge)))
        }
        Step::Read(Reading::Request(flow)) => is_first_flow(state, *flow, None),
        Step::Read(Reading::Callback(code)) => is_first_code(state, *code),
        Step::Present { state: flow, code, .. } => {
            is_first_flow(state, *flow, None) && code.is_none_or(|code| is_first_code(state, code))
        }
        _ => true,
    }
}

fn is_first_flow(state: &State, flow: FlowId, taken: Option<FlowId>) -> bool {
    let untouched = |id: FlowId| {
        let in_code = |code: &Code| code.challenge == id || code.returned_with == Some(id);
        taken != Some(id)
            && !state.codes.iter().any(in_code)
            && !state.callbacks.iter().any(|callback| callback.flow == id)
            && state.read != Some(Reading::Request(id))
    };
    let mut earlier = (0..flow.number).map(|number| FlowId { number, ..flow });
    !untouched(flow) || !earlier.any(|other| state.flow(other) == state.flow(flow) && untouched(other))
}

fn is_first_code(state: &State, code: Code) -> bool {
    let untouched = |one: Code| {
        state.read != Some(Reading::Callback(one)) && !state.callbacks.iter().any(|callback| callback.code == Some(one))
    };
    let mut earlier = (0..code.number).map(|number| Code { number, ..code });
    !untouched(code) || !earlier.any(untouched)
}
