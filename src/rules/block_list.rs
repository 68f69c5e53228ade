//! Rules that name addresses, and whether an address falls under one: Node's `net.BlockList`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::address::{AddressError, Family, IntoAddress, address_text};

/// A list of addresses, ranges and subnets that a server or a socket refuses.
///
/// An IPv4 rule also holds for the address in its IPv6 form (`::ffff:1.2.3.4`), and a rule about
/// such an IPv6 form also holds for the IPv4 address, as in Node's `net.BlockList`. Each method
/// takes an address of the standard library, a [`SocketAddress`](crate::SocketAddress) or text,
/// and finds the family by itself. A copy is independent of its original.
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
#[derive(Clone, Debug, Default)]
pub struct BlockList {
    /// By the IPv6 form, which is one for both spellings; the number says which came first.
    addresses: HashMap<Ipv6Addr, (u64, IpAddr)>,
    addresses_seen: u64,
    ranges: Vec<Range>,
    subnets: Vec<Subnet>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    start: IpAddr,
    end: IpAddr,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Subnet {
    network: IpAddr,
    prefix: u8,
}

impl BlockList {
    /// What is not on the public internet, as Node lists it: the private addresses of RFC 1918,
    /// loopback, link-local and unique local addresses. For [`BlockList::add_cidrs`].
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

    /// A list without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule for one address. An address that is there already keeps its place and takes the
    /// new spelling.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address.
    pub fn add_address(&mut self, address: impl IntoAddress) -> Result<(), AddressError> {
        self.insert_address(address.into_address()?);
        Ok(())
    }

    /// Adds a rule for each of these addresses, or for none of them when one is wrong.
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

    /// Adds a rule for all addresses from `start` to `end`, both included. When one of them is
    /// IPv4 and the other an IPv6 address that is no form of an IPv4 address, there is nothing
    /// between them and the rule never holds, as in Node.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address, `ERR_INVALID_ARG_VALUE` when the end
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

    /// Adds a rule for all addresses that have their first `prefix` bits in common with `network`.
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

    /// Adds a subnet in the notation of RFC 4632, such as `10.0.0.0/8`.
    ///
    /// # Errors
    ///
    /// As [`BlockList::add_subnet`], and `ERR_INVALID_ARG_VALUE` when the number of bits is missing
    /// or no number.
    pub fn add_cidr(&mut self, cidr: &str) -> Result<(), AddressError> {
        self.subnets.push(Subnet::parse(cidr)?);
        Ok(())
    }

    /// Adds all of these subnets, or none of them when one is wrong.
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

    /// Removes the rule for one address, in either spelling; nothing happens when there is none.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` for text that is no address.
    pub fn remove_address(&mut self, address: impl IntoAddress) -> Result<(), AddressError> {
        self.addresses.remove(&ipv6_form(address.into_address()?));
        Ok(())
    }

    /// Removes the oldest rule for exactly this range; nothing happens when there is none.
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

    /// Removes the oldest rule for exactly this network and prefix; nothing happens when there is
    /// none.
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

