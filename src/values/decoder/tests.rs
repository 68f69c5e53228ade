use super::*;

/// The text of each chunk, and then that of the end.
fn texts(encoding: Encoding, chunks: &[&[u8]]) -> Vec<String> {
    let mut decoder = Decoder::new(encoding);
    let mut texts: Vec<Vec<u8>> = chunks
        .iter()
        .map(|chunk| decoder.write(chunk).into_owned())
        .collect();
    texts.push(decoder.end());
    let texts = texts.into_iter().map(String::from_utf8);
    texts.map(|text| text.expect("valid UTF-8")).collect()
}

#[test]
fn names_are_nodes_in_any_case() {
    for (name, encoding) in [
        ("utf8", Some(Encoding::Utf8)),
        ("Utf-8", Some(Encoding::Utf8)),
        ("", Some(Encoding::Utf8)),
        ("BINARY", Some(Encoding::Latin1)),
        ("latin1", Some(Encoding::Latin1)),
        ("ascii", Some(Encoding::Ascii)),
        ("HEX", Some(Encoding::Hex)),
        ("base64", Some(Encoding::Base64)),
        ("Base64Url", Some(Encoding::Base64Url)),
        ("ucs2", Some(Encoding::Utf16Le)),
        ("UCS-2", Some(Encoding::Utf16Le)),
        ("utf16le", Some(Encoding::Utf16Le)),
        ("utf-16le", Some(Encoding::Utf16Le)),
        ("latin-1", None),
        ("utf16", None),
        (" utf8", None),
    ] {
        assert_eq!(Encoding::parse(name), encoding, "{name:?}");
    }
}

#[test]
fn whole_utf8_is_borrowed_and_not_copied() {
    let mut decoder = Decoder::new(Encoding::Utf8);
    let chunk = "grün 😀".as_bytes();
    assert!(matches!(decoder.write(chunk), Cow::Borrowed(text) if text == chunk));
    assert!(matches!(decoder.write(&chunk[..3]), Cow::Borrowed(b"gr")));
}

#[test]
fn a_character_cut_in_two_waits_for_its_other_bytes() {
    assert_eq!(
        texts(
            Encoding::Utf8,
            &[b"a\xF0\x9F", b"\x98", b"\x80b\xC3", b"\xBC"]
        ),
        ["a", "", "😀b", "ü", ""]
    );
}

#[test]
fn invalid_utf8_becomes_one_replacement_for_each_maximal_part() {
    for (chunks, expected) in [
        (
            &[&b"a\xFF\xFE\xE2\x28\xA1\xF0\x9F\x98b"[..]][..],
            &["a\u{FFFD}\u{FFFD}\u{FFFD}(\u{FFFD}\u{FFFD}b", ""][..],
        ),
        (&[b"\xE2\x82", b"a"], &["", "\u{FFFD}a", ""]),
        (
            &[b"\xE0", b"\x80", b"\x80"],
            &["", "", "\u{FFFD}\u{FFFD}\u{FFFD}", ""],
        ),
        (&[b"\xF0\x9F\x98"], &["", "\u{FFFD}"]),
        (&[b"\xC0", b"a"], &["", "\u{FFFD}a", ""]),
        (&[b"\xF5\x80", b"a"], &["", "\u{FFFD}\u{FFFD}a", ""]),
        (&[b"\xED\xA0"], &["", "\u{FFFD}\u{FFFD}"]),
        (&[b"\xC3", b"\xC3", b"\xBC"], &["", "\u{FFFD}", "ü", ""]),
        (
            &[b"\x80\x80", b"\xF8"],
            &["\u{FFFD}\u{FFFD}", "\u{FFFD}", ""],
        ),
    ] {
        assert_eq!(texts(Encoding::Utf8, chunks), expected, "{chunks:?}");
    }
}

#[test]
fn base64_is_handed_out_in_groups_of_three_bytes_and_padded_at_the_end() {
    assert_eq!(
        texts(Encoding::Base64, &[b"abcd", b"e"]),
        ["YWJj", "", "ZGU="]
    );
    assert_eq!(
        texts(Encoding::Base64Url, &[b"abcd", b"e"]),
        ["YWJj", "", "ZGU"]
    );
    assert_eq!(
        texts(Encoding::Base64, &[b"\xFB\xFF", b"\xBF\xFF"]),
        ["", "+/+/", "/w=="]
    );
    assert_eq!(
        texts(Encoding::Base64Url, &[b"\xFB\xFF\xBF\xFF"]),
        ["-_-_", "_w"]
    );
}

#[test]
fn utf16_waits_for_the_second_byte_and_for_the_second_half_of_a_pair() {
    let smile: &[u8] = b"\x3D\xD8\x00\xDE";
    for cut in 1..4 {
        let (first, second) = smile.split_at(cut);
        assert_eq!(
            texts(Encoding::Utf16Le, &[first, second]),
            ["", "😀", ""],
            "{cut}"
        );
    }
    assert_eq!(texts(Encoding::Utf16Le, &[b"a\0b"]), ["a", ""]);
    assert_eq!(
        texts(Encoding::Utf16Le, &[b"\x3D\xD8", b"a\0"]),
        ["", "\u{FFFD}a", ""]
    );
    assert_eq!(texts(Encoding::Utf16Le, &[b"\x3D\xD8"]), ["", "\u{FFFD}"]);
    assert_eq!(texts(Encoding::Utf16Le, &[b"\x00\xDE"]), ["\u{FFFD}", ""]);
}

#[test]
fn encodings_of_single_bytes_keep_nothing_back() {
    assert_eq!(
        texts(Encoding::Hex, &[b"\x00\xAB", b"\xFF"]),
        ["00ab", "ff", ""]
    );
    assert_eq!(
        texts(Encoding::Latin1, &[b"gr\xFCn", b"\x80"]),
        ["grün", "\u{80}", ""]
    );
    assert_eq!(texts(Encoding::Ascii, &[b"gr\xFCn"]), ["gr|n", ""]);
}

#[test]
fn a_decoder_is_as_new_after_its_end() {
    let mut decoder = Decoder::new(Encoding::Utf8);
    assert!(decoder.write(b"\xE2\x82").is_empty());
    assert_eq!(decoder.end(), "\u{FFFD}".as_bytes());
    assert_eq!(decoder.end(), b"");
    assert_eq!(&*decoder.write(b"\xAC"), "\u{FFFD}".as_bytes());
}
