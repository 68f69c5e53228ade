//! How the rows of Node's suite are written.

/// `row!(name, [lines], |t, l| { … })` plays, and compares what was logged with these lines. Of
/// what callbacks get, `t` is the transcript, `l` the loop, `s` a server and `c` a connection. What
/// only the real kernel has, if the row needs it, stands behind the name.
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