    /// Removes the oldest rule for exactly this subnet; nothing happens when there is none.
    ///
    /// # Errors
    ///
    /// As [`BlockList::add_cidr`].
    pub fn remove_cidr(&mut self, cidr: &str) -> Result<(), AddressError> {
        remove_first(&mut self.subnets, Subnet::parse(cidr)?);
        Ok(())
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the address falls under a rule; `false` for text that is no address.
    pub fn check(&self, address: impl IntoAddress) -> bool {
        address.into_address().is_ok_and(|address| {
            self.addresses.contains_key(&ipv6_form(address))
                || self.ranges.iter().any(|range| range.contains(address))
                || self.subnets.iter().any(|subnet| subnet.contains(address))
        })
    }

    /// How many rules there are.
    pub fn size(&self) -> usize {
        self.addresses.len() + self.ranges.len() + self.subnets.len()
    }

    /// The rules in Node's words: addresses, then subnets, then ranges, the newest of each first.
    /// (Node keeps addresses in a hash table and may list them in another order among themselves.)
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

impl Range {
    fn new(start: impl IntoAddress, end: impl IntoAddress) -> Result<Self, AddressError> {
        Ok(Range {
            start: start.into_address()?,
            end: end.into_address()?,
        })
    }

    fn contains(&self, address: IpAddr) -> bool {
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
    fn new(network: impl IntoAddress, prefix: i64) -> Result<Self, AddressError> {
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

    fn parse(cidr: &str) -> Result<Self, AddressError> {
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

    fn contains(&self, address: IpAddr) -> bool {
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

fn remove_first<R: PartialEq>(rules: &mut Vec<R>, rule: R) {
    if let Some(place) = rules.iter().position(|other| *other == rule) {
        rules.remove(place);
    }
}

/// The rules write the families larger than `SocketAddress` does.
fn family_word(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

/// The address as an IPv6 address (RFC 4291 §2.5.5.2), which both spellings of one have in common.
fn ipv6_form(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// Which of the two is higher; `None` for an IPv4 address and an IPv6 address that is no form of
/// one. Two IPv6 addresses can always be compared, whatever they contain.
fn compare(left: IpAddr, right: IpAddr) -> Option<Ordering> {
    match (left, right) {
        (IpAddr::V4(_), IpAddr::V6(right)) => Some(left.cmp(&right.to_ipv4_mapped()?.into())),
        (IpAddr::V6(left), IpAddr::V4(_)) => Some(IpAddr::from(left.to_ipv4_mapped()?).cmp(&right)),
        _ => Some(left.cmp(&right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::address::{SocketAddress, SocketAddressOptions};
    use std::net::Ipv4Addr;

    fn list_with(add: impl FnOnce(&mut BlockList) -> Result<(), AddressError>) -> BlockList {
        let mut list = BlockList::new();
        add(&mut list).expect("good rules");
        list
    }

    /// The list of the scenario `blocklist`.
    fn mixed_list() -> BlockList {
        list_with(|list| {
            list.add_address("1.1.1.1")?;
            list.add_range("10.0.0.1", "10.0.0.10")?;
            list.add_subnet("192.168.0.0", 16)?;
            list.add_address("8592:757c:efae:4e45:fb5d:d62a:0d00:8e17")?;
            list.add_subnet("8592:757c:efae:4e45::", 64)?;
            list.add_subnet("172.16.5.9", 12)
        })
    }

    #[test]
    fn an_address_is_found_by_any_rule_it_falls_under() {
        let list = mixed_list();
        for (address, expected) in [
            ("1.1.1.1", true),
            ("1.1.1.2", false),
            ("10.0.0.0", false),
            ("10.0.0.1", true),
            ("10.0.0.10", true),
            ("10.0.0.11", false),
            ("192.168.255.255", true),
            ("192.169.0.0", false),
            ("::ffff:1.1.1.1", true),
            ("::ffff:101:101", true),
            ("::ffff:1.1.1.2", false),
            ("8592:757c:efae:4e45::1", true),
            ("8592:757c:efae:4e46::1", false),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
            ("not-an-ip", false),
        ] {
            assert_eq!(list.check(address), expected, "{address}");
        }
    }

    #[test]
    fn the_rules_are_listed_by_kind_the_newest_first() {
        let mut list = mixed_list();
        assert_eq!(list.size(), 6);
        assert_eq!(
            list.rules(),
            [
                "Address: IPv6 8592:757c:efae:4e45:fb5d:d62a:d00:8e17",
                "Address: IPv4 1.1.1.1",
                "Subnet: IPv4 172.16.5.9/12",
                "Subnet: IPv6 8592:757c:efae:4e45::/64",
                "Subnet: IPv4 192.168.0.0/16",
                "Range: IPv4 10.0.0.1-10.0.0.10",
            ]
        );
        list.clear();
        assert_eq!((list.size(), list.rules()), (0, Vec::new()));
        assert!(!list.check("1.1.1.1"));
    }

    #[test]
    fn rules_hold_for_both_spellings_of_an_ipv4_address() {
        let both = |list: &BlockList| (list.check("1.1.1.5"), list.check("::ffff:1.1.1.5"));
        for (what, expected, list) in [
            (
                "address",
                (true, true),
                list_with(|l| l.add_address("1.1.1.5")),
            ),
            (
                "mapped address",
                (true, true),
                list_with(|l| l.add_address("::ffff:1.1.1.5")),
            ),
            (
                "range",
                (true, true),
                list_with(|l| l.add_range("1.1.1.1", "1.1.1.9")),
            ),
            (
                "mapped range",
                (true, true),
                list_with(|l| l.add_range("::ffff:1.1.1.1", "::ffff:1.1.1.9")),
            ),
            (
                "mixed range",
                (true, true),
                list_with(|l| l.add_range("1.1.1.1", "::ffff:1.1.1.9")),
            ),
            (
                "wide range",
                (false, true),
                list_with(|l| l.add_range("::", "ffff::")),
            ),
            (
                "subnet",
                (true, true),
                list_with(|l| l.add_subnet("1.1.1.0", 24)),
            ),
            (
                "mapped subnet",
                (true, true),
                list_with(|l| l.add_subnet("::ffff:1.0.0.0", 104)),
            ),
            (
                "everything",
                (true, true),
                list_with(|l| l.add_subnet("::", 0)),
            ),
        ] {
            assert_eq!(both(&list), expected, "{what}");
        }
        let ipv4 = list_with(|list| list.add_subnet("0.0.0.0", 0));
        assert!(ipv4.check("9.9.9.9") && ipv4.check("::ffff:9.9.9.9") && !ipv4.check("::1"));
    }

    #[test]
    fn a_range_between_the_families_is_taken_and_never_holds() {
        let list = list_with(|list| list.add_range("1.1.1.1", "::5"));
        assert_eq!(list.rules(), ["Range: IPv4 1.1.1.1-::5"]);
        assert!(!list.check("1.1.1.1") && !list.check("::1"));
    }

    #[test]
    fn an_address_added_again_keeps_its_place_and_takes_the_new_spelling() {
        let list = list_with(|list| {
            list.add_addresses(["1.1.1.1", "2.2.2.2", "1.1.1.1", "::ffff:1.1.1.1"])
        });
        assert_eq!(
            list.rules(),
            ["Address: IPv4 2.2.2.2", "Address: IPv6 ::ffff:1.1.1.1"]
        );
    }

    #[test]
    fn rules_are_removed_one_at_a_time_and_only_when_they_are_the_same() {
        let mut list = list_with(|list| {
            list.add_address("1.1.1.1")?;
            list.add_range("2.2.2.2", "2.2.2.3")?;
            list.add_range("2.2.2.2", "2.2.2.3")?;
            list.add_cidrs(["1.1.1.5/32", "1.1.1.4/31"])
        });
        let mut sizes = Vec::new();
        let mut remove = |list: &mut BlockList, removed: Result<(), AddressError>| {
            removed.expect("a good rule");
            sizes.push(list.size());
        };
        for address in ["9.9.9.9", "::ffff:1.1.1.1", "1.1.1.1"] {
            let removed = list.remove_address(address);
            remove(&mut list, removed);
        }
        for end in ["2.2.2.4", "2.2.2.3", "2.2.2.3", "2.2.2.3"] {
            let removed = list.remove_range("2.2.2.2", end);
            remove(&mut list, removed);
        }
        let removed = list.remove_cidr("1.1.1.5/31");
        remove(&mut list, removed);
        let removed = list.remove_subnet("1.1.1.4", 31);
        remove(&mut list, removed);
        assert_eq!(sizes, [5, 4, 4, 4, 3, 2, 2, 2, 1]);
        assert_eq!(list.rules(), ["Subnet: IPv4 1.1.1.5/32"]);
    }

    #[test]
    fn wrong_rules_are_refused_in_nodes_words_and_change_nothing() {
        let mut list = BlockList::new();
        let invalid = ("ERR_INVALID_ADDRESS", "Invalid socket address");
        let range = |prefix, highest| {
            format!(
                "The value of \"prefix\" is out of range. \
                 It must be >= 0 && <= {highest}. Received {prefix}"
            )
        };
        for (error, (code, message)) in [
            (list.add_address("nope"), invalid),
            (list.add_addresses(["1.1.1.1", "zz"]), invalid),
            (list.remove_address("zz"), invalid),
            (list.add_cidr("/8"), invalid),
            (list.add_cidr("a/b/8"), invalid),
            (
                list.add_subnet("1.1.1.1", 33),
                ("ERR_OUT_OF_RANGE", &*range(33, 32)),
            ),
            (
                list.add_subnet("::", 129),
                ("ERR_OUT_OF_RANGE", &*range(129, 128)),
            ),
            (
                list.add_cidr("1.1.1.1/-1"),
                ("ERR_OUT_OF_RANGE", &*range(-1, 32)),
            ),
            (
                list.add_cidrs(["1.0.0.0/8", "2.0.0.0/999"]),
                ("ERR_OUT_OF_RANGE", &*range(999, 32)),
            ),
            (
                list.add_range("1.1.1.2", "1.1.1.1"),
                (
                    "ERR_INVALID_ARG_VALUE",
                    "The argument 'start' must come before end. Received SocketAddress \
                     { address: '1.1.1.2', port: 0, family: 'ipv4', flowlabel: 0 }",
                ),
            ),
            (
                list.add_cidr("10.0.0.0"),
                (
                    "ERR_INVALID_ARG_VALUE",
                    "The argument 'cidr' must contain a prefix length (e.g. \"10.0.0.0/8\"). \
                     Received '10.0.0.0'",
                ),
            ),
            (
                list.add_cidr("10.0.0.0/08"),
                (
                    "ERR_INVALID_ARG_VALUE",
                    "The argument 'cidr' prefix length must be a valid integer. \
                     Received '10.0.0.0/08'",
                ),
            ),
        ] {
            let error = error.expect_err(message);
            assert_eq!((error.code(), error.to_string().as_str()), (code, message));
        }
        assert_eq!(list.size(), 0);
    }

    #[test]
    fn the_number_of_bits_is_a_plain_decimal_number() {
        for prefix in ["", "+8", "08", "-0", "8.5", "1e1", "8 ", "Infinity", "0x8"] {
            let error = BlockList::new().add_cidr(&format!("10.0.0.0/{prefix}"));
            let code = error.expect_err("no number").code();
            assert_eq!(code, "ERR_INVALID_ARG_VALUE", "{prefix:?}");
        }
        let mut list = list_with(|list| list.add_cidr("0.0.0.0/0"));
        assert_eq!(list.add_cidr("fe80::%eth0/10"), Ok(()));
        assert_eq!(
            list.rules(),
            ["Subnet: IPv6 fe80::/10", "Subnet: IPv4 0.0.0.0/0"]
        );
    }

    #[test]
    fn the_private_ranges_are_not_the_public_internet() {
        let list = list_with(|list| list.add_cidrs(BlockList::PRIVATE_RANGES));
        assert_eq!(list.size(), 8);
        for address in [
            "10.1.2.3",
            "172.31.0.1",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "fdff::",
        ] {
            assert!(list.check(address), "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::2"] {
            assert!(!list.check(address), "{address}");
        }
    }

    #[test]
    fn rules_take_addresses_of_every_kind_and_ports_do_not_count() {
        let options = SocketAddressOptions {
            port: 5,
            ..Default::default()
        };
        let with_port = SocketAddress::new(options).expect("good options");
        let list = list_with(|list| list.add_address(with_port));
        assert!(list.check(Ipv4Addr::LOCALHOST));
        assert!(list.check(IpAddr::from(Ipv4Addr::LOCALHOST)));
        assert!(list.check(Ipv4Addr::LOCALHOST.to_ipv6_mapped()));
        assert!(list.check(&"127.0.0.1".to_owned()));
        assert!(list.check(SocketAddress::default()));
    }

    #[test]
    fn a_copy_is_independent_of_its_original() {
        let original = mixed_list();
        let mut copy = original.clone();
        copy.add_address("9.9.9.9").expect("an address");
        assert!(copy.check("9.9.9.9") && !original.check("9.9.9.9"));
    }
}
