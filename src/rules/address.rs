//! Addresses as Node's users write them: `isIP`, `SocketAddress`, and what can be wrong with one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

/// An IPv6 flow label has 20 bits (RFC 6437 §2).
const HIGHEST_FLOW_LABEL: u32 = 0xF_FFFF;

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

/// What is wrong with an address or with a rule about addresses.
///
/// ```
/// use netloop::BlockList;
///
/// let error = BlockList::new().add_address("localhost").unwrap_err();
/// assert_eq!(error.code(), "ERR_INVALID_ADDRESS");
/// assert_eq!(error.to_string(), "Invalid socket address");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressError {
    code: &'static str,
    message: String,
}

impl AddressError {
    /// Node's code: `ERR_INVALID_ADDRESS` for text that is no address of the family,
    /// `ERR_INVALID_ARG_VALUE` for other text that cannot be read and for a range that ends before
    /// it starts, `ERR_OUT_OF_RANGE` for a number that is too large.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn invalid_address() -> Self {
        AddressError {
            code: "ERR_INVALID_ADDRESS",
            message: "Invalid socket address".to_owned(),
        }
    }

    pub(crate) fn invalid_value(message: String) -> Self {
        AddressError {
            code: "ERR_INVALID_ARG_VALUE",
            message,
        }
    }

    pub(crate) fn out_of_range(name: &str, highest: u32, received: impl fmt::Display) -> Self {
        AddressError {
            code: "ERR_OUT_OF_RANGE",
            message: format!(
                "The value of \"{name}\" is out of range. \
                 It must be >= 0 && <= {highest}. Received {received}"
            ),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for AddressError {}

/// The family of an address, in the words of Node's `SocketAddress`: `ipv4` and `ipv6`.
///
/// ```
/// use netloop::Family;
///
/// assert_eq!("IPv6".parse(), Ok(Family::Ipv6));
/// assert_eq!(Family::default().to_string(), "ipv4");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Family {
    /// `ipv4`, which is what Node assumes when nothing is said.
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

    /// Reads Node's words in any case; all else is `ERR_INVALID_ARG_VALUE`.
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
/// the standard library, a [`SocketAddress`] (its port does not count), or text.
pub trait IntoAddress {
    /// The address itself; `ERR_INVALID_ADDRESS` for text that is none. The zone of an IPv6
    /// address does not count, as in Node.
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

impl IntoAddress for SocketAddress {
    fn into_address(self) -> Result<IpAddr, AddressError> {
        Ok(self.address())
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

/// What a [`SocketAddress`] is made of; each part has Node's default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SocketAddressOptions<'a> {
    /// The text of an address of this family; `127.0.0.1` or `::` when nothing is said.
    pub address: Option<&'a str>,
    /// The family, IPv4 when nothing is said.
    pub family: Family,
    /// The port, 0 when nothing is said.
    pub port: u16,
    /// The IPv6 flow label, at most 1048575 (20 bits); it is dropped for IPv4.
    pub flowlabel: u32,
}

/// An address and a port: Node's `net.SocketAddress`.
///
/// ```
/// use netloop::{Family, SocketAddress, SocketAddressOptions};
///
/// let address = SocketAddress::new(SocketAddressOptions {
///     address: Some("0:0::1"),
///     family: Family::Ipv6,
///     port: 8000,
///     ..Default::default()
/// })?;
/// assert_eq!(address.to_string(), "[::1]:8000");
/// assert_eq!(SocketAddress::parse("[::1]:8000"), Some(address));
/// # Ok::<(), netloop::AddressError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SocketAddress(SocketAddr);

impl SocketAddress {
    /// Builds an address; its zone, if the text has one, is dropped, as in Node.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` when the text is no address of the family, `ERR_OUT_OF_RANGE` when the
    /// flow label has more than 20 bits (Node aborts then).
    pub fn new(options: SocketAddressOptions<'_>) -> Result<Self, AddressError> {
        let SocketAddressOptions {
            address,
            family,
            port,
            flowlabel,
        } = options;
        if flowlabel > HIGHEST_FLOW_LABEL {
            let name = "options.flowlabel";
            return Err(AddressError::out_of_range(
                name,
                HIGHEST_FLOW_LABEL,
                flowlabel,
            ));
        }
        let address = match (address, family) {
            (Some(text), family) => parse_address(text, family)?,
            (None, Family::Ipv4) => Ipv4Addr::LOCALHOST.into(),
            (None, Family::Ipv6) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Ok(SocketAddress(match address {
            IpAddr::V4(address) => SocketAddrV4::new(address, port).into(),
            IpAddr::V6(address) => SocketAddrV6::new(address, port, flowlabel, 0).into(),
        }))
    }

    /// Reads `a.b.c.d`, `a.b.c.d:port`, `[ipv6]` or `[ipv6]:port`; the port is 0 when it is not
    /// there. `None` for anything else.
    ///
    /// Node reads the text as a URL of the scheme `http`; two things follow from that and are not
    /// copied: it loses the port 80, and it takes short, octal and hexadecimal addresses, names
    /// before an `@`, and paths.
    pub fn parse(input: &str) -> Option<SocketAddress> {
        let (address, rest): (IpAddr, &str) = match input.strip_prefix('[') {
            Some(bracketed) => {
                let (address, rest) = bracketed.split_once(']')?;
                (address.parse::<Ipv6Addr>().ok()?.into(), rest)
            }
            None => {
                let (address, rest) = input.split_at(input.find(':').unwrap_or(input.len()));
                (address.parse::<Ipv4Addr>().ok()?.into(), rest)
            }
        };
        let digits = match rest {
            "" | ":" => "0",
            _ => rest.strip_prefix(':')?,
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(SocketAddr::new(address, digits.parse().ok()?).into())
    }

    /// The address.
    pub fn address(&self) -> IpAddr {
        self.0.ip()
    }

    /// The family of the address.
    pub fn family(&self) -> Family {
        self.0.ip().into()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// The IPv6 flow label; 0 for IPv4.
    pub fn flowlabel(&self) -> u32 {
        match self.0 {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(address) => address.flowinfo(),
        }
    }
}

impl Default for SocketAddress {
    /// `127.0.0.1` with port 0, as in Node.
    fn default() -> Self {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()
    }
}

impl From<SocketAddr> for SocketAddress {
    fn from(address: SocketAddr) -> Self {
        SocketAddress(address)
    }
}

impl From<SocketAddress> for SocketAddr {
    fn from(address: SocketAddress) -> Self {
        address.0
    }
}

impl fmt::Display for SocketAddress {
    /// Writes what [`SocketAddress::parse`] reads.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, port) = (address_text(self.address()), self.port());
        match self.family() {
            Family::Ipv4 => write!(formatter, "{address}:{port}"),
            Family::Ipv6 => write!(formatter, "[{address}]:{port}"),
        }
    }
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

    fn parts(address: SocketAddress) -> (String, u16, String, u32) {
        (
            address_text(address.address()),
            address.port(),
            address.family().to_string(),
            address.flowlabel(),
        )
    }

    #[test]
    fn each_part_of_a_socket_address_has_nodes_default() {
        let default = ("127.0.0.1".to_owned(), 0, "ipv4".to_owned(), 0);
        assert_eq!(parts(SocketAddress::default()), default);
        let options = SocketAddressOptions::default();
        assert_eq!(SocketAddress::new(options).map(parts), Ok(default));
        let options = SocketAddressOptions {
            family: Family::Ipv6,
            ..options
        };
        let unspecified = ("::".to_owned(), 0, "ipv6".to_owned(), 0);
        assert_eq!(SocketAddress::new(options).map(parts), Ok(unspecified));
    }

    #[test]
    fn addresses_are_written_as_node_writes_them() {
        for (given, written) in [
            ("0:0::1", "::1"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ("::102:304", "::1.2.3.4"),
            ("::1:0", "::0.1.0.0"),
            ("::5", "::5"),
            ("::ffff:0:1.2.3.4", "::ffff:0:102:304"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("2001:DB8::A", "2001:db8::a"),
            ("fe80::1%eth0", "fe80::1"),
            ("fe80::1%", "fe80::1"),
        ] {
            let address = SocketAddress::new(SocketAddressOptions {
                address: Some(given),
                family: Family::Ipv6,
                port: 65535,
                flowlabel: 0xF_FFFF,
            });
            let expected = (written.to_owned(), 65535, "ipv6".to_owned(), 0xF_FFFF);
            assert_eq!(address.map(parts), Ok(expected));
        }
    }

    #[test]
    fn the_flow_label_of_an_ipv4_address_is_dropped() {
        let options = SocketAddressOptions {
            flowlabel: 5,
            ..Default::default()
        };
        assert_eq!(SocketAddress::new(options), Ok(SocketAddress::default()));
    }

    #[test]
    fn wrong_parts_are_refused_in_nodes_words() {
        let refused = |options| {
            let error = SocketAddress::new(options).expect_err("must be refused");
            (error.code(), error.to_string())
        };
        for (address, family) in [
            ("zz", Family::Ipv4),
            ("::1", Family::Ipv4),
            ("", Family::Ipv4),
            ("1.2.3.4", Family::Ipv6),
            (" ::1", Family::Ipv6),
        ] {
            let options = SocketAddressOptions {
                address: Some(address),
                family,
                ..Default::default()
            };
            let expected = ("ERR_INVALID_ADDRESS", "Invalid socket address".to_owned());
            assert_eq!(refused(options), expected, "{address:?}");
        }
        let options = SocketAddressOptions {
            flowlabel: 0x10_0000,
            ..Default::default()
        };
        let message = "The value of \"options.flowlabel\" is out of range. \
                       It must be >= 0 && <= 1048575. Received 1048576";
        assert_eq!(refused(options), ("ERR_OUT_OF_RANGE", message.to_owned()));
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

    #[test]
    fn parse_reads_addresses_with_and_without_a_port() {
        for (input, expected) in [
            ("1.2.3.4", "1.2.3.4:0"),
            ("1.2.3.4:", "1.2.3.4:0"),
            ("1.2.3.4:80", "1.2.3.4:80"),
            ("1.2.3.4:08", "1.2.3.4:8"),
            ("1.2.3.4:000000000065", "1.2.3.4:65"),
            ("1.2.3.4:65535", "1.2.3.4:65535"),
            ("[::1]", "[::1]:0"),
            ("[::1]:443", "[::1]:443"),
            ("[::FFFF:1.2.3.4]:9", "[::ffff:1.2.3.4]:9"),
        ] {
            let address = SocketAddress::parse(input).map(|address| address.to_string());
            assert_eq!(address.as_deref(), Some(expected), "{input:?}");
        }
    }

    #[test]
    fn parse_refuses_what_is_no_address() {
        for input in [
            "",
            "localhost",
            "localhost:80",
            "::1",
            "::1]:80",
            "[::1",
            "[::1]x:80",
            "[1.2.3.4]:80",
            "[fe80::1%lo]:1",
            "1.2.3.4:65536",
            "1.2.3.4:+5",
            "1.2.3.4:abc",
            "1.2.3.4:80:90",
            "1.2.3.4 :80",
            "1.2.3:80",
            "0300.1.1.1",
            "1.2.3.4/path",
            "a@1.2.3.4:1",
        ] {
            assert_eq!(SocketAddress::parse(input), None, "{input:?}");
        }
    }

    #[test]
    fn addresses_of_the_standard_library_pass_through_unchanged() {
        for address in ["1.2.3.4:5", "[::1]:5"].map(|text| text.parse::<SocketAddr>()) {
            let address = address.expect("an address");
            assert_eq!(SocketAddr::from(SocketAddress::from(address)), address);
            assert_eq!(
                SocketAddress::parse(&address.to_string()),
                Some(address.into())
            );
        }
    }
}
