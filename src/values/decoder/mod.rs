//! Turns chunks of bytes into text, as `setEncoding` does, and keeps a character that a chunk cuts.

use std::borrow::Cow;

/// How the bytes of a socket are read as text: Node's encodings for `setEncoding`.
///
/// The text itself is always handed out as UTF-8.
///
/// ```
/// use netloop::Encoding;
///
/// assert_eq!(Encoding::parse("UTF-8"), Some(Encoding::Utf8));
/// assert_eq!(Encoding::parse("binary"), Some(Encoding::Latin1));
/// assert_eq!(Encoding::parse("utf7"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8; each maximal part of an invalid sequence becomes one U+FFFD, as the Unicode
    /// standard recommends (§3.9) and Node does.
    Utf8,
    /// Each byte is the character of the same number, U+0000 to U+00FF.
    Latin1,
    /// Each byte without its highest bit is a character, as in Node.
    Ascii,
    /// Two lower case digits for each byte.
    Hex,
    /// The alphabet of RFC 4648 §4, padded at the end of the stream.
    Base64,
    /// The alphabet of RFC 4648 §5, which is safe in addresses and file names; no padding.
    Base64Url,
    /// UTF-16, the low byte first. An unpaired surrogate becomes U+FFFD, because UTF-8 cannot encode it.
    Utf16Le,
}

impl Encoding {
    /// The encoding that Node knows by this name, in any case: `utf8`, `utf-8`, `latin1`,
    /// `binary`, `ascii`, `hex`, `base64`, `base64url`, `utf16le`, `utf-16le`, `ucs2`, `ucs-2`.
    /// The empty name is `utf8`, as in Node; `None` for all others.
    pub fn parse(name: &str) -> Option<Encoding> {
        Some(match name.to_ascii_lowercase().as_str() {
            "" | "utf8" | "utf-8" => Encoding::Utf8,
            "latin1" | "binary" => Encoding::Latin1,
            "ascii" => Encoding::Ascii,
            "hex" => Encoding::Hex,
            "base64" => Encoding::Base64,
            "base64url" => Encoding::Base64Url,
            "utf16le" | "utf-16le" | "ucs2" | "ucs-2" => Encoding::Utf16Le,
            _ => return None,
        })
    }
}

/// Node's `StringDecoder`: `write` returns whole characters, and one that a chunk cuts waits for the next
/// chunk. However the bytes are cut into chunks, the text is the same.
#[derive(Debug)]
pub(crate) struct Decoder {
    encoding: Encoding,
    /// The first bytes of a character, or of a group of three bytes in base64.
    pending: [u8; 4],
    pending_length: usize,
    /// How many bytes the UTF-8 character in `pending` still lacks, going by its first byte.
    missing: usize,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub(crate) fn new(encoding: Encoding) -> Self {
        Decoder {
            encoding,
            pending: [0; 4],
            pending_length: 0,
            missing: 0,
        }
    }

