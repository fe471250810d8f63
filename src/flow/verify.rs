//! The checks of a callback in order. `checks.rs` has the single checks; `callback.rs` has the types that enforce the order.

use std::sync::Arc;

use super::checks::{check_issuer, check_response_mode};
use super::outcome::{Authorized, Code, CodeVerifier, DataError, Denied, LoginOutcome, Nonce, Returned, StepUp};
use super::restart::Unasked;
use super::{Expect, FlowInner, LoginData};
use crate::binding::{Binding, FlowSecrets};
use crate::callback::{Answer, Callback};
use crate::claims::codec::BindingKind;
use crate::claims::data;
use crate::guard::Sealed;
use crate::name::Purpose;
use crate::observe::{Event, Observer as _};
use crate::open::{self, Authentic, Opened};
use crate::provider::Provider;
use crate::refusal::{FinishError, FinishErrorKind, Restart, Whose};
use crate::ring::key::id::KeyId;
use crate::ring::key::ring::Timing;
use crate::secret::SecretBytes;
use crate::token::aead::NONCE_BYTES;
use crate::token::keys::KeyTable;
use crate::token::wire::LONGEST_BYTES;
use crate::unverified::UnverifiedParameters;

/// The result of all checks.
pub(super) struct Checked<T> {
    pub(super) key: StateKey,
    /// The state's text, for a restart.
    pub(super) state: String,
    pub(super) kind: BindingKind,
    /// The time until which the login may restart, in Unix seconds.
    pub(super) restart_until: u64,
    /// `K_row`, if a payload may be stored. Boxed, so that moving the login leaves no copy of the key behind.
    pub(super) row_key: Option<Box<SecretBytes<32>>>,
    pub(super) outcome: LoginOutcome<T>,
}

/// A callback that passed the checks between time and data.
pub(super) struct Passed<'a> {
    provider: &'a Provider,
    state: String,
    answer: Answer,
    pub(super) parameters: UnverifiedParameters,
    secrets: FlowSecrets,
    issuer: Issuer,
}

/// The result of the check of `iss`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Issuer {
    Checked,
    /// It was sent, and there was no issuer to compare it with.
    Ignored,
    Absent,
}

/// The ids by which the guard and a store know a state.
#[derive(Clone, Copy)]
pub(super) struct StateKey {
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) key_id: KeyId,
    pub(super) sealed: Sealed,
    pub(super) skew: u32,
}

