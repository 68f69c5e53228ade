//! A range, a subnet, and the two spellings of an IPv4 address.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::super::address::{AddressError, IntoAddress, address_text};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub(super) start: IpAddr,
    pub(super) end: IpAddr,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Subnet {
    network: IpAddr,
    prefix: u8,
}

impl Range {
    pub(super) fn new(
        start: impl IntoAddress,
        end: impl IntoAddress,
    ) -> Result<Self, AddressError> {
        Ok(Range {
            start: start.into_address()?,
            end: end.into_address()?,
        })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        compare(address, self.start).is_some_and(Ordering::is_ge)
            && compare(address, self.end).is_some_and(Ordering::is_le)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (address_text(self.start), address_text(self.end));
        write!(
            formatter,
            "Range: {} {start}-{end}",
            family_word(self.start)
        )
    }
}

impl Subnet {
    pub(super) fn new(network: impl IntoAddress, prefix: i64) -> Result<Self, AddressError> {
        let network = network.into_address()?;
        let bits = match network {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        match u8::try_from(prefix) {
            Ok(prefix) if prefix <= bits => Ok(Subnet { network, prefix }),
            _ => Err(AddressError::out_of_range("prefix", bits.into(), prefix)),
        }
    }

    pub(super) fn parse(cidr: &str) -> Result<Self, AddressError> {
        let invalid = |why| {
            let message = format!("The argument 'cidr' {why}. Received '{cidr}'");
            AddressError::invalid_value(message)
        };
        let (network, prefix) = cidr
            .rsplit_once('/')
            .ok_or_else(|| invalid("must contain a prefix length (e.g. \"10.0.0.0/8\")"))?;
        let number = prefix.parse().ok();
        let number = number.filter(|number: &i64| number.to_string() == prefix);
        let number = number.ok_or_else(|| invalid("prefix length must be a valid integer"))?;
        Subnet::new(network, number)
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let prefix = u32::from(self.prefix);
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= prefix
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
            (IpAddr::V6(network), _) => {
                let differing = network.to_bits() ^ ipv6_form(address).to_bits();
                differing.leading_zeros() >= prefix
            }
        }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, network) = (family_word(self.network), address_text(self.network));
        write!(formatter, "Subnet: {family} {network}/{}", self.prefix)
    }
}

/// The name of a family in the text of a rule, where it is not in lower case as in `SocketAddress`.
pub(super) fn family_word(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

/// The address as an IPv6 address (RFC 4291 §2.5.5.2), which is the same for both spellings.
pub(super) fn ipv6_form(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// Compares two addresses. `None` for an IPv4 address and an IPv6 address that is no form of one. Two
/// IPv6 addresses can always be compared, whatever they contain.
pub(super) fn compare(left: IpAddr, right: IpAddr) -> Option<Ordering> {
    match (left, right) {
        (IpAddr::V4(_), IpAddr::V6(right)) => Some(left.cmp(&right.to_ipv4_mapped()?.into())),
        (IpAddr::V6(left), IpAddr::V4(_)) => Some(IpAddr::from(left.to_ipv4_mapped()?).cmp(&right)),
        _ => Some(left.cmp(&right)),
    }
}
