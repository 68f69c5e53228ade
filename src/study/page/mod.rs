//! A recording as a page: one file that needs nothing else, and no network.

mod changes;
mod data;
mod diagram;
mod lanes;
mod segments;
mod tables;
mod words;

use super::beside::Beside;
use super::recording::Recording;

/// How many records a page shows at most.
const RECORDS_MAX: usize = 200_000;

const BODY: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(
    include_str!("script/records.js"),
    include_str!("script/rows.js"),
    include_str!("script/panel.js"),
    include_str!("script/steps.js"),
);

/// The SHA-256 of style and script, in base64: the page allows nothing else. The test of the command line
/// that finds them wrong tells what they are to be.
const STYLE_HASH: &str = "q6en1QaMueBXwB34lzp520m48YhcUizZzsGNLuIEodc=";
const SCRIPT_HASH: &str = "AcSKcncZ+sppbe7ungv+ngikLNVEy1vsiMzIcf5Q7b0=";

/// A page of HTML with the recording in it: lanes for those who take part, bands for the turns; of each
/// record what it is, why it came, what waits and why not yet, and how its socket stands. If there is a run on
/// another loop beside it, the page lists its callbacks, and marks those that come in the same order in both.
///
/// What a recording has from elsewhere is data, and never markup. Beyond 200 000 records the page shows the
/// first ones, and says so.
///
/// ```
/// use netloop::study::{Recording, page};
///
/// let file = r#"{"netloop":1}
/// {"n":1,"k":"callback","w":"</script><b>","who":"socket#1"}"#;
/// let page = page(&Recording::read(file.as_bytes()), None);
/// assert!(page.starts_with("<!doctype html>"));
/// assert!(!page.contains("<b>"));
/// ```
pub fn page(recording: &Recording, beside: Option<&Beside>) -> String {
    let shown = recording.entries.len().min(RECORDS_MAX);
    let data = data::of(recording, &recording.entries[..shown], beside);
    [
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; ",
        "form-action 'none'; style-src 'sha256-",
        STYLE_HASH,
        "'; script-src 'sha256-",
        SCRIPT_HASH,
        "'\">\n<meta name=\"viewport\" content=\"width=device-width\">\n",
        "<title>netloop: a recording</title>\n<style>",
        STYLE,
        "</style>\n",
        &BODY.replace("<!--states-->", &diagram::all()),
        "<script type=\"application/json\" id=\"data\">",
        &inert(&data.json()),
        "</script>\n<script>",
        SCRIPT,
        "</script>\n",
    ]
    .concat()
}

/// JSON in which nothing can end the element it stands in, or begin one.
fn inert(data: &str) -> String {
    data.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn no_byte_of_a_peer_becomes_markup() {
        let evil = r#"</script><script>alert(1)</script><!--<b>'\"&amp;"#;
        let line = format!(
            r#"{{"n":1,"k":"{evil}","w":"{evil}","more":["{evil}"],"at":"{evil}","who":"socket#{evil}"}}"#
        );
        let beside = Beside::read(&format!("{evil}\n1 {evil} {evil}"));
        let evil = Recording {
            args: vec![evil.into()],
            entries: vec![entry(&line)],
            ..Recording::default()
        };
        let evil = page(&evil, Some(&beside));
        let good = page(&Recording::default(), None);
        for mark in ["<script", "</script", "<!--", "<b>"] {
            let count = |page: &str| page.matches(mark).count();
            assert_eq!(count(&evil), count(&good), "{mark}");
        }
    }

    #[test]
    fn the_page_is_small_beside_its_data() {
        let page = page(&Recording::default(), None);
        assert!(page.len() < 60_000, "{}", page.len());
        for outside in ["http:", "https:", "url(", "@import", "src="] {
            let page = page
                .replace("http://www.w3.org/2000/svg", "")
                .replace("url(#", "");
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