impl FlowInner {
    /// The callback's state, opened with the key that it names.
    pub(super) fn authenticate<'t>(
        &self,
        callback: &Callback,
        keys: &'t KeyTable,
        now: u64,
        buffer: &'t mut [u8; LONGEST_BYTES],
    ) -> Result<Authentic<'t>, FinishError> {
        open::authenticate(&callback.state, keys, now, buffer).map_err(|error| {
            if error.kind() == FinishErrorKind::UnknownKey {
                self.keys.handle().met_unknown_key();
                self.observers.event(&Event::UnknownKey);
            }
            error.with_reference(callback.reference())
        })
    }

    /// Returns the callback if its state has not expired; otherwise the refusal, which still needs to learn who asks.
    pub(super) fn in_time(
        self: &Arc<Self>,
        authentic: &Authentic<'_>,
        callback: Callback,
        now: u64,
        timing: Timing,
    ) -> Result<Callback, FinishError> {
        let Err(late) = authentic.check_time(now, timing) else { return Ok(callback) };
        let unasked = Unasked::new(Arc::clone(self), Opened::of(authentic), callback, late.may_restart);
        Err(FinishError::from(late.kind).with_opened(unasked))
    }

    /// All checks after authenticity and before single use.
    pub(super) fn verify_in_order<T: LoginData>(
        self: &Arc<Self>,
        keys: &KeyTable,
        now: u64,
        authentic: &Authentic<'_>,
        callback: Callback,
        binding: &Binding<'_>,
        expect: &Expect<'_>,
    ) -> Result<Checked<T>, FinishError> {
        let flow = &**self;
        // The caller may have spent the rest of the login's lifetime between open and verify.
        let in_time = self.in_time(authentic, callback, now, keys.ring().timing());
        let callback = in_time.map_err(|late| late.seen_by(binding, *expect))?;
        let passed = flow.check_in_order(authentic, callback, binding, expect)?;
        let Passed { provider, state, answer, parameters, secrets, issuer } = passed;
        if issuer == Issuer::Ignored {
            flow.observers.event(&Event::IssIgnored { provider: provider.id() });
        }

        let (origin, Authentic { claims, nonce, keys: sealed_with, .. }) = (authentic.origin(), authentic);
        let data = match data::read(claims.data) {
            Ok(data) => data,
            Err(error) => {
                let whose = Whose::ThisOne.by(claims.kind);
                let restart = Restart::new(origin, whose, state);
                let refused = FinishError::from(FinishErrorKind::Data).with_source(DataError::from(error));
                return Err(refused.with_restart(restart).with_own_parameters(whose, parameters));
            }
        };
        let outcome = match answer {
            Answer::Code(code) => {
                let login = Authorized {
                    code: Code(code),
                    code_verifier: provider
                        .takes_pkce()
                        .then(|| CodeVerifier(secrets.code_verifier(&sealed_with.flow))),
                    nonce: provider.takes_nonce().then(|| Nonce(secrets.nonce(&sealed_with.flow))),
                    provider: provider.clone(),
                    origin,
                    data,
                    parameters,
                };
                match login.origin.purpose {
                    Purpose::Reauthenticate => LoginOutcome::SteppedUp(StepUp {
                        exchange: login,
                        came_at: now,
                        skew: keys.ring().timing().skew,
                    }),
                    _ => LoginOutcome::Authorized(login),
                }
            }
            Answer::Error(error) => {
                let whose = Whose::ThisOne.by(claims.kind);
                let restart = Restart::new(origin.clone(), whose, state.clone());
                LoginOutcome::Denied(Denied {
                    attributed_to: (issuer == Issuer::Checked).then(|| origin.provider.clone()),
                    restart: flow.carrying(restart, whose, claims.data),
                    origin,
                    data,
                    error,
                    parameters,
                })
            }
            Answer::Nothing => LoginOutcome::Returned(Returned { origin, data, parameters }),
        };
        let timing = keys.ring().timing();
        let sealed = Sealed { issued_at: claims.issued_at.into(), expires_at: claims.expires_at() };
        Ok(Checked {
            key: StateKey { nonce: *nonce, key_id: sealed_with.id, sealed, skew: timing.skew },
            state,
            kind: claims.kind,
            restart_until: claims.expires_at().saturating_add(timing.lifetime_cap.into()),
            row_key: keys.form().is_handle().then(|| Box::new(secrets.row_key(&sealed_with.flow))),
            outcome,
        })
    }

    /// The checks between time and data, in order.
    pub(super) fn check_in_order<'a>(
        &'a self,
        authentic: &Authentic<'_>,
        callback: Callback,
        binding: &Binding<'_>,
        expect: &Expect<'a>,
    ) -> Result<Passed<'a>, FinishError> {
        expect.check_claims(&authentic.claims, authentic.keys.purpose, self.first_purpose())?;
        let provider = self.check_provider(authentic, expect)?;
        if let Some(loaded) = expect.connection {
            let redirect = Some(authentic.claims.redirect).filter(|id| !id.is_empty());
            FlowInner::check_arrival(loaded, redirect, callback.path.as_deref())?;
        }
        let callback = match provider.code_name() {
            Some(name) => callback.with_code_from(name)?,
            None => callback,
        };
        self.check_answer(authentic.keys.purpose, &callback.answer)?;
        // A page that grants nothing knows neither response modes nor `iss`: a logout returns by GET with the state only.
        let is_authorization_response = !matches!(callback.answer, Answer::Nothing);
        if is_authorization_response {
            check_response_mode(provider, callback.way)?;
        }
        let secrets = match self.check_binding(authentic, binding, provider, &callback) {
            Ok(secrets) => secrets,
            Err(refused) => return Err(self.repost(&refused, &callback, provider).unwrap_or(refused)),
        };
        let issuer_checked = match check_issuer(provider, expect.issuer, callback.iss.as_deref()) {
            Err(missing) if missing.kind() == FinishErrorKind::IssuerMissing && !is_authorization_response => false,
            checked => checked?,
        };
        let Callback { state, answer, iss, others: mut parameters, .. } = callback;
        let issuer = match iss {
            _ if issuer_checked => Issuer::Checked,
            Some(iss) => {
                // There is nothing to compare it with here, but the caller may have something.
                parameters.push("iss", iss);
                Issuer::Ignored
            }
            None => Issuer::Absent,
        };
        Ok(Passed { provider, state, answer, parameters, secrets, issuer })
    }
}
