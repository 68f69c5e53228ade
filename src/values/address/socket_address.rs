//! An address with its port: Node's `net.SocketAddress`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::{AddressError, Family, IntoAddress, address_text, parse_address};

/// An IPv6 flow label has 20 bits (RFC 6437 §2).
const HIGHEST_FLOW_LABEL: u32 = 0xF_FFFF;

/// What a [`SocketAddress`] is made of: the options of Node's `new net.SocketAddress(options)`, with
/// its defaults.
///
/// ```
/// use netloop::{Family, SocketAddress, SocketAddressOptions};
///
/// let options = SocketAddressOptions { family: Family::Ipv6, port: 80, ..Default::default() };
/// assert_eq!(SocketAddress::new(options)?.to_string(), "[::]:80");
/// # Ok::<(), netloop::AddressError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SocketAddressOptions<'a> {
    /// The text of an address of this family; `127.0.0.1` or `::` by default.
    pub address: Option<&'a str>,
    /// The family; IPv4 by default.
    pub family: Family,
    /// The port; 0 by default.
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
    /// Builds an address: Node's `new net.SocketAddress(options)`. Its zone, if the text has one, is
    /// dropped, as in Node.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` if the text is no address of the family, `ERR_OUT_OF_RANGE` if the
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

    /// Reads `a.b.c.d`, `a.b.c.d:port`, `[ipv6]` or `[ipv6]:port`: Node's `SocketAddress.parse`. A missing
    /// port is 0. `None`, Node's `undefined`, for anything else.
    ///
    /// Node reads the text as a URL of the scheme `http`. Two effects of that are not copied: Node drops
    /// the port 80, and it accepts short, octal and hexadecimal addresses, names before an `@`, and paths.
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

    /// The address: Node's `address`.
    pub fn address(&self) -> IpAddr {
        self.0.ip()
    }

    /// The family of the address: Node's `family`.
    pub fn family(&self) -> Family {
        self.0.ip().into()
    }

    /// The port: Node's `port`.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// The IPv6 flow label (RFC 6437): Node's `flowlabel`; 0 for IPv4.
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

impl IntoAddress for SocketAddress {
    fn into_address(self) -> Result<IpAddr, AddressError> {
        Ok(self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
