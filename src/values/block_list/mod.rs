//! Rules for addresses, and whether one of them matches an address: Node's `net.BlockList`.

mod rule;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use self::rule::{Range, Subnet, compare, family_word, ipv6_form};
use super::address::{AddressError, Family, IntoAddress, address_text};

/// A list of addresses, ranges and subnets that a server or a socket refuses: Node's
/// `net.BlockList`.
///
/// ```
/// use netloop::BlockList;
/// use std::net::Ipv4Addr;
///
/// let mut list = BlockList::new();
/// list.add_address("123.123.123.123")?;
/// list.add_range(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 10))?;
/// list.add_subnet("8592:757c:efae:4e45::", 64)?;
///
/// assert!(list.check("123.123.123.123"));
/// assert!(list.check("::ffff:7b7b:7b7b"));
/// assert!(list.check(Ipv4Addr::new(10, 0, 0, 3)));
/// assert!(!list.check("222.111.111.222"));
/// assert_eq!(list.rules()[0], "Address: IPv4 123.123.123.123");
/// # Ok::<(), netloop::AddressError>(())
/// ```
///
/// An IPv4 rule also matches the address in its IPv6 form (`::ffff:1.2.3.4`), and a rule for such an
/// IPv6 form also matches the IPv4 address, as in Node. Each method takes an address of the standard
/// library, a [`SocketAddress`](crate::SocketAddress) or text, and finds the family by itself. A copy
/// is independent of its original, also one that a server was given.
#[derive(Clone, Debug, Default)]
pub struct BlockList {
    /// By the IPv6 form, which both spellings share; the number tells which came first.
    addresses: HashMap<Ipv6Addr, (u64, IpAddr)>,
    addresses_seen: u64,
    ranges: Vec<Range>,
    subnets: Vec<Subnet>,
}

impl BlockList {
    /// Node's `BlockList.PRIVATE_RANGES`, for [`BlockList::add_cidrs`]: addresses that are not on the
    /// public internet. They are the private addresses of RFC 1918, loopback, link-local and unique local
    /// addresses.
    pub const PRIVATE_RANGES: [&'static str; 8] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "::1/128",
        "169.254.0.0/16",
        "fe80::/10",
        "fc00::/7",
    ];

    /// A list without rules: Node's `new net.BlockList()`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule for one address: Node's `addAddress`. An address that is there already keeps its place
    /// and takes the new spelling.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address.
    pub fn add_address(&mut self, address: impl IntoAddress) -> Result<(), AddressError> {
        self.insert_address(address.into_address()?);
        Ok(())
    }

    /// Adds a rule for each of these addresses, or for none of them if one is invalid: Node's
    /// `addAddresses`.
    ///
    /// # Errors
    ///
    /// As [`BlockList::add_address`].
    pub fn add_addresses<A: IntoAddress>(
        &mut self,
        addresses: impl IntoIterator<Item = A>,
    ) -> Result<(), AddressError> {
        let addresses = addresses.into_iter().map(IntoAddress::into_address);
        for address in addresses.collect::<Result<Vec<_>, _>>()? {
            self.insert_address(address);
        }
        Ok(())
    }

    /// Adds a rule for all addresses from `start` to `end`, both included: Node's `addRange`. If one of
    /// them is IPv4, and the other is an IPv6 address that is no form of an IPv4 address, the rule never
    /// matches, as in Node.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address, `ERR_INVALID_ARG_VALUE` if the end
    /// comes before the start.
    pub fn add_range(
        &mut self,
        start: impl IntoAddress,
        end: impl IntoAddress,
    ) -> Result<(), AddressError> {
        let range = Range::new(start, end)?;
        if compare(range.start, range.end) == Some(Ordering::Greater) {
            let (address, family) = (address_text(range.start), Family::from(range.start));
            return Err(AddressError::invalid_value(format!(
                "The argument 'start' must come before end. Received SocketAddress \
                 {{ address: '{address}', port: 0, family: '{family}', flowlabel: 0 }}"
            )));
        }
        self.ranges.push(range);
        Ok(())
    }

    /// Adds a rule for all addresses whose first `prefix` bits are those of `network`: Node's `addSubnet`.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address, `ERR_OUT_OF_RANGE` for a prefix of more
    /// than 32 (IPv4) or 128 (IPv6) bits.
    pub fn add_subnet(
        &mut self,
        network: impl IntoAddress,
        prefix: u8,
    ) -> Result<(), AddressError> {
        self.subnets.push(Subnet::new(network, i64::from(prefix))?);
        Ok(())
    }

