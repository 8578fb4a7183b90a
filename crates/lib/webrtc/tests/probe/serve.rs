//! The serving side of the probe's protocols; `tests/webrtc/pages/protocols.mjs` says what each is for.

use crate::direct::Opened;
use crc32fast::Hasher;
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, channel::mpsc, future};
use libp2p::{Stream, StreamProtocol};
use std::{cell::Cell, io, rc::Rc};
use wasm_bindgen_futures::spawn_local;

/// Sends back what comes.
pub const ECHO: StreamProtocol = StreamProtocol::new("/probe/echo/1");
/// Reads to the end, then answers.
pub const HALF: StreamProtocol = StreamProtocol::new("/probe/half/1");
/// Aborts, or counts how streams end.
pub const RESET: StreamProtocol = StreamProtocol::new("/probe/reset/1");
/// Counts to the end.
pub const SINK: StreamProtocol = StreamProtocol::new("/probe/sink/1");
/// Never reads.
pub const STALL: StreamProtocol = StreamProtocol::new("/probe/stall/1");
/// All of them.
pub const SERVED: [StreamProtocol; 5] = [ECHO, HALF, RESET, SINK, STALL];

/// First byte on [`RESET`]: the server aborts.
pub const ABORT: u8 = b'a';
/// First byte on [`RESET`]: the server says `w` too, and counts how the stream ends.
pub const WATCH: u8 = b'w';
/// First byte on [`RESET`]: the server answers what it has counted.
pub const QUERY: u8 = b'q';

/// How the watched streams have ended.
#[derive(Default)]
struct Ends {
    reset: Cell<u32>,
    in_order: Cell<u32>,
}

/// Serves each stream that arrives, until none will.
pub async fn serve(mut arriving: mpsc::UnboundedReceiver<Opened>) {
    let ends = Rc::new(Ends::default());
    while let Some((protocol, stream)) = arriving.next().await {
        let ends = Rc::clone(&ends);
        spawn_local(async move {
            // Who opened the stream sees how it ended; nobody else has to know.
            let _ = one(&protocol, stream, &ends).await;
        });
    }
}

async fn one(protocol: &StreamProtocol, mut stream: Stream, ends: &Ends) -> io::Result<()> {
    if *protocol == ECHO {
        let mut buffer = vec![0; PART];
        loop {
            match stream.read(&mut buffer).await? {
                0 => return stream.close().await,
                read => stream.write_all(&buffer[..read]).await?,
            }
        }
    } else if *protocol == HALF {
        let mut hasher = Hasher::new();
        let count = drain(&mut stream, |part| hasher.update(part)).await?;
        answer(&mut stream, [count as u32, hasher.finalize()]).await
    } else if *protocol == SINK {
        let count = drain(&mut stream, |_| ()).await?;
        answer(&mut stream, [count as u32, (count >> 32) as u32]).await
    } else if *protocol == RESET {
        reset(stream, ends).await
    } else {
        // Held as long as the page lives.
        future::pending().await
    }
}

async fn reset(mut stream: Stream, ends: &Ends) -> io::Result<()> {
    let mut letter = [0];
    stream.read_exact(&mut letter).await?;
    match letter[0] {
        QUERY => answer(&mut stream, [ends.reset.get(), ends.in_order.get()]).await,
        WATCH => {
            stream.write_all(&letter).await?;
            let end = drain(&mut stream, |_| ()).await;
            let count = if end.is_ok() { &ends.in_order } else { &ends.reset };
            count.set(count.get() + 1);
            Ok(())
        }
        // Dropped without an end, which is how a stream is aborted.
        _ => Ok(()),
    }
}

/// Reads to the end and gives the number of bytes.
pub async fn drain(stream: &mut Stream, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut buffer = vec![0; PART];
    let mut count = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(count),
            read => {
                take(&buffer[..read]);
                count += read as u64;
            }
        }
    }
}

async fn answer(stream: &mut Stream, words: [u32; 2]) -> io::Result<()> {
    let bytes = words.map(u32::to_le_bytes);
    stream.write_all(bytes.as_flattened()).await?;
    stream.close().await
}

/// Bytes read or written at once.
pub const PART: usize = 1 << 16;
