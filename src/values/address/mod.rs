//! Addresses as Node's users write them: `isIP`, families, and what can stand for an address.

mod error;
mod socket_address;

pub use error::AddressError;
pub use socket_address::{SocketAddress, SocketAddressOptions};

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// 4 or 6 for the text of an IPv4 or IPv6 address, 0 for any other text: Node's `net.isIP`.
///
/// ```
/// use netloop::is_ip;
///
/// assert_eq!(is_ip("127.0.0.1"), 4);
/// assert_eq!(is_ip("fe80::1%eth0"), 6);
/// assert_eq!(is_ip("127.000.000.001"), 0);
/// ```
pub fn is_ip(input: &str) -> u8 {
    if is_ipv4(input) {
        4
    } else if is_ipv6(input) {
        6
    } else {
        0
    }
}

/// Whether the text is an IPv4 address: four decimal numbers without leading zeros, as in Node's
/// `net.isIPv4`.
///
/// ```
/// assert!(netloop::is_ipv4("127.0.0.1"));
/// assert!(!netloop::is_ipv4("127.0.0.1/24"));
/// ```
pub fn is_ipv4(input: &str) -> bool {
    input.parse::<Ipv4Addr>().is_ok()
}

/// Whether the text is an IPv6 address (RFC 4291 §2.2), with a zone (`%` and at least one letter,
/// digit, `-`, `.` or `:`) or without, as in Node's `net.isIPv6`.
///
/// ```
/// assert!(netloop::is_ipv6("::ffff:127.0.0.1"));
/// assert!(!netloop::is_ipv6("[::1]"));
/// ```
pub fn is_ipv6(input: &str) -> bool {
    let (address, zone) = match input.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (input, None),
    };
    let is_in_a_zone = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
    let has_good_zone = zone.is_none_or(|zone| !zone.is_empty() && zone.chars().all(is_in_a_zone));
    has_good_zone && address.parse::<Ipv6Addr>().is_ok()
}

/// The family of an address, in the words of Node's `SocketAddress`: `ipv4` and `ipv6`. There will be no
/// third one, as with [`IpAddr`](std::net::IpAddr), so a `match` may be exhaustive.
///
/// ```
/// use netloop::Family;
///
/// assert_eq!("IPv6".parse(), Ok(Family::Ipv6));
/// assert_eq!(Family::default().to_string(), "ipv4");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Family {
    /// `ipv4`, Node's default.
    #[default]
    Ipv4,
    /// `ipv6`.
    Ipv6,
}

impl From<IpAddr> for Family {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Family::Ipv4,
            IpAddr::V6(_) => Family::Ipv6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Family::Ipv4 => "ipv4",
            Family::Ipv6 => "ipv6",
        })
    }
}

impl FromStr for Family {
    type Err = AddressError;

    /// Reads Node's words in any case; anything else is `ERR_INVALID_ARG_VALUE`.
    fn from_str(word: &str) -> Result<Self, AddressError> {
        match word.to_ascii_lowercase().as_str() {
            "ipv4" => Ok(Family::Ipv4),
            "ipv6" => Ok(Family::Ipv6),
            _ => Err(AddressError::invalid_value(format!(
                "The property 'options.family' is invalid. Received '{word}'"
            ))),
        }
    }
}

/// What can stand for an address in the rules of a [`BlockList`](crate::BlockList): an address of
/// the standard library, a [`SocketAddress`] (its port does not count), or text. Node takes a
/// string or a `net.SocketAddress`, and needs the family of the string.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
/// use netloop::{IntoAddress, SocketAddress};
///
/// let expected: Result<IpAddr, _> = Ok(Ipv4Addr::LOCALHOST.into());
/// assert_eq!("127.0.0.1".into_address(), expected);
/// assert_eq!(Ipv4Addr::LOCALHOST.into_address(), expected);
/// assert_eq!(SocketAddress::default().into_address(), expected);
/// assert_eq!("localhost".into_address().unwrap_err().code(), "ERR_INVALID_ADDRESS");
/// ```
pub trait IntoAddress {
    /// The address itself. The zone of an IPv6 address does not count, as in Node.
    ///
    /// # Errors
    /// `ERR_INVALID_ADDRESS` for text that is no address.
    fn into_address(self) -> Result<IpAddr, AddressError>;
}

