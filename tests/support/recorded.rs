//! The scripts, and what Node was recorded to print for each.

use std::collections::BTreeSet;
use std::net::{Ipv6Addr, TcpListener};
use std::path::PathBuf;

/// Scripts and rows that want `::1`.
const NEED_IPV6: [&str; 14] = [
    "connection_address_as_given",
    "happy_eyeballs_all_refused",
    "happy_eyeballs_first_refused",
    "happy_eyeballs_order",
    "net_autoselectfamily",
    "net_autoselectfamily_default",
    "net_connect_options_ipv6",
    "net_dns_custom_lookup",
    "net_dns_lookup_skip",
    "net_listen_ipv6only",
    "several attempts",
    "server_address",
    "server_dualstack",
    "server_ipv6only",
];

/// Scripts that print each address of `localhost`.
const NEED_LOCALHOST: [&str; 1] = ["connection_events_localhost"];

/// Why this machine cannot show what was recorded, if it cannot.
pub(crate) fn cannot_run(name: &str) -> Option<&'static str> {
    let name = &*name.replace('-', "_");
    if NEED_IPV6.contains(&name) && TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return Some("no IPv6");
    }
    if NEED_LOCALHOST.contains(&name) && !localhost_is_one_address() {
        return Some("localhost is not 127.0.0.1 alone");
    }
    None
}

/// Whether the hosts file says of `localhost` that it is 127.0.0.1, and nothing else.
pub(crate) fn localhost_is_one_address() -> bool {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut addresses = hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?;
        words.any(|name| name == "localhost").then_some(address)
    });
    addresses.next() == Some("127.0.0.1") && addresses.all(|address| address == "127.0.0.1")
}

pub(crate) fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "scenarios", "node"]
        .iter()
        .collect()
}

pub(crate) fn names() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).expect("the recorded scenarios");
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter_map(|name| name.strip_suffix(".expected").map(str::to_owned))
        .collect()
}

pub(crate) fn expected(name: &str) -> String {
    let path = folder().join(format!("{}.expected", name.replace('_', "-")));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}
