use super::*;

#[test]
fn a_second_spelling_of_the_same_bytes_is_refused() {
    let mut buffer = [0; 8];
    assert_eq!(decode_into(b"AQ", &mut buffer), Ok(&[1][..]));
    for other in ["AR", "AQ==", "AQ=", "A Q", "AQ\n", "A", "+/8", "AQ\u{e9}"] {
        assert_eq!(decode_into(other.as_bytes(), &mut buffer), Err(NotCanonical), "{other}");
    }
}

#[test]
fn an_exact_length_is_exact() {
    assert_eq!(decode_exact::<2>(b"AQI"), Ok([1, 2]));
    assert_eq!(decode_exact::<2>(b"AQ"), Err(NotCanonical));
    assert_eq!(decode_exact::<2>(b"AQIDBA"), Err(NotCanonical));
}

#[test]
fn the_length_is_the_length_of_the_text() {
    for length in 0..100 {
        assert_eq!(encode(vec![0; length]).len(), encoded_len(length));
    }
}