impl IntoAddress for IpAddr {
    fn into_address(self) -> Result<IpAddr, AddressError> {
        Ok(self)
    }
}

impl IntoAddress for Ipv4Addr {
    fn into_address(self) -> Result<IpAddr, AddressError> {
        Ok(self.into())
    }
}

impl IntoAddress for Ipv6Addr {
    fn into_address(self) -> Result<IpAddr, AddressError> {
        Ok(self.into())
    }
}

impl IntoAddress for &str {
    fn into_address(self) -> Result<IpAddr, AddressError> {
        let family = if self.contains(':') {
            Family::Ipv6
        } else {
            Family::Ipv4
        };
        parse_address(self, family)
    }
}

impl IntoAddress for &String {
    fn into_address(self) -> Result<IpAddr, AddressError> {
        self.as_str().into_address()
    }
}

fn parse_address(text: &str, family: Family) -> Result<IpAddr, AddressError> {
    let parsed = match family {
        Family::Ipv4 => text.parse().map(IpAddr::V4),
        Family::Ipv6 => {
            let (address, _zone) = text.split_once('%').unwrap_or((text, ""));
            address.parse().map(IpAddr::V6)
        }
    };
    parsed.map_err(|_| AddressError::invalid_address())
}

/// Writes an address as Node does: as the standard library, but `::1.2.3.4` for the IPv6 addresses
/// that embed an IPv4 address in their last four bytes (RFC 4291 §2.5.5.1).
pub(crate) fn address_text(address: IpAddr) -> String {
    if let IpAddr::V6(address) = address
        && let [0, 0, 0, 0, 0, 0, high, low] = address.segments()
        && high != 0
    {
        let embedded = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
        return format!("::{embedded}");
    }
    address.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ip_knows_addresses_from_other_text_as_node_does() {
        for (input, expected) in [
            ("127.0.0.1", 4),
            ("255.255.255.255", 4),
            ("256.0.0.1", 0),
            ("01.2.3.4", 0),
            ("0x1.2.3.4", 0),
            ("1.2.3", 0),
            ("1.2.3.4 ", 0),
            ("x127.0.0.1", 0),
            ("", 0),
            ("example.com", 0),
            ("::", 6),
            ("::1", 6),
            ("1:2:3:4:5:6:7:8", 6),
            ("1:2:3:4:5:6:7::", 6),
            ("::2:3:4:5:6:7:8", 6),
            ("1:2:3:4:5:6:7:8:9", 0),
            ("1::2:3:4:5:6:7:8", 0),
            ("1::2::3", 0),
            ("00001::", 0),
            (":::1", 0),
            ("[::1]", 0),
            ("::1.2.3.4", 6),
            ("1:2:3:4:5::1.2.3.4", 6),
            ("1:2:3:4:5:6:7:1.2.3.4", 0),
            ("::1.2.3.04", 0),
            ("::ffff:127.0.0.1", 6),
            ("fe80::2008%eth0", 6),
            ("fe80::2008%eth0.0", 6),
            ("fe80::2008%e-t:0", 6),
            ("fe80::2008%", 0),
            ("fe80::2008%eth0@1", 0),
            ("fe80::2008%eth0%", 0),
            ("%eth0", 0),
            ("1.2.3.4%eth0", 0),
        ] {
            assert_eq!(is_ip(input), expected, "{input:?}");
            assert_eq!(is_ipv4(input), expected == 4, "{input:?}");
            assert_eq!(is_ipv6(input), expected == 6, "{input:?}");
        }
    }

    #[test]
    fn families_are_read_in_any_case() {
        assert_eq!("IPV4".parse(), Ok(Family::Ipv4));
        assert_eq!("IPv6".parse(), Ok(Family::Ipv6));
        let error = "x".parse::<Family>().expect_err("no family");
        assert_eq!(error.code(), "ERR_INVALID_ARG_VALUE");
        assert_eq!(
            error.to_string(),
            "The property 'options.family' is invalid. Received 'x'"
        );
    }
}
