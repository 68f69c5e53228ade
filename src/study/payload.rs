//! Bytes of a peer or of the program as text.

/// How many bytes of a write or a chunk a recording holds at most: its line stays readable.
pub(super) const PAYLOAD_MAX: usize = 64 << 10;

/// The bytes as text: UTF-8 as it is, but a backslash, what has no shape of its own (such as a control
/// character), and each byte that is not UTF-8 (`\xff`) with a backslash before it.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '"' | '\'' => text.push(char),
                other => text.extend(other.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            text.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_that_can_do_nothing() {
        for (bytes, text) in [
            (&b"hi"[..], "hi"),
            (b"a \"b\" <c>\n", r#"a "b" <c>\n"#),
            (b"\x1b[2J\0\x7f", r"\u{1b}[2J\0\u{7f}"),
            (b"\xff\xc3", r"\xff\xc3"),
            (br"\n", r"\\n"),
            ("안녕 \u{202e}".as_bytes(), "안녕 \\u{202e}"),
        ] {
            assert_eq!(escaped(bytes), text);
        }
    }
}