    /// The text of this chunk, as UTF-8, with the bytes kept from before and without those kept now;
    /// empty if nothing is complete. It borrows the chunk if the two are equal.
    pub(crate) fn write<'a>(&mut self, chunk: &'a [u8]) -> Cow<'a, [u8]> {
        match self.encoding {
            Encoding::Utf8 => self.write_utf8(chunk),
            Encoding::Latin1 | Encoding::Ascii if chunk.is_ascii() => Cow::Borrowed(chunk),
            Encoding::Latin1 => Cow::Owned(latin1_text(chunk)),
            Encoding::Ascii => Cow::Owned(chunk.iter().map(|byte| byte & 0x7F).collect()),
            Encoding::Hex => Cow::Owned(hex_text(chunk)),
            Encoding::Base64 | Encoding::Base64Url => {
                let bytes = self.with_pending(chunk);
                let whole = bytes.len() - bytes.len() % 3;
                self.keep(&bytes[whole..]);
                Cow::Owned(self.base64_text(&bytes[..whole]))
            }
            Encoding::Utf16Le => {
                let bytes = self.with_pending(chunk);
                let whole = bytes.len() - unfinished_utf16(&bytes);
                self.keep(&bytes[whole..]);
                Cow::Owned(utf16_text(&bytes[..whole]))
            }
        }
    }

    /// The text of the bytes that are kept when the stream ends: U+FFFD for half a character, the last
    /// digits of base64. An odd last byte of UTF-16 is dropped, as in Node. The decoder starts again
    /// afterwards.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        let bytes = self.with_pending(&[]);
        self.missing = 0;
        match self.encoding {
            Encoding::Base64 | Encoding::Base64Url => self.base64_text(&bytes),
            Encoding::Utf16Le => utf16_text(&bytes),
            _ => utf8_text(&bytes).into_owned(),
        }
    }

    fn write_utf8<'a>(&mut self, chunk: &'a [u8]) -> Cow<'a, [u8]> {
        if self.missing == 0 {
            return utf8_text(self.keep_unfinished_utf8(chunk));
        }
        let expected = &chunk[..self.missing.min(chunk.len())];
        let found = expected.iter().take_while(|byte| continues(**byte));
        let (rest_of_character, rest) = chunk.split_at(found.count());
        if rest.is_empty() && rest_of_character.len() < self.missing {
            self.missing -= rest_of_character.len();
            let bytes = self.with_pending(rest_of_character);
            self.keep(&bytes);
            return Cow::Borrowed(&[]);
        }
        let character = self.with_pending(rest_of_character);
        self.missing = 0;
        let mut text = utf8_text(&character).into_owned();
        text.extend_from_slice(&utf8_text(self.keep_unfinished_utf8(rest)));
        Cow::Owned(text)
    }

    /// Keeps the unfinished character at the end of these bytes, and returns the others.
    fn keep_unfinished_utf8<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (kept, missing) = unfinished_utf8(bytes);
        let (whole, unfinished) = bytes.split_at(bytes.len() - kept);
        self.keep(unfinished);
        self.missing = missing;
        whole
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.pending[..bytes.len()].copy_from_slice(bytes);
        self.pending_length = bytes.len();
    }

    /// The bytes that were kept, and then the chunk; nothing is kept afterwards.
    fn with_pending<'a>(&mut self, chunk: &'a [u8]) -> Cow<'a, [u8]> {
        let pending = &self.pending[..std::mem::take(&mut self.pending_length)];
        if pending.is_empty() {
            Cow::Borrowed(chunk)
        } else {
            Cow::Owned([pending, chunk].concat())
        }
    }

    fn base64_text(&self, bytes: &[u8]) -> Vec<u8> {
        let (last_digits, padding): (_, &[u8]) = match self.encoding {
            Encoding::Base64Url => (b"-_", b""),
            _ => (b"+/", b"="),
        };
        let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
        for group in bytes.chunks(3) {
            let mut bits = 0;
            for place in 0..3 {
                bits = bits << 8 | u32::from(*group.get(place).unwrap_or(&0));
            }
            for place in 0..4 {
                if place <= group.len() {
                    let value = (bits >> (18 - 6 * place) & 0x3F) as u8;
                    text.push(base64_digit(value, last_digits));
                } else {
                    text.extend_from_slice(padding);
                }
            }
        }
        text
    }
}

fn base64_digit(value: u8, last_digits: &[u8; 2]) -> u8 {
    match value {
        0..26 => b'A' + value,
        26..52 => b'a' + value - 26,
        52..62 => b'0' + value - 52,
        _ => last_digits[usize::from(value - 62)],
    }
}

fn hex_text(bytes: &[u8]) -> Vec<u8> {
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
    let pairs = bytes
        .iter()
        .map(|byte| [digit(byte >> 4), digit(byte & 0xF)]);
    pairs.flatten().collect()
}

fn latin1_text(bytes: &[u8]) -> Vec<u8> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    text.into_bytes()
}

fn utf8_text(bytes: &[u8]) -> Cow<'_, [u8]> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn utf16_text(bytes: &[u8]) -> Vec<u8> {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let characters = char::decode_utf16(units);
    let text: String = characters
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.into_bytes()
}

/// Whether this is a continuation byte of UTF-8.
fn continues(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// How many bytes at the end begin a character, and how many that character still lacks.
///
/// Only the first byte decides how long the character is, as in Node: bytes that can no longer become
/// valid are kept as long as Node keeps them.
fn unfinished_utf8(bytes: &[u8]) -> (usize, usize) {
    for (after, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            _ => 0,
        };
        let found = after + 1;
        return if found < length {
            (found, length - found)
        } else {
            (0, 0)
        };
    }
    (0, 0)
}

/// How many bytes at the end are half a unit, a lone surrogate, or both.
fn unfinished_utf16(bytes: &[u8]) -> usize {
    let odd = bytes.len() % 2;
    let units = &bytes[..bytes.len() - odd];
    let is_first_of_a_pair = units.last().is_some_and(|high| high & 0xFC == 0xD8);
    odd + if is_first_of_a_pair { 2 } else { 0 }
}

#[cfg(test)]
mod tests;
