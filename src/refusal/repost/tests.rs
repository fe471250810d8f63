use super::*;
use proptest::prelude::*;

/// Cross-site scripting: any field stays a value, whatever the provider or another sender puts into it.
#[test]
fn no_field_ends_its_attribute() {
    let evil = "\"><script>alert(1)</script><input value='&lt;\r\n";
    let page = RepostPage::new([("state", evil), (evil, "x")], [7; SCRIPT_NONCE_BYTES]);
    assert_eq!(page.html.matches("<script").count(), 1);
    assert_eq!(page.html.matches("<input").count(), 3);
    assert!(
        page.html.contains(
            "value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;input value=&#39;&amp;lt;&#13;&#10;\">"
        )
    );
}

proptest! {
    #[test]
    fn escaped_text_has_no_markup_characters(text: String) {
        let mut html = String::new();
        escape_onto(&text, &mut html);
        prop_assert!(!html.contains(['<', '>', '"', '\'', '\r', '\n']));
    }
}
