use oauth_state::ring::RootKey;
use oauth_state::{App, Binding, Flow, KeyRing, Login, Provider, SingleProcessGuard};

use super::*;

const STATE: &str = "ost1AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7";
const OTHER: &str = "ost1BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7";

fn place(given: &str) -> String {
    match state_in(&given.replace("STATE", STATE).replace("OTHER", OTHER)) {
        Ok(found) => {
            assert_eq!(found.state, STATE, "{given}");
            found.place
        }
        Err(none) => format!("{none}"),
    }
}

#[test]
fn a_state_is_found_alone_in_an_address_and_in_a_form() {
    let state = |given| state_in(given).map(|found| found.state);
    assert_eq!(state(" ost1abc \n"), Ok("ost1abc".to_owned()));
    assert_eq!(state("https://shop.example/cb?code=x&state=ost1abc#top"), Ok("ost1abc".to_owned()));
    assert_eq!(state("/cb?state=ost1%61bc&code=x"), Ok("ost1abc".to_owned()));
    assert_eq!(state("code=x&state=ost1abc"), Ok("ost1abc".to_owned()));
    assert_eq!(state("https://shop.example/cb?code=x"), Err(NotFound::Missing));
    assert_eq!(state("https://shop.example/cb?state=&code=x"), Err(NotFound::Missing));
    assert_eq!(state("state=a&state=b"), Err(NotFound::Duplicate));
    assert_eq!(state("https://shop.example/cb?state=ost1abc&state=ost1abc"), Err(NotFound::Duplicate));
    assert_eq!(state("ost1abc="), Ok("ost1abc=".to_owned()));
    assert_eq!(state("0123456789abcdef0123"), Ok("0123456789abcdef0123".to_owned()));
    assert_eq!(state("/cb?code=x&state=of-another-system"), Ok("of-another-system".to_owned()));
    assert_eq!(state("the login does not work"), Err(NotFound::Nothing));
}

