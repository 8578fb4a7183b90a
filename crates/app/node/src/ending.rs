//! Being told to end: SIGINT (Ctrl-C) and SIGTERM, or Ctrl-C alone where there are no signals.

use std::io;

/// Resolves when the program is told to end, from now on. Must be called within a tokio runtime.
#[cfg(unix)]
pub fn asked() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves when the program is told to end, from now on. Must be called within a tokio runtime.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
pub fn asked() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
