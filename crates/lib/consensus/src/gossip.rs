//! Transactions between validators: what one accepts all hear of, so that whoever proposes next can include it.
//!
//! Every pair of validators is connected, so nothing is passed on. A hostile validator can send rubbish as fast as its quota
//! allows; each transaction is checked before it waits, the cheap checks first.

use crate::engine::Runtime;
use crate::mempool::Mempool;
use bytes::BufMut;
use commonware_codec::{Buf, DecodeExt, Encode, EncodeSize, Error as CodecError, RangeCfg, Read, Write};
use commonware_p2p::{Receiver, Recipients, Sender};
use futures::StreamExt;
use futures::channel::mpsc;
use ledger::{PublicKey, Transaction};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most bytes of one message.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// Most transactions of one message.
const MOST: usize = 512;

/// How long a transaction waits for company.
const TOGETHER: Duration = Duration::from_millis(20);

/// Transactions in one message.
struct Batch(Vec<Transaction>);

impl Write for Batch {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl EncodeSize for Batch {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl Read for Batch {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Vec::read_cfg(buf, &(RangeCfg::new(..=MOST), ())).map(Self)
    }
}

/// Sends on what this node accepts, and takes what others send, until the network ends.
pub(crate) fn start<E, S, R>(
    context: &E,
    mempool: Arc<Mutex<Mempool>>,
    accepted: mpsc::Receiver<Transaction>,
    (sender, receiver): (S, R),
) where
    E: Runtime,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
{
    context.child("gossip_out").spawn(|context| send(context, accepted, sender));
    context.child("gossip_in").spawn(|_| take(mempool, receiver));
}

async fn send<E, S>(context: E, mut accepted: mpsc::Receiver<Transaction>, mut sender: S)
where
    E: Runtime,
    S: Sender<PublicKey = PublicKey>,
{
    while let Some(first) = accepted.next().await {
        context.sleep(TOGETHER).await;
        let mut bytes = first.encode_size();
        let mut batch = vec![first];
        while batch.len() < MOST && bytes < MOST_BYTES / 2 {
            let Ok(next) = accepted.try_recv() else { break };
            bytes += next.encode_size();
            batch.push(next);
        }
        // Who does not hear of a transaction includes it later, or another does.
        let _ = sender.send(Recipients::All, Batch(batch).encode(), false);
    }
}

async fn take<R: Receiver<PublicKey = PublicKey>>(mempool: Arc<Mutex<Mempool>>, mut receiver: R) {
    while let Ok((_, bytes)) = receiver.recv().await {
        let Ok(Batch(batch)) = Batch::decode(bytes) else { continue };
        for transaction in batch {
            // A refusal is the sender's matter.
            let _ = mempool.lock().unwrap_or_else(PoisonError::into_inner).submit(transaction);
        }
    }
}
