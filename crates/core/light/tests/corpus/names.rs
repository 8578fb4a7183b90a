//! Every name of bad input, once.

use light::Error;

macro_rules! names {
    ($($name:ident),* $(,)?) => {
        /// All names.
        pub const ALL: &[&str] = &[$(stringify!($name)),*];

        /// The name of an error. An error without a name here does not compile.
        pub const fn of(error: &Error) -> &'static str {
            match error {
                $(Error::$name { .. } => stringify!($name),)*
            }
        }
    };
}

names! {
    WrongChain,
    UnknownValidators,
    NeedsLinks,
    NoEpochEnd,
    MissingLink,
    WrongKeys,
    BadValidators,
    Truncated,
    Trailing,
    Oversized,
    Malformed,
    OtherBlock,
    OtherEpoch,
    WrongCommittee,
    Quorum,
    DuplicateSigner,
    BadSignature,
    StaleCheckpoint,
    NotTheCheckpoint,
    NonMonotonicHeight,
    NonMonotonicTime,
    BrokenLink,
    NoHeaders,
    Conflict,
    WrongRoot,
    WrongIndex,
    BadPiece,
    WrongBody,
    WrongTables,
    NotIncluded,
    WrongReply,
}
