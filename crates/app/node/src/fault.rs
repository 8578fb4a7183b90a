//! Panics, which are faults of this program or of its engine: kept as one sentence instead of a backtrace.
//!
//! The engine opens some of its files with no other answer to damage than a panic. What was said last is kept here, so
//! that whoever notices the end of a part can say why. Nothing is hidden: `PEERAGE_LOG=debug` logs every panic with its
//! backtrace.

use std::{
    backtrace::Backtrace,
    panic,
    sync::{Mutex, PoisonError},
};

/// From now on a panic is kept instead of printed.
pub fn keep() {
    panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("a panic without words");
        if tracing::enabled!(tracing::Level::DEBUG) {
            let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
            tracing::debug!("panic: {what}{place}\n{}", Backtrace::force_capture());
        }
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
    }));
}

/// `: ` and the last panic, or nothing if there was none.
pub fn why() -> String {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).clone();
    last.map(|last| format!(": {last}")).unwrap_or_default()
}

static LAST: Mutex<Option<String>> = Mutex::new(None);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_elsewhere_is_known_here() {
        keep();
        assert!(std::thread::spawn(|| panic!("the file is damaged")).join().is_err());
        let _ = panic::take_hook();
        assert_eq!(why(), ": the file is damaged");
    }
}
