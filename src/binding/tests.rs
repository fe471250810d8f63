use super::*;

#[test]
fn weak_session_ids_and_empty_users_are_refused() {
    assert_eq!(Binding::session(&[0; 15]).unwrap_err(), BindingError::SessionId);
    assert_eq!(Binding::session(&[0; 1025]).unwrap_err(), BindingError::SessionId);
    assert_eq!(Binding::login_secret("").unwrap_err(), BindingError::LoginSecret);
    assert_eq!(Binding::dangerously_unbound().for_user(b"").unwrap_err(), BindingError::UserId);
    assert_eq!(Binding::dangerously_unbound().for_user(&[0; 1025]).unwrap_err(), BindingError::UserId);
}
