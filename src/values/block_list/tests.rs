//! Which addresses a rule matches, and the errors of invalid rules.

use super::*;
use crate::values::address::{SocketAddress, SocketAddressOptions};
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
    let lists = [
        list_with(|l| l.add_address("1.1.1.5")),
        list_with(|l| l.add_address("::ffff:1.1.1.5")),
        list_with(|l| l.add_range("1.1.1.1", "1.1.1.9")),
        list_with(|l| l.add_range("::ffff:1.1.1.1", "::ffff:1.1.1.9")),
        list_with(|l| l.add_range("1.1.1.1", "::ffff:1.1.1.9")),
        list_with(|l| l.add_subnet("1.1.1.0", 24)),
        list_with(|l| l.add_subnet("::ffff:1.0.0.0", 104)),
        list_with(|l| l.add_subnet("::", 0)),
    ];
    for list in lists {
        assert!(list.check("1.1.1.5"), "{:?}", list.rules());
        assert!(list.check("::ffff:1.1.1.5"), "{:?}", list.rules());
    }
    let ipv4 = list_with(|list| list.add_subnet("0.0.0.0", 0));
    assert!(ipv4.check("9.9.9.9") && ipv4.check("::ffff:9.9.9.9") && !ipv4.check("::1"));
}

#[test]
fn a_range_of_ipv6_addresses_does_not_hold_for_the_ipv4_addresses_inside() {
    let list = list_with(|list| list.add_range("::", "ffff::"));
    assert!(!list.check("1.1.1.5") && list.check("::ffff:1.1.1.5"));
}

#[test]
fn a_range_between_the_families_is_taken_and_never_holds() {
    let list = list_with(|list| list.add_range("1.1.1.1", "::5"));
    assert_eq!(list.rules(), ["Range: IPv4 1.1.1.1-::5"]);
    assert!(!list.check("1.1.1.1") && !list.check("::1"));
}

#[test]
fn an_address_added_again_keeps_its_place_and_takes_the_new_spelling() {
    let list =
        list_with(|list| list.add_addresses(["1.1.1.1", "2.2.2.2", "1.1.1.1", "::ffff:1.1.1.1"]));
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

/// The error, in Node's words.
fn assert_refused(answer: Result<(), AddressError>, code: &str, message: &str) {
    let error = answer.expect_err(message);
    assert_eq!((error.code(), &*error.to_string()), (code, message));
}

#[test]
fn wrong_rules_are_refused_in_nodes_words_and_change_nothing() {
    let mut list = BlockList::new();
    for answer in [
        list.add_address("nope"),
        list.add_addresses(["1.1.1.1", "zz"]),
        list.remove_address("zz"),
        list.add_cidr("/8"),
        list.add_cidr("a/b/8"),
    ] {
        assert_refused(answer, "ERR_INVALID_ADDRESS", "Invalid socket address");
    }
    for (answer, prefix, highest) in [
        (list.add_subnet("1.1.1.1", 33), 33, 32),
        (list.add_subnet("::", 129), 129, 128),
        (list.add_cidr("1.1.1.1/-1"), -1, 32),
        (list.add_cidrs(["1.0.0.0/8", "2.0.0.0/999"]), 999, 32),
    ] {
        let message = format!(
            "The value of \"prefix\" is out of range. \
             It must be >= 0 && <= {highest}. Received {prefix}"
        );
        assert_refused(answer, "ERR_OUT_OF_RANGE", &message);
    }
    for (answer, message) in [
        (
            list.add_range("1.1.1.2", "1.1.1.1"),
            "The argument 'start' must come before end. Received SocketAddress \
             { address: '1.1.1.2', port: 0, family: 'ipv4', flowlabel: 0 }",
        ),
        (
            list.add_cidr("10.0.0.0"),
            "The argument 'cidr' must contain a prefix length (e.g. \"10.0.0.0/8\"). \
             Received '10.0.0.0'",
        ),
        (
            list.add_cidr("10.0.0.0/08"),
            "The argument 'cidr' prefix length must be a valid integer. Received '10.0.0.0/08'",
        ),
    ] {
        assert_refused(answer, "ERR_INVALID_ARG_VALUE", message);
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
