//! Which turns are shown.

/// The turns that are shown, both of these included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turns {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Turns {
    pub(crate) const ALL: Turns = Turns {
        first: 0,
        last: u64::MAX,
    };

    /// `3..5`, `3..`, `..5` or `3`.
    pub(crate) fn parse(text: &str) -> Option<Turns> {
        let number = |text: &str, default| match text {
            "" => Some(default),
            _ if text.bytes().all(|it| it.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        let (first, last) = match text.split_once("..") {
            None if text.is_empty() => return None,
            None => (text, text),
            Some(both) => both,
        };
        let turns = Turns {
            first: number(first, 0)?,
            last: number(last, u64::MAX)?,
        };
        (turns.first <= turns.last).then_some(turns)
    }

    pub(super) fn contain(self, turn: u64) -> bool {
        (self.first..=self.last).contains(&turn)
    }

    /// What stands beside the title of a turn that is not shown in full.
    pub(super) fn note(self, turn: u64) -> &'static str {
        match self.contain(turn) {
            true => "",
            false => ", what led to the lines below",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_a_range_with_both_ends() {
        let turns = |first, last| Some(Turns { first, last });
        assert_eq!(Turns::parse("3..5"), turns(3, 5));
        assert_eq!(Turns::parse("3"), turns(3, 3));
        assert_eq!(Turns::parse("3.."), turns(3, u64::MAX));
        assert_eq!(Turns::parse("..3"), turns(0, 3));
        for wrong in [
            "",
            "5..3",
            "+1",
            "1...3",
            "a",
            "-1..",
            "99999999999999999999",
        ] {
            assert_eq!(Turns::parse(wrong), None, "{wrong}");
        }
    }
}
