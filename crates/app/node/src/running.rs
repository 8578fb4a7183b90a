//! A node while it runs: within the engine's runtime, until it is told to end or a part has ended that the others need.

use crate::{ending, fault, resident::Resident, say, serve::Server};
use anyhow::{Error, Result, anyhow, bail};
use consensus::{Folder, Halt, LedgerHandle, Runner, Spawner, runtime::Context};
use network::Network;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// What must be told to end.
#[derive(Default)]
pub struct Running {
    /// Servers of HTTP.
    pub servers: Vec<Server>,
    /// The node's swarm.
    pub node: Option<Network>,
    /// Peers that live here.
    pub residents: Vec<Resident>,
}

/// Runs `body` in the runtime whose storage is the folder, until it returns or the program is told to end; then ends what
/// it has started.
pub fn until_told(folder: &Folder, body: impl AsyncFnOnce(&Context, &mut Running) -> Result<()>) -> Result<()> {
    open_files();
    let runner = folder.runner();
    let outcome = catch_unwind(AssertUnwindSafe(|| runner.start(async |context| run(context, body).await)));
    outcome.unwrap_or_else(|_| {
        bail!(
            "the engine has ended{}; if the disk is full make room, and if files in {} are damaged restore the data folder \
             from a copy or begin with an empty one",
            fault::why(),
            folder.path().join("engine").display()
        )
    })
}

async fn run(context: Context, body: impl AsyncFnOnce(&Context, &mut Running) -> Result<()>) -> Result<()> {
    let ended = ending::asked()?;
    let mut running = Running::default();
    let outcome = tokio::select! {
        outcome = body(&context, &mut running) => outcome,
        () = ended => {
            say::line("Stopping");
            Ok(())
        }
    };
    // Asked a second time, it does not wait.
    let again = ending::asked()?;
    tokio::select! {
        () = running.stop() => {}
        () = again => {}
    }
    if let Err(error) = context.stop(0, Some(PATIENCE)).await {
        tracing::debug!(%error, "the engine did not end by itself");
    }
    outcome
}

impl Running {
    /// Resolves when one of the servers has ended, which it should not.
    pub async fn server_ended(&mut self) -> Error {
        if self.servers.is_empty() {
            return futures::future::pending().await;
        }
        let ends = self.servers.iter_mut().map(|server| Box::pin(server.ended()));
        futures::future::select_all(ends).await.0
    }

    async fn stop(&mut self) {
        // Whoever is being answered needs the rest.
        futures::future::join_all(self.servers.drain(..).map(|server| server.stop(PATIENCE))).await;
        futures::future::join_all(self.residents.drain(..).map(Resident::stop)).await;
        if let Some(node) = self.node.take() {
            let _ = tokio::time::timeout(PATIENCE, node.shutdown()).await;
        }
    }
}

/// Resolves when the ledger cannot go on: with the block that it could not take, and where in the folder that is kept.
pub async fn halted(ledger: &LedgerHandle, folder: &Folder) -> Error {
    let mut halts = ledger.halts();
    match halts.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(Halt { height, reason, .. })) => {
            let evidence = folder.path().join(format!("evidence-{height}"));
            let kept = match evidence.exists() {
                true => format!("; the block and its certificate are kept in {}", evidence.display()),
                false => String::new(),
            };
            anyhow!("the ledger stopped at block {height}: {reason}{kept}")
        }
        _ => anyhow!("the ledger has ended{}", fault::why()),
    }
}

/// Says so in the log when no block becomes final for long, and when one does again; resolves when the ledger has ended.
pub async fn stalls(ledger: &LedgerHandle) -> Error {
    let mut heads = ledger.heads();
    let mut still = false;
    loop {
        match tokio::time::timeout(STILL, heads.changed()).await {
            Ok(Ok(())) if still => {
                still = false;
                tracing::warn!("blocks become final again");
            }
            Ok(Ok(())) => {}
            Ok(Err(_)) => return anyhow!("the ledger has ended{}", fault::why()),
            Err(_) if still => {}
            Err(_) => {
                still = true;
                let seconds = STILL.as_secs();
                tracing::error!(
                    "no block became final for {seconds} s: this node is cut off, or too few validators vote"
                );
            }
        }
    }
}

/// Takes as many open files as the system allows: every tab and every reader of the site is one, and the engine, which
/// must not fail for want of one, shares them.
fn open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            tracing::debug!(%error, "the number of open files stays as it is");
        }
    }
}

/// Time without a final block that is worth a line in the log.
const STILL: Duration = Duration::from_secs(30);

/// How long each part may take to end.
const PATIENCE: Duration = Duration::from_secs(3);
