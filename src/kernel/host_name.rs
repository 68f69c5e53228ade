//! How a host name is prepared before it is looked up: as Node does through Ada, and libuv through its
//! buffer of 256 bytes.

use std::io;

/// Why a name has no address.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// An error of `getaddrinfo`: Node's code, and libuv's number.
    Code(&'static str, i32),
    /// A system call of the resolver failed (`EAI_SYSTEM`), or the name is invalid.
    System(io::Error),
    /// The name is not ASCII, and the tables for its ASCII form were left out.
    #[cfg(not(feature = "idna"))]
    NotAscii,
}

impl Unresolved {
    pub(crate) const NOT_FOUND: Unresolved = Unresolved::Code("ENOTFOUND", -3008);

    pub(crate) fn invalid() -> Unresolved {
        Unresolved::System(io::Error::from_raw_os_error(libc::EINVAL))
    }
}

/// The longest name that libuv passes to getaddrinfo(3).
const LENGTH_MAX: usize = 255;

/// The name that is passed to getaddrinfo(3), in ASCII and lower case.
///
/// A name that has no such form, or one that is too long, is `EINVAL`.
pub(crate) fn to_ask_for(host: &str) -> Result<String, Unresolved> {
    let ascii = if host.is_ascii() {
        host.to_ascii_lowercase()
    } else {
        international(host)?
    };
    if ascii.is_empty() || ascii.len() > LENGTH_MAX {
        return Err(Unresolved::invalid());
    }
    Ok(ascii)
}

/// The ASCII form (UTS #46), with the rules that Node uses: those for the host of a URL, except that any
/// ASCII character is allowed.
#[cfg(feature = "idna")]
fn international(host: &str) -> Result<String, Unresolved> {
    use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

    let (any, hyphens, length) = (AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore);
    let ascii = Uts46::new().to_ascii(host.as_bytes(), any, hyphens, length);
    ascii.map_or_else(
        |_| Err(Unresolved::invalid()),
        |ascii| Ok(ascii.into_owned()),
    )
}

#[cfg(not(feature = "idna"))]
fn international(_: &str) -> Result<String, Unresolved> {
    Err(Unresolved::NotAscii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_invalid(host: &str) -> bool {
        matches!(to_ask_for(host), Err(Unresolved::System(error)) if error.raw_os_error() == Some(libc::EINVAL))
    }

    #[test]
    fn a_name_in_ascii_is_asked_for_in_lower_case_whatever_it_is() {
        for (host, asked) in [
            ("localhost", "localhost"),
            ("UNDER_SCORE.Test.", "under_score.test."),
            ("xn--a", "xn--a"),
            ("a b<%>", "a b<%>"),
            ("..", ".."),
        ] {
            assert_eq!(to_ask_for(host).ok().as_deref(), Some(asked), "{host:?}");
        }
    }

    #[test]
    fn a_name_of_255_bytes_is_asked_for_and_a_longer_one_is_not() {
        assert!(to_ask_for(&"x".repeat(255)).is_ok());
        for host in [
            "x".repeat(256),
            "a.".repeat(128),
            "x".repeat(100_000),
            String::new(),
        ] {
            assert!(is_invalid(&host), "{} bytes", host.len());
        }
    }

    /// What Node 26 asks getaddrinfo(3) for.
    #[cfg(feature = "idna")]
    #[test]
    fn an_international_name_is_asked_for_in_its_ascii_form() {
        for (host, asked) in [
            ("bücher.test", "xn--bcher-kva.test"),
            ("BÜCHER.TEST", "xn--bcher-kva.test"),
            ("straße.test", "xn--strae-oqa.test"),
            ("ẞ.test", "xn--zca.test"),
            ("ｌｏｃａｌｈｏｓｔ", "localhost"),
            ("loc\u{200b}al\u{ad}host", "localhost"),
            ("plain。test", "plain.test"),
            ("１２７.0.0.1", "127.0.0.1"),
            ("ü_x.test", "xn--_x-wka.test"),
            ("-ü-.test", "xn-----xka.test"),
            ("ab--cü.test", "xn--ab--c-ova.test"),
            ("a b.ü", "a b.xn--tda"),
            ("א1.test", "xn--1-zhc.test"),
            ("क\u{94d}\u{200d}.test", "xn--11b6iy14e.test"),
            ("ü..test", "xn--tda..test"),
        ] {
            assert_eq!(to_ask_for(host).ok().as_deref(), Some(asked), "{host:?}");
        }
    }

    #[cfg(feature = "idna")]
    #[test]
    fn an_international_name_without_an_ascii_form_is_invalid() {
        let long = "ü".repeat(250);
        for host in [
            "\u{200d}",
            "\u{fffd}",
            "1א.test",
            "\u{301}a",
            "\u{6dd}",
            "xn--ü",
            "xn--a.ü",
            "a\u{200c}b.test",
            "\u{ad}",
            &long,
        ] {
            assert!(is_invalid(host), "{host:?}");
        }
    }

    #[cfg(not(feature = "idna"))]
    #[test]
    fn an_international_name_is_none_without_the_feature() {
        assert!(matches!(
            to_ask_for("bücher.test"),
            Err(Unresolved::NotAscii)
        ));
    }
}
