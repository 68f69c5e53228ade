//! The command line: `netloop server`, `netloop client`, `netloop demo`.
fn main() {}
