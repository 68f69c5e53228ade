//! One argument: its value, or a line that says what is wrong with it and what would be right.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use getopts::{Fail, Matches};
use netloop::BlockList;

use super::course::Seed;
use super::lessons::{CODES, Language};
use super::server::place::Place;
use super::server::proxy::Proxies;
use super::show::Turns;

/// What is wrong with the command line, in one line.
pub(super) type Complaint = String;

/// What was found for a command.
pub(super) struct Arguments<'a> {
    pub(super) command: &'a str,
    pub(super) found: &'a Matches,
}

impl Arguments<'_> {
    fn wrong(&self, name: &str, what: &str) -> Complaint {
        format!("netloop {}: --{name}: {what}", self.command)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.found.opt_present(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.found.opt_str(name)
    }

    fn parsed<T>(
        &self,
        name: &str,
        right: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Complaint> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let wrong = || self.wrong(name, &format!("{text:?} is not {right}"));
        parse(&text).map(Some).ok_or_else(wrong)
    }

    pub(super) fn host(&self) -> Result<Option<String>, Complaint> {
        // Some systems take an empty host for every address, others for none.
        self.parsed("host", "a name or an IP address", |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    /// A port to listen on.
    pub(super) fn port(&self) -> Result<Option<u16>, Complaint> {
        self.parsed("port", "a port (0 to 65535)", whole)
    }

    /// A port to connect to.
    pub(super) fn peer_port(&self) -> Result<Option<u16>, Complaint> {
        self.parsed("port", "a port (1 to 65535)", |text| {
            whole(text).filter(|port| *port > 0)
        })
    }

    pub(super) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, Complaint> {
        self.parsed(name, "a number (0 or more)", whole)
    }

    /// The seed of a simulated run, if the program was built with the feature `sim`.
    pub(super) fn seed(&self, name: &str) -> Result<Option<Seed>, Complaint> {
        let seed = self.number(name)?.map(Seed::of).transpose();
        seed.map_err(|why| self.wrong(name, why))
    }

    pub(super) fn bytes(&self, name: &str) -> Result<Option<usize>, Complaint> {
        self.parsed(
            name,
            "a number of bytes, such as 65536, 64K, 64M or 1G",
            bytes,
        )
    }

    /// How many bytes of each write and each chunk are recorded.
    pub(super) fn payloads(&self) -> Result<usize, Complaint> {
        let right = "a number of bytes up to 64K";
        let most = |text: &str| bytes(text).filter(|bytes| *bytes <= 64 << 10);
        let found = self.parsed("payloads", right, most)?;
        let is_said = |name| self.found.opt_defined(name) && self.has(name);
        let goes_somewhere = is_said("record") || is_said("html");
        match found {
            Some(_) if !goes_somewhere => Err(self.wrong("payloads", "there is no --record")),
            found => Ok(found.unwrap_or(0)),
        }
    }

    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>, Complaint> {
        let right = "a duration (200ms, 1s, 1h30m, or a number of milliseconds, at most 24 days)";
        self.parsed(name, right, duration)
    }

    /// The mode of a file, in octal.
    pub(super) fn mode(&self, name: &str) -> Result<Option<u32>, Complaint> {
        self.parsed(name, "a mode (0 to 0777, in octal)", |text| {
            let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
            let mode = u32::from_str_radix(text, 8).ok().filter(|_| is_octal);
            mode.filter(|mode| *mode <= 0o777)
        })
    }

    /// The language of the lessons.
    pub(super) fn language(&self, name: &str) -> Result<Option<Language>, Complaint> {
        let right = format!("a language of the lessons ({})", CODES.join(" or "));
        self.parsed(name, &right, Language::of)
    }

    /// The turns that are shown.
    pub(super) fn turns(&self, name: &str) -> Result<Option<Turns>, Complaint> {
        self.parsed(name, "a range of turns (3..5, 3.., ..5 or 3)", Turns::parse)
    }

    /// Where to listen, in the order in which it is said.
    pub(super) fn places(&self, name: &str) -> Result<Vec<Place>, Complaint> {
        let right = "tcp:HOST:PORT, tcp:[ADDRESS]:PORT or unix:PATH (of 1 to 107 bytes)";
        self.each(name, right, place)
    }

    /// The addresses of a list; none if nothing is said of them.
    pub(super) fn addresses(&self, name: &str) -> Result<Option<BlockList>, Complaint> {
        let right = "an address or a network, such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";
        let mut list = BlockList::new();
        self.each(name, right, |text| add(&mut list, text))?;
        Ok(Some(list).filter(|list| list.size() > 0))
    }

    /// The proxies that are believed.
    pub(super) fn proxies(&self, name: &str) -> Result<Proxies, Complaint> {
        let right = "an address or a network, such as 192.0.2.1 or 10.0.0.0/8, or unix";
        let mut proxies = Proxies::default();
        self.each(name, right, |text| match text {
            "unix" => {
                proxies.is_unix = true;
                Some(())
            }
            text => add(&mut proxies.addresses, text),
        })?;
        Ok(proxies)
    }

    /// The values of an option that may be said more than once.
    fn each<T>(
        &self,
        name: &str,
        right: &str,
        mut parse: impl FnMut(&str) -> Option<T>,
    ) -> Result<Vec<T>, Complaint> {
        let texts = self.found.opt_strs(name);
        let value = |text: &String| {
            let wrong = || self.wrong(name, &format!("{text:?} is not {right}"));
            parse(text).ok_or_else(wrong)
        };
        texts.iter().map(value).collect()
    }

    /// A path, which excludes a host and a port.
    pub(super) fn path(&self) -> Result<Option<PathBuf>, Complaint> {
        let path = self.parsed("path", "a path of 1 to 107 bytes", path)?;
        let others = ["host", "port"];
        let other = others.iter().find(|name| self.found.opt_present(name));
        match other.filter(|_| path.is_some()) {
            Some(other) => Err(format!(
                "netloop {}: --path and --{other} exclude each other",
                self.command
            )),
            None => Ok(path),
        }
    }
}

/// A complaint of the options parser, worded like the other complaints.
pub(super) fn failure(fail: Fail) -> String {
    let dashed = |name: &str| match name.chars().nth(1) {
        Some(_) => format!("--{name}"),
        None => format!("-{name}"),
    };
    match fail {
        Fail::UnrecognizedOption(name) => format!("{:?} is not an option", dashed(&name)),
        Fail::ArgumentMissing(name) => format!("{}: needs a value", dashed(&name)),
        Fail::OptionDuplicated(name) => format!("{}: given more than once", dashed(&name)),
        Fail::UnexpectedArgument(name) => format!("{}: takes no value", dashed(&name)),
        Fail::OptionMissing(name) => format!("{}: is required", dashed(&name)),
    }
}

/// Digits and nothing else: no sign, no space.
fn whole<N: FromStr>(text: &str) -> Option<N> {
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_whole)
}

/// Bytes, or units of 1024 of them.
fn bytes(text: &str) -> Option<usize> {
    let units = [('K', 10), ('M', 20), ('G', 30)];
    let unit = |(unit, shift): &(char, u32)| Some((text.strip_suffix(*unit)?, *shift));
    let (text, shift) = units.iter().find_map(unit).unwrap_or((text, 0));
    whole::<usize>(text)?.checked_mul(1 << shift)
}

/// A path that fits an address of the kernel (unix(7)).
fn path(text: &str) -> Option<PathBuf> {
    (1..=107).contains(&text.len()).then(|| text.into())
}

fn place(text: &str) -> Option<Place> {
    match text.split_once(':')? {
        ("unix", text) => path(text).map(Place::Unix),
        ("tcp", text) => {
            let (host, port) = text.rsplit_once(':')?;
            let literal = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            let is_ambiguous = literal.is_none() && host.contains([':', '[', ']']);
            let host = literal.unwrap_or(host);
            let port = whole(port).filter(|_| !host.is_empty() && !is_ambiguous)?;
            Some(Place::Tcp {
                host: host.into(),
                port,
            })
        }
        _ => None,
    }
}

/// Adds an address, or a network in the notation of CIDR.
fn add(list: &mut BlockList, text: &str) -> Option<()> {
    match text.contains('/') {
        true => list.add_cidr(text).ok(),
        false => list.add_address(text).ok(),
    }
}

/// What humantime(3) takes, or milliseconds. Not longer than a timer can be, and not finer.
fn duration(text: &str) -> Option<Duration> {
    let duration = match whole(text) {
        Some(millis) => Duration::from_millis(millis),
        None => humantime::parse_duration(text).ok()?,
    };
    let is_whole = duration.subsec_nanos() % 1_000_000 == 0;
    (is_whole && duration.as_millis() <= i32::MAX as u128).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_milliseconds() {
        let millis = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(millis("200ms"), Some(200));
        assert_eq!(millis("200"), Some(200));
        assert_eq!(millis("0"), Some(0));
        assert_eq!(millis("1s"), Some(1_000));
        assert_eq!(millis("1.5s"), Some(1_500));
        assert_eq!(millis("2m"), Some(120_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("24d"), Some(2_073_600_000));
        for wrong in [
            "",
            "s",
            "-1",
            "+1",
            "1S",
            "1h-2m",
            "1us",
            "1.5ms",
            "25d",
            "2147483648",
            "99999999999999999999m",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bytes_have_units_or_are_single() {
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes("65536"), Some(65_536));
        assert_eq!(bytes("64K"), Some(65_536));
        assert_eq!(bytes("64M"), Some(67_108_864));
        assert_eq!(bytes("16777216G"), Some(1 << 54));
        for wrong in ["", "K", "-1", "1k", "1KB", "1.5M", "1 M", "17179869184G"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn places_have_a_kind() {
        let words = |text| place(text).map(|place| place.to_string());
        for right in [
            "tcp:127.0.0.1:8000",
            "tcp:[::]:0",
            "tcp:localhost:65535",
            "unix:/run/x",
            "unix:a:b",
        ] {
            assert_eq!(words(right).as_deref(), Some(right));
        }
        for wrong in [
            "",
            "8000",
            "tcp:",
            "tcp:8000",
            "tcp::8000",
            "tcp:[]:1",
            "tcp:::1:8000",
            "tcp:[::1:8000",
            "tcp:x:65536",
            "tcp:x:+1",
            "udp:x:1",
            "unix:",
        ] {
            assert_eq!(words(wrong), None, "{wrong}");
        }
    }
}
