//! Either of the two kernels.

/// A value of the real kernel or of the simulated one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Either<R, S> {
    Real(R),
    Simulated(S),
}

/// Asks the same of both.
macro_rules! either {
    ($of:expr, $it:pat => $answer:expr) => {
        match $of {
            Either::Real($it) => $answer,
            Either::Simulated($it) => $answer,
        }
    };
}
pub(super) use either;