/// Support had to cut the state out by hand; each of these said that the state is malformed, or that there is none.
#[test]
fn a_state_is_found_in_what_support_has() {
    let encoded = "https%3A%2F%2Fshop.example%2Fcb%3Fcode%3Dx%26state%3DSTATE";
    for (given, expected) in [
        ("STATE", "the whole input"),
        ("\"STATE\",", "the whole input"),
        ("<https://shop.example/cb?code=x&state=STATE>", "in the query of the URL"),
        ("https://shop.example/cb?code=x&state=STATE.", "in the query of the URL"),
        ("https://app.example/#state=STATE&code=x", "in the query of the URL"),
        ("code=x&state=STATE", "in the form parameter state"),
        (
            r#"203.0.113.9 - - [24/Nov/2026:14:03:11 +0000] "GET /cb?code=x&state=STATE HTTP/1.1" 400 512 "-" "Mozilla/5.0""#,
            "in the query of the URL in column 7",
        ),
        (
            r#"{"time":"14:03","request":{"url":"/cb?code=x&state=STATE"}}"#,
            "in the query of the URL in the JSON field request.url",
        ),
        (r#"{"params":{"code":"x","state":"STATE"},"user":{"state":"CA"}}"#, "in the JSON field params.state"),
        (r#"[{"name":"code","value":"x"},{"name":"state","value":"STATE"}]"#, "in the JSON field [1].value"),
        (r#"14:03 WARN {"uri":"/cb?code=x\u0026state=STATE"}"#, "in the query of the URL in the JSON field uri"),
        (r#""/cb?code=x\u0026state=STATE""#, "in the query of the URL"),
        (
            r#"msg="{\"uri\":\"/cb?code=x\u0026state=STATE\"}" level=warn"#,
            "in the query of the URL in column 1, JSON-escaped",
        ),
        (r"GET /cb?code=x\x26state=STATE", "in the query of the URL in column 2, JSON-escaped"),
        (
            "curl -v 'https://shop.example/cb?code=x&state=STATE' -H 'Cookie: state=abc'",
            "in the query of the URL in column 3",
        ),
        ("curl https://shop.example/cb --data-urlencode state=STATE", "in the form parameter state in column 4"),
        (encoded, "in the query of the URL, percent-encoded"),
        (&encoded.replace('%', "%25"), "in the query of the URL, percent-encoded, percent-encoded"),
        (&format!("https://login.example/?next={encoded}"), "in the query of the URL, percent-encoded"),
        (
            r#"<a href="https://shop.example/cb?code=x&amp;state=STATE">"#,
            "in the query of the URL in column 2, HTML-escaped",
        ),
        ("/cb?code=x&#38;state=STATE", "in the query of the URL, HTML-escaped"),
        ("/cb?code=x&#x26;state=STATE", "in the query of the URL, HTML-escaped"),
        ("{&quot;state&quot;:&quot;STATE&quot;}", "as text that starts like a state, HTML-escaped"),
        (r#"<input type="hidden" name="state" value="STATE">"#, "as text that starts like a state in column 4"),
        ("url,status\n/cb?code=x&state=STATE,400\n", "in the query of the URL in column 1 of line 2"),
        ("/cb?code=3Dx&state=3DSTATE", "in the query of the URL, quoted-printable"),
    ] {
        let place = place(given);
        assert_eq!(place, expected, "{given}");
    }
}

/// A window of 80 columns, or a mail.
#[test]
fn a_state_that_is_broken_over_lines_is_put_together() {
    let ring = KeyRing::from(RootKey::generate().unwrap());
    let guard = SingleProcessGuard::with_capacity(1);
    let flow =
        Flow::builder(App::new("shop", "test").unwrap(), ring, guard).provider(Provider::github()).build().unwrap();
    let state = flow.begin(Binding::session(&[7; 16]).unwrap(), Login::with("github")).unwrap().state;
    let url = format!("https://shop.example/cb?code=x&state={state}");
    for (text, place) in
        [(&state, "the whole input, broken over lines"), (&url, "in the query of the URL, broken over lines")]
    {
        for (line_end, width) in [("\n", 40), ("\r\n> ", 72), ("\n  ", 60)] {
            let lines: Vec<&str> =
                (0..text.len()).step_by(width).map(|at| &text[at..text.len().min(at + width)]).collect();
            let found = whole_state_in(&lines.join(line_end)).unwrap();
            assert_eq!((found.state.as_str(), found.place.as_str()), (state.as_str(), place));
        }
    }
    // Two states, and a state that was cut off before another line.
    for two in [format!("{STATE}\n{OTHER}"), format!("code=xyz&state={STATE}\ncode=xyz&state={OTHER}")] {
        assert!(matches!(whole_state_in(&two), Err(NotFound::Several(_))), "{two}");
    }
    let cut = format!("{}\nGET /cb", &url[..url.len() - 7]);
    assert_eq!(whole_state_in(&cut), state_in(&cut));
}

#[test]
fn of_several_logins_none_is_guessed() {
    let line = |state: &str| format!("GET /cb?code=x&state={state}\n");
    assert_eq!(
        place(&[line("STATE"), line("OTHER")].concat()),
        "the input has 2 different states; pass one of them: in the query of the URL in column 2 of line 1; in the query of the \
         URL in column 2 of line 2"
    );
    // A redirect and its referrer.
    assert_eq!(place(&[line("STATE"), line("STATE")].concat()), "in the query of the URL in column 2 of line 1");
}

#[test]
fn a_pasted_key_is_noticed_in_any_form() {
    let document = r#"{"keys": [{"key": "osk1.AAECAwQFBgcICQoL.AAAA"}]}"#;
    // The last three are base64, in which the key begins at each of the three offsets.
    for text in
        [document, "KEY=osk1.abc", "osk1%2Eabc", "b3NrMS5BQUVDQXdRRg==", "eG9zazEuQUFFQ0F3UUY=", "eHhvc2sxLkFBRUNBd1FG"]
    {
        assert!(has_key(text), "{text}");
    }
    assert!(!has_key(&format!("/cb?state={STATE}")));
    assert!(!has_key("expected a root key (osk1.…)"));
}

/// A program, a user or a mail puts marks around a state, which were taken for a part of it.
#[test]
fn marks_around_a_state_are_no_part_of_it() {
    let url = "https://shop.example/cb?code=x&state=STATE";
    for text in [
        "**URL**",
        "_URL_",
        "_URL_.",
        "~URL~",
        "“URL”",
        "«URL»",
        "URL!",
        "\u{1b}[31muri=URL\u{1b}[0m",
        "a\0GET URL\0b",
        "*STATE*",
        "_STATE_",
        "(STATE)",
        "<URL|URL>",
        "> URL",
        "--b\r\nname=\"state\"\r\n\r\nSTATE\r\n--b--",
    ] {
        let text = cleaned(text.replace("URL", url).as_bytes()).to_string();
        place(&text);
        assert!(whole_state_in(&text.replace("STATE", STATE)).is_ok_and(|found| found.state == STATE), "{text:?}");
    }
    let escaped = format!("https://shop.example/cb?code=x&state={STATE}").replace('_', r"\_").replace('&', r"\&");
    assert_eq!(place(&escaped), "in the query of the URL, backslash-escaped");
    let numbers = |shown: fn(char) -> String| {
        let text = url.replace("STATE", &STATE.replace('A', "_"));
        let escaped = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { shown(c) });
        state_in(&escaped.collect::<String>()).unwrap().state
    };
    for shown in [(|c| format!("&#{};", u32::from(c))) as fn(char) -> String, |c| format!("&#x{:x};", u32::from(c))] {
        assert_eq!(numbers(shown), STATE.replace('A', "_"));
    }
    // Another system's state around a URL with ours.
    let inner = percent_encoding::utf8_percent_encode(url, percent_encoding::NON_ALPHANUMERIC);
    place(&format!("https://login.example/?state=other&next={inner}").replace("%53%54%41%54%45", "STATE"));
}

#[test]
fn text_in_utf_16_and_bytes_of_no_encoding_are_read() {
    let url = format!("GET /cb?code=x&state={STATE} x");
    let units = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let marked = format!("\u{feff}{url}");
    for bytes in [
        units(&marked, u16::to_le_bytes),
        units(&marked, u16::to_be_bytes),
        units(&url, u16::to_le_bytes),
        [b"\xff\xfe\xfa ", url.as_bytes(), b" \xe9"].concat(),
        [url.as_bytes(), b"\xbb"].concat(),
    ] {
        assert_eq!(state_in(&cleaned(&bytes)).map(|found| found.state), Ok(STATE.to_owned()));
    }
}

/// It was inspected as if it were whole, and `changed` was the diagnosis.
#[test]
fn a_state_that_was_cut_off_is_told_from_a_whole_one() {
    let beginning = &STATE[..STATE.len() - 20];
    for ellipsis in ["...", "…", "[...]", " (truncated)", "...xyz"] {
        for before in ["", "https://shop.example/cb?code=x&state="] {
            let text = format!("{before}{beginning}{ellipsis}");
            let found = whole_state_in(&text).unwrap();
            assert!(found.cut_off && found.state == beginning, "{text}: {found:?}");
        }
    }
    assert!(!state_in(STATE).unwrap().cut_off);
    let both = state_in(&format!("/cb?state={beginning}...\n/cb?state={STATE}")).unwrap();
    assert!(!both.cut_off && both.state == STATE, "{both:?}");
}

/// Mail clients break lines inside of a text, and quote it.
#[test]
fn a_broken_state_is_put_together_inside_of_a_text() {
    let ring = KeyRing::from(RootKey::generate().unwrap());
    let guard = SingleProcessGuard::with_capacity(1);
    let flow =
        Flow::builder(App::new("shop", "test").unwrap(), ring, guard).provider(Provider::github()).build().unwrap();
    for _ in 0..20 {
        let state = flow.begin(Binding::session(&[7; 16]).unwrap(), Login::with("github")).unwrap().state;
        let url = format!("https://shop.example/cb?code=x&state={state}");
        for width in [60, 66, 72, 76] {
            let lines = |text: &str, end: &str| {
                let parts = text.as_bytes().chunks(width).map(|part| std::str::from_utf8(part).unwrap());
                parts.collect::<Vec<_>>().join(end)
            };
            for text in [
                format!("Hello,\n\nI get an error at\n{}\n\nRegards", lines(&url, "\n")),
                format!("> Hello,\n> I get an error at\n> {}\n>\n> Regards", lines(&url, "\n> ")),
                format!("> {}", lines(&format!("I cannot log in: {url}"), "\n> ")),
                format!("Hi\n<{}>\n", lines(&url, "\n")),
                format!("Hi\r\n{}", lines(&url, " \r\n")),
                format!("> {}=\n> .", lines(&url.replace('=', "=3D"), "=\n> ")).replace("=\n> .", ""),
            ] {
                let found = whole_state_in(&text).map(|found| found.state);
                assert_eq!(found.as_deref(), Ok(state.as_str()), "{text}");
            }
        }
        // What follows a whole state is not a part of it.
        for next in
            ["thanks", "Regards, A.", "2026-11-24 14:03:11 GET /", "code=abc1", "--b--", "https://shop.example/"]
        {
            let text = format!("I get an error at the following address of your shop\n{url}\n{next}\n");
            assert_eq!(whole_state_in(&text).map(|found| found.state), Ok(state.clone()), "{text}");
        }
    }
}

#[test]
fn a_key_is_noticed_behind_escapes_and_so_is_a_private_key() {
    for dot in ["%252E", r"\u002e", "&#46;", "=2E", r"\."] {
        assert!(has_key(&format!("x osk1{dot}AAEC")), "{dot}");
    }
    for text in [
        "-----BEGIN PRIVATE KEY-----\nMIIE",
        r#"{"key":"-----BEGIN RSA PRIVATE KEY-----\nMIIE"}"#,
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        r#"{"kty":"EC","d":"x"}"#,
        "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t",
    ] {
        assert!(has_private_key(text), "{text}");
    }
    assert!(!has_private_key(&format!("-----BEGIN CERTIFICATE-----\nMIIE\n/cb?state={STATE}")));
}

/// The input is untrusted: a user's mail.
#[test]
fn no_text_panics_or_takes_long() {
    for text in [
        "%",
        "\\",
        "\\u",
        "\\u12",
        "\\ud800",
        "&#38",
        "&amp;amp;amp;",
        "state=",
        "?state",
        "{",
        "[",
        "\"",
        "=\n",
        "os",
        "ost1",
    ] {
        let _ = state_in(text);
        let _ = state_in(&format!("{text} {text}"));
    }
    let started = std::time::Instant::now();
    let _ = state_in(&"%25".repeat(300_000));
    let _ = state_in(&"a&amp;".repeat(150_000));
    let _ = state_in(&"state=x ".repeat(100_000));
    assert!(started.elapsed() < std::time::Duration::from_secs(8), "{:?}", started.elapsed());
}
