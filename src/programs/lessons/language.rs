//! The languages of the lessons, and the words around their prose.

/// A language of the lessons. The run itself is in English in each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Language {
    #[default]
    English,
    Korean,
}

/// Their codes.
pub(crate) const CODES: [&str; 2] = ["en", "ko"];

impl Language {
    /// The language of a code.
    pub(crate) fn of(code: &str) -> Option<Language> {
        match code {
            "en" => Some(Language::English),
            "ko" => Some(Language::Korean),
            _ => None,
        }
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Language::English => &ENGLISH,
            Language::Korean => &KOREAN,
        }
    }
}

/// What every lesson says in its language.
pub(super) struct Words {
    /// Above the list of the lessons, and below it.
    pub(super) list: &'static str,
    pub(super) begin: &'static str,
    /// The headings, in their order.
    pub(super) javascript: &'static str,
    pub(super) rust: &'static str,
    pub(super) question: &'static str,
    pub(super) prints: &'static str,
    pub(super) happens: &'static str,
    pub(super) saw: &'static str,
    pub(super) why: &'static str,
    pub(super) next: &'static str,
    /// What a reader at a terminal is asked for.
    pub(super) enter: &'static str,
    /// Above a run: why it is in English; that it is simulated, from the seed `#`; or that it is a recording, made
    /// on a wire or with a server of its own.
    pub(super) english: &'static str,
    pub(super) simulated: &'static str,
    pub(super) recorded: &'static str,
    pub(super) apart: &'static str,
    /// Where a claim is seen, with `#` for the numbers.
    pub(super) line: &'static str,
    pub(super) lines: &'static str,
    pub(super) wire: &'static str,
    pub(super) everywhere: &'static str,
    pub(super) nowhere: &'static str,
    /// What to do next: the option for this language, what the page is, what a recording shows, and the end.
    pub(super) option: &'static str,
    pub(super) page: &'static str,
    pub(super) hidden: &'static str,
    pub(super) last: &'static str,
}

const ENGLISH: Words = Words {
    list: "\
Each lesson has a question, and a program to answer it: in JavaScript, and the
same in Rust. Answer first, then look at its run. What a lesson says of the run
is checked on that run, and Node prints the same.",
    begin: "Begin with:",
    javascript: "In JavaScript",
    rust: "In Rust, as program.rs: the run names its lines",
    question: "Before you look",
    prints: "What it prints",
    happens: "What happens",
    saw: "What you saw",
    why: "Why",
    next: "Next",
    enter: "Press Enter to see what happens.",
    english: "",
    simulated: "
This run is simulated, from seed #: the kernel is in memory, its times are not
those of this machine, and the same seed leads to the same run.
",
    recorded: "
This run is a recording. It was made on a wire that loses what it is told to,
which needs a device of its own (tests/wire.py, in the repository, makes it
again). The segments stand between the records by their time.
",
    apart: "
This run is a recording. Its server is a program of its own; with that, --live
runs it again.
",
    line: "line #",
    lines: "lines #",
    wire: "on the wire",
    everywhere: "in all lines",
    nowhere: "not in this run",
    option: "",
    page: "the run as a page",
    hidden: "its hidden lines, too: states and ticks",
    last: "That was the last lesson.",
};

const KOREAN: Words = Words {
    list: "\
레슨마다 질문이 하나 있고, 그 답을 보여 주는 프로그램이 있습니다. 프로그램은
JavaScript와 Rust로 똑같이 썼습니다. 먼저 답을 생각해 보고 실행 과정을 보세요.
레슨이 실행에 대해 설명하는 내용은 바로 그 실행으로 확인하며, Node에서도 출력은
같습니다.",
    begin: "첫 레슨:",
    javascript: "JavaScript 코드",
    rust: "Rust 코드(program.rs): 실행 과정의 줄 번호는 이 파일 기준",
    question: "먼저 생각해 보기",
    prints: "출력",
    happens: "실행 과정",
    saw: "실행에서 확인한 것",
    why: "왜 그럴까",
    next: "다음",
    enter: "Enter 키를 누르면 실행 과정이 나옵니다.",
    english: "
실행 과정은 Node와 이 라이브러리의 문서에서 쓰는 말 그대로 영어로 나옵니다.
",
    simulated: "
이 실행은 시드 #(으)로 만든 시뮬레이션입니다. 커널은 메모리 안에 있고, 시각은 이
컴퓨터의 것이 아니며, 시드가 같으면 실행도 같습니다.
",
    recorded: "
이 실행은 미리 기록해 둔 것입니다. 정해 준 것만 잃어버리는 회선에서 기록했으며,
그런 회선에는 별도의 장치가 필요합니다(저장소의 tests/wire.py로 다시 만들 수
있습니다). 세그먼트는 시각에 맞추어 기록의 줄 사이에 끼워 넣었습니다.
",
    apart: "
이 실행은 미리 기록해 둔 것입니다. 서버는 따로 띄우는 프로그램입니다. 그 서버를
띄우고 --live를 주면 다시 실행합니다.
",
    line: "#번 줄",
    lines: "#번 줄",
    wire: "회선에서",
    everywhere: "모든 줄에서",
    nowhere: "이번 실행에는 없음",
    option: " --lang ko",
    page: "웹 페이지로 보기",
    hidden: "표시하지 않은 줄(상태, 틱)까지 보기",
    last: "이것이 마지막 레슨입니다.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_a_code_of_its_own() {
        assert_eq!(Language::of(CODES[0]), Some(Language::default()));
        assert_eq!(Language::of(CODES[1]), Some(Language::Korean));
        for other in ["", "EN", "ko_KR", "fr"] {
            assert_eq!(Language::of(other), None, "{other}");
        }
        let options = CODES.map(|code| Language::of(code).map(|it| it.words().option));
        assert_eq!(options, [Some(""), Some(" --lang ko")]);
    }
}
