use super::*;

const LOGIN: Parameters<'_> = Parameters {
    purpose: Purpose::Login,
    redirect_uri: Some("https://shop.example/cb"),
    state: "ost1state",
    code_challenge: Some("challenge"),
    nonce: Some("nonce"),
};

/// The parameters for a provider that issues no ID token.
const OAUTH: Parameters<'_> = Parameters { nonce: None, ..LOGIN };

fn url(provider: &Provider, login: &Parameters<'_>) -> String {
    AuthorizationUrl::new(provider, None, login).unwrap().to_string()
}

/// The whole URL, for one OAuth 2.0 provider and one OpenID Connect provider: no other test notices a missing parameter.
#[test]
fn the_url_has_everything_that_the_login_needs_and_nothing_else() {
    let github = Provider::github().client_id("a b&c");
    assert_eq!(
        url(&github, &OAUTH),
        "https://github.com/login/oauth/authorize?response_type=code&client_id=a+b%26c&redirect_uri=https%3A%2F%2Fshop.example%2Fcb\
         &scope=read%3Auser+user%3Aemail&state=ost1state&code_challenge=challenge&code_challenge_method=S256"
    );
    let apple = Provider::apple().client_id("c").scopes(["openid"]);
    let step_up = Parameters { purpose: Purpose::Reauthenticate, ..LOGIN };
    let shown = url(&apple, &step_up);
    for part in ["&response_mode=form_post", "&nonce=nonce", "&prompt=login", "&max_age=0"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!url(&apple, &LOGIN).contains("prompt"));
}

/// Without a nonce, no ID token is tied to this login (OpenID Connect Core section 15.5.2): a scope that requests one needs a nonce.
#[test]
fn an_id_token_is_not_asked_for_without_a_nonce() {
    let acme =
        Provider::custom("acme").unwrap().client_id("c").authorization_endpoint("https://acme.example/authorize");
    let plain = AuthorizationUrl::new(&acme, None, &OAUTH).unwrap();
    assert!(!plain.to_string().contains("nonce"));
    let refused = UrlError::OpenidWithoutNonce("acme".to_owned());
    assert_eq!(plain.clone().scopes(["openid"]).unwrap_err(), refused);
    assert_eq!(plain.clone().scopes(["email openid"]).unwrap_err(), refused);
    for name in ["scope", "SCOPE"] {
        assert_eq!(plain.clone().param(name, "email openid").unwrap_err(), refused, "{name}");
    }
    assert_eq!(plain.endpoint("https://acme.example/authorize?scope=openid").unwrap_err(), refused);
    let one_string = Provider::custom("acme").unwrap().scopes(["openid email"]);
    assert!(one_string.takes_nonce(), "a list in one string");
    let openid = AuthorizationUrl::new(&acme, None, &LOGIN).unwrap();
    assert!(openid.scopes(["openid"]).unwrap().to_string().contains("&nonce=nonce"));
}

/// RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0, section 2).
#[test]
fn a_logout_names_client_state_and_where_to_return() {
    let okta = Provider::custom("okta").unwrap().client_id("c").end_session_endpoint("https://okta.example/logout");
    let logout = Parameters { purpose: Purpose::Logout, ..LOGIN };
    let url = AuthorizationUrl::end_session(&okta, "id.token.x", &logout).unwrap().to_string();
    let query =
        "id_token_hint=id.token.x&client_id=c&state=ost1state&post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fcb";
    assert_eq!(url, format!("https://okta.example/logout?{query}"));
    let github = Provider::github().client_id("c");
    assert_eq!(AuthorizationUrl::new(&github, None, &logout).unwrap_err(), UrlError::Purpose(Purpose::Logout));
    assert_eq!(AuthorizationUrl::end_session(&okta, "x", &LOGIN).unwrap_err(), UrlError::Purpose(Purpose::Login));
    let missing = AuthorizationUrl::end_session(&github, "x", &logout).unwrap_err();
    assert_eq!(missing, UrlError::NoEndSessionEndpoint("github".to_owned()));
}

/// A hook that could drop PKCE or the state would remove the protection (RFC 9700 section 2.1.1).
#[test]
fn reserved_parameters_cannot_be_changed() {
    let plain = AuthorizationUrl::new(&Provider::github().client_id("c"), None, &LOGIN).unwrap();
    // Written out, so that a name that is removed from the list fails here.
    let names = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "id_token_hint",
        "nonce",
        "post_logout_redirect_uri",
        "redirect_uri",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "state",
        "State",
        "NONCE",
        "",
    ];
    for name in names {
        assert_eq!(plain.clone().param(name, "x").unwrap_err(), UrlError::Reserved(name.to_owned()));
    }
    let twice = plain.param("audience", "one").unwrap().param("audience", "two").unwrap().to_string();
    assert!(twice.ends_with("&audience=two") && twice.matches("audience").count() == 1, "{twice}");
}

/// A flow makes a challenge for every provider whose preset does not reject PKCE, so it must be sent.
#[test]
fn a_challenge_is_sent_if_there_is_one() {
    let github = Provider::github().client_id("c");
    assert!(url(&github, &LOGIN).contains("&code_challenge=challenge&code_challenge_method=S256"));
    let without = Parameters { code_challenge: None, ..LOGIN };
    assert!(!url(&github, &without).contains("code_challenge"));
}

/// Any other endpoint could send the user to another scheme, or the state in clear text.
#[test]
fn an_endpoint_is_an_https_address() {
    let provider = Provider::github().client_id("c");
    for wrong in
        ["http://login.example/a", "https://login.example/a#b", "login.example", "javascript:alert(1)", "https://", ""]
    {
        assert!(AuthorizationUrl::new(&provider, Some(wrong), &LOGIN).is_err(), "{wrong}");
    }
    let local =
        AuthorizationUrl::new(&provider, Some("http://127.0.0.1:9000/authorize?tenant=a&hd=b"), &LOGIN).unwrap();
    assert!(local.to_string().starts_with("http://127.0.0.1:9000/authorize?tenant=a&hd=b&response_type=code&"));
    // Each parameter occurs once (RFC 6749 section 3.1).
    let set = local.param("hd", "c").unwrap().to_string();
    assert!(set.contains("&hd=c") && !set.contains("hd=b"), "{set}");
    for query in ["state=x", "redirect_uri=https%3A%2F%2Fevil.example", "Response_Type=token", "a=b&%73tate=x"] {
        let endpoint = format!("https://login.example/authorize?{query}");
        assert_eq!(
            AuthorizationUrl::new(&provider, Some(&endpoint), &LOGIN).unwrap_err(),
            UrlError::Endpoint,
            "{query}"
        );
    }
}

/// An environment variable that is set to the empty string.
#[test]
fn an_empty_client_id_is_none() {
    let refused = AuthorizationUrl::new(&Provider::github().client_id(""), None, &LOGIN).unwrap_err();
    assert_eq!(refused, UrlError::NoClientId("github".to_owned()));
}

/// RFC 9126 section 4: pushed parameters are not sent through the browser again.
#[test]
fn a_pushed_request_brings_its_uri_alone() {
    let plain = AuthorizationUrl::new(&Provider::github().client_id("c"), None, &LOGIN).unwrap();
    assert!(plain.form_body().contains("state=ost1state"));
    let pushed = plain.pushed("urn:ietf:params:oauth:request_uri:6esc").to_string();
    assert_eq!(
        pushed,
        "https://github.com/login/oauth/authorize?client_id=c&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc"
    );
}
