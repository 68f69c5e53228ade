//! The macro of the rows of Node's suite.

/// `row!(name, [lines], |t, l| { … })` plays the closure, and compares the transcript with these lines. In
/// callbacks, `t` is the transcript, `l` the loop, `s` a server and `c` a connection. Behind the name stands what
/// the row needs of the real kernel, if anything.
macro_rules! row {
    (
        $name:ident,
        $(Real::$real:ident,)?
        [$($line:expr),* $(,)?],
        |$story:ident, $event_loop:ident| $play:block
    ) => {
        #[test]
        fn $name() {
            $(if $crate::peers::lacks($crate::peers::Real::$real) {
                return;
            })?
            let expected = $crate::stage::text(&[$($line),*]);
            $crate::story::check_text(stringify!($name), &expected, |$story, $event_loop| $play);
        }
    };
}