    /// Adds a subnet in the notation of RFC 4632, such as `10.0.0.0/8`: Node's `addCIDR`.
    ///
    /// # Errors
    ///
    /// As [`BlockList::add_subnet`], and `ERR_INVALID_ARG_VALUE` if the number of bits is missing
    /// or no number.
    pub fn add_cidr(&mut self, cidr: &str) -> Result<(), AddressError> {
        self.subnets.push(Subnet::parse(cidr)?);
        Ok(())
    }

    /// Adds all of these subnets, or none of them if one is invalid: Node's `addCIDRs`.
    ///
    /// # Errors
    ///
    /// As [`BlockList::add_cidr`].
    pub fn add_cidrs<C: AsRef<str>>(
        &mut self,
        cidrs: impl IntoIterator<Item = C>,
    ) -> Result<(), AddressError> {
        let subnets = cidrs.into_iter().map(|cidr| Subnet::parse(cidr.as_ref()));
        let subnets = subnets.collect::<Result<Vec<_>, _>>()?;
        self.subnets.extend(subnets);
        Ok(())
    }

    /// Removes the rule for one address, in either spelling: Node's `removeAddress`. Nothing happens
    /// if there is none.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address.
    pub fn remove_address(&mut self, address: impl IntoAddress) -> Result<(), AddressError> {
        self.addresses.remove(&ipv6_form(address.into_address()?));
        Ok(())
    }

    /// Removes the oldest rule for exactly this range: Node's `removeRange`. Nothing happens if
    /// there is none.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address.
    pub fn remove_range(
        &mut self,
        start: impl IntoAddress,
        end: impl IntoAddress,
    ) -> Result<(), AddressError> {
        remove_first(&mut self.ranges, Range::new(start, end)?);
        Ok(())
    }

    /// Removes the oldest rule for exactly this network and prefix: Node's `removeSubnet`. Nothing
    /// happens if there is none.
    ///
    /// # Errors
    ///
    /// As [`BlockList::add_subnet`].
    pub fn remove_subnet(
        &mut self,
        network: impl IntoAddress,
        prefix: u8,
    ) -> Result<(), AddressError> {
        let subnet = Subnet::new(network, i64::from(prefix))?;
        remove_first(&mut self.subnets, subnet);
        Ok(())
    }

    /// Removes the oldest rule for exactly this subnet: Node's `removeCIDR`. Nothing happens if
    /// there is none.
    ///
    /// # Errors
    ///
    /// As [`BlockList::add_cidr`].
    pub fn remove_cidr(&mut self, cidr: &str) -> Result<(), AddressError> {
        remove_first(&mut self.subnets, Subnet::parse(cidr)?);
        Ok(())
    }

    /// Removes all rules: Node's `clear`.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a rule matches the address: Node's `check`. `false` for text that is no address.
    pub fn check(&self, address: impl IntoAddress) -> bool {
        address.into_address().is_ok_and(|address| {
            self.addresses.contains_key(&ipv6_form(address))
                || self.ranges.iter().any(|range| range.contains(address))
                || self.subnets.iter().any(|subnet| subnet.contains(address))
        })
    }

    /// How many rules there are: Node's `size`.
    pub fn size(&self) -> usize {
        self.addresses.len() + self.ranges.len() + self.subnets.len()
    }

    /// The rules as text: Node's `rules`. Addresses come first, then subnets, then ranges, the newest of
    /// each first. (Node keeps addresses in a hash table, and may list them in another order.)
    pub fn rules(&self) -> Vec<String> {
        let mut addresses: Vec<_> = self.addresses.values().collect();
        addresses.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        let addresses = addresses.iter().map(|(_, address)| {
            format!(
                "Address: {} {}",
                family_word(*address),
                address_text(*address)
            )
        });
        let subnets = self.subnets.iter().rev().map(Subnet::to_string);
        let ranges = self.ranges.iter().rev().map(Range::to_string);
        addresses.chain(subnets).chain(ranges).collect()
    }

    fn insert_address(&mut self, address: IpAddr) {
        self.addresses_seen += 1;
        let entry = self.addresses.entry(ipv6_form(address));
        entry.or_insert((self.addresses_seen, address)).1 = address;
    }
}

fn remove_first<R: PartialEq>(rules: &mut Vec<R>, rule: R) {
    if let Some(place) = rules.iter().position(|other| *other == rule) {
        rules.remove(place);
    }
}
