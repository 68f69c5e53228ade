//! One argument: its value, or a line that says what is wrong with it and what would be right.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use getopts::{Fail, Matches};

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

    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>, Complaint> {
        let right = "a duration (200ms, 1s, 2m, or a number of milliseconds, at most 24 days)";
        self.parsed(name, right, duration)
    }

    /// A path, which excludes a host and a port.
    pub(super) fn path(&self) -> Result<Option<PathBuf>, Complaint> {
        let path = self.parsed("path", "a path of 1 to 107 bytes", |text| {
            (1..=107).contains(&text.len()).then(|| text.into())
        })?;
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

/// `200ms`, `1s`, `2m`, or milliseconds; not longer than a timer can be.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = whole(digits)?;
    let millis = match &text[digits.len()..] {
        "" | "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "m" => number.checked_mul(60_000)?,
        _ => return None,
    };
    (millis <= i32::MAX as u64).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_units_or_none() {
        let millis = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(millis("200ms"), Some(200));
        assert_eq!(millis("200"), Some(200));
        assert_eq!(millis("1s"), Some(1_000));
        assert_eq!(millis("2m"), Some(120_000));
        for wrong in [
            "",
            "s",
            "1h",
            "-1",
            "+1",
            "1 s",
            "1S",
            "1ms2s",
            "1.5s",
            "25d",
            "2147483648",
            "99999999999999999999m",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }
}
