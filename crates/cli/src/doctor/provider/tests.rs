use super::*;

fn spec(text: &str) -> ProviderSpec {
    text.parse().unwrap()
}

#[test]
fn settings_are_named_as_the_methods_are() {
    let all = spec(
        "acme,custom,response_mode=form_post,max_state_chars=255,issuer=https://a.example,redirect_uri=https://b.example/cb,\
         redirect_uri:web=https://b.example/cb?a=b",
    );
    assert_eq!(all.redirect_uris[1], (Some("web".to_owned()), "https://b.example/cb?a=b".to_owned()));
    assert_eq!((all.provider().unwrap().max_state_chars(), all.answers_by()), (255, "form_post"));
    for wrong in
        ["x,y", "x,response_mode=fragment", "x,max_state_chars=many", "x,issuer", "x,custom=1", "x,redirect_uri:web"]
    {
        assert!(wrong.parse::<ProviderSpec>().is_err(), "{wrong}");
    }
}

/// A misspelled id would be a provider without its limit, its response mode and its issuer.
#[test]
fn a_provider_without_a_preset_is_unknown_unless_it_is_called_custom() {
    assert_eq!(spec("gitlub").provider().unwrap_err().name, "unknown_provider");
    assert!(spec("gitlub,custom").provider().is_ok());
    assert_eq!(spec("Git Lub,custom").provider().unwrap_err().name, "provider");
    assert_eq!((spec("apple").answers_by(), spec("apple,custom").answers_by()), ("form_post", "query"));
}

#[test]
fn what_a_provider_documents_contradicts_settings() {
    let told = |text| spec(text).against_preset().iter().map(|check| check.name).collect::<Vec<_>>();
    assert_eq!(told("apple,response_mode=query"), ["response_mode"]);
    assert_eq!(told("github,response_mode=form_post"), ["response_mode"]);
    assert_eq!(told("github,response_mode=form_post_reposted"), ["response_mode"]);
    assert_eq!(told("x,max_state_chars=501"), ["state_limit"]);
    for well in
        ["apple", "github", "entra,response_mode=form_post", "x,max_state_chars=500", "x,custom,max_state_chars=501"]
    {
        assert!(told(well).is_empty(), "{well}");
    }
}
