//! The asking side of the probe's protocols: what a test has a page do with the streams of its direct connection.

use crate::{
    direct::Open,
    pattern::Pattern,
    serve::{ABORT, ECHO, HALF, PART, QUERY, RESET, SINK, WATCH, drain},
};
use crc32fast::Hasher;
use futures::{
    AsyncReadExt, AsyncWriteExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{self, Either},
    stream,
    task::AtomicWaker,
};
use futures_timer::Delay;
use libp2p::{PeerId, Stream, StreamProtocol};
use serde::Serialize;
use std::{cell::Cell, io, pin::pin, task::Poll, time::Duration};
use web_time::Instant;

/// A peer with a direct connection.
#[derive(Clone)]
pub struct Peer {
    pub id: PeerId,
    pub wishes: mpsc::UnboundedSender<Open>,
}

/// Bytes that were sent, and those that came back for them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Echo {
    ms: f64,
    crc_sent: u32,
    crc_received: u32,
}

/// What came of many short streams.
#[derive(Serialize)]
pub struct Requests {
    ok: u32,
    /// Those that came back at the second try, and what the first came to.
    again: Vec<String>,
    failed: Vec<String>,
    ms: f64,
}

/// An answer that was given after the end of the question.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HalfClose {
    bytes: u32,
    length: u32,
    crc_sent: u32,
    crc_received: u32,
    answer: usize,
}

/// How one side noticed that the other had aborted.
#[derive(Serialize)]
pub struct Reset {
    seen: &'static str,
    ms: f64,
}

/// Round trips, in ms.
#[derive(Serialize)]
pub struct Trips {
    median: f64,
    p95: f64,
}

impl Peer {
    async fn open(&self, protocol: StreamProtocol) -> io::Result<Stream> {
        let (reply, stream) = oneshot::channel();
        let _ = self.wishes.unbounded_send(Open { peer: self.id, protocol, reply });
        stream.await.map_err(io::Error::other)?.map_err(io::Error::other)
    }

    /// Writes `bytes` of the pattern of `seed`, at most `window` of them unanswered.
    pub async fn echo(&self, bytes: u32, window: u32, seed: u32) -> io::Result<Echo> {
        let (bytes, window) = (bytes as usize, window as usize);
        let (mut reader, mut writer) = self.open(ECHO).await?.split();
        let (back, room) = (Cell::new(0), AtomicWaker::new());
        let start = Instant::now();
        let reading = async {
            let (mut hasher, mut buffer) = (Hasher::new(), vec![0; PART]);
            loop {
                match reader.read(&mut buffer).await? {
                    0 if back.get() == bytes => return Ok(hasher.finalize()),
                    0 => return Err(io::Error::other(format!("{} of {bytes} bytes came back", back.get()))),
                    read => {
                        hasher.update(&buffer[..read]);
                        back.set(back.get() + read);
                        room.wake();
                    }
                }
            }
        };
        let writing = async {
            let (mut hasher, mut buffer, mut pattern) = (Hasher::new(), vec![0; PART], Pattern::new(seed));
            let mut out = 0;
            while out < bytes {
                let part = pattern.next(&mut buffer[..PART.min(bytes - out)]);
                out += part.len();
                future::poll_fn(|context| {
                    room.register(context.waker());
                    if out <= back.get() + window { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                hasher.update(part);
                writer.write_all(part).await?;
                writer.flush().await?;
            }
            writer.close().await?;
            Ok(hasher.finalize())
        };
        let (crc_sent, crc_received) = future::try_join(writing, reading).await?;
        Ok(Echo { ms: since(start), crc_sent, crc_received })
    }

    /// As many echoes at once.
    pub async fn streams(&self, n: u32, bytes: u32) -> io::Result<Vec<Echo>> {
        future::try_join_all((1..=n).map(|seed| self.echo(bytes, PART as u32, seed))).await
    }

    /// Short streams, `parallel` at once, each with its own deadline and, like requests of an application, a second try.
    pub async fn requests(&self, n: u32, bytes: u32, parallel: u32) -> Requests {
        let start = Instant::now();
        let request = async |seed: u32| {
            let echo = within(DEADLINE, self.echo(bytes, PART as u32, seed)).await;
            match echo {
                Ok(echo) if echo.crc_sent == echo.crc_received => Ok(()),
                Ok(_) => Err(format!("{seed}: bytes changed on the way")),
                Err(error) => Err(format!("{seed}: {error}")),
            }
        };
        let results = stream::iter(1..=n).map(async |seed| match request(seed).await {
            Ok(()) => None,
            Err(first) => Some(request(seed).await.map(|()| first)),
        });
        let troubles: Vec<_> = results.buffer_unordered(parallel as usize).filter_map(future::ready).collect().await;
        let (again, failed): (Vec<_>, Vec<_>) = troubles.into_iter().partition(Result::is_ok);
        let failed: Vec<String> = failed.into_iter().filter_map(Result::err).collect();
        let again = again.into_iter().filter_map(Result::ok).collect();
        Requests { ok: n - failed.len() as u32, again, failed, ms: since(start) }
    }

    /// Writes, closes its side, and then reads the answer to its end.
    pub async fn half_close(&self, bytes: u32) -> io::Result<HalfClose> {
        let mut stream = self.open(HALF).await?;
        let mut question = vec![0; bytes as usize];
        Pattern::new(1).next(&mut question);
        stream.write_all(&question).await?;
        stream.close().await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let [length, crc_received] = words(&answer)?;
        let crc_sent = crc32fast::hash(&question);
        Ok(HalfClose { bytes, length, crc_sent, crc_received, answer: answer.len() })
    }

    /// This side aborts, and asks what the other saw.
    pub async fn reset_locally(&self) -> io::Result<Reset> {
        let [resets, ends] = self.ends().await?;
        let mut stream = self.open(RESET).await?;
        stream.write_all(&[WATCH]).await?;
        stream.read_exact(&mut [0]).await?;
        let start = Instant::now();
        drop(stream);
        let noticed = async {
            loop {
                match self.ends().await? {
                    [now, _] if now > resets => return Ok("reset"),
                    [_, now] if now > ends => return Ok("end"),
                    _ => Delay::new(Duration::from_millis(10)).await,
                }
            }
        };
        Ok(Reset { seen: within(NOTICE, noticed).await?, ms: since(start) })
    }

    /// The other side aborts.
    pub async fn reset_remotely(&self) -> io::Result<Reset> {
        let mut stream = self.open(RESET).await?;
        stream.write_all(&[ABORT]).await?;
        let start = Instant::now();
        let end = within(NOTICE, async { Ok(drain(&mut stream, |_| ()).await) }).await?;
        Ok(Reset { seen: if end.is_ok() { "end" } else { "reset" }, ms: since(start) })
    }

    async fn ends(&self) -> io::Result<[u32; 2]> {
        let mut stream = self.open(RESET).await?;
        stream.write_all(&[QUERY]).await?;
        stream.close().await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        words(&answer)
    }

    /// Round trips of 32 bytes on one open stream.
    pub async fn rtt(&self, n: u32) -> io::Result<Trips> {
        let mut stream = self.open(ECHO).await?;
        let mut bytes = [0; 32];
        let mut trips = Vec::with_capacity(n as usize);
        for _ in 0..n {
            let start = Instant::now();
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            stream.read_exact(&mut bytes).await?;
            trips.push(since(start));
        }
        stream.close().await?;
        trips.sort_by(f64::total_cmp);
        let at = |part: f64| trips.get((trips.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
        Ok(Trips { median: at(0.5), p95: at(0.95) })
    }

    /// One way, in writes of `part` bytes, until the other side says how many came; in ms.
    pub async fn sink(&self, bytes: u32, part: u32) -> io::Result<f64> {
        let mut stream = self.open(SINK).await?;
        let mut buffer = vec![0; part as usize];
        Pattern::new(1).next(&mut buffer);
        let start = Instant::now();
        let mut left = bytes as usize;
        while left > 0 {
            let part = buffer.len().min(left);
            stream.write_all(&buffer[..part]).await?;
            left -= part;
        }
        stream.close().await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let ms = since(start);
        match words(&answer)? {
            [count, 0] if count == bytes => Ok(ms),
            count => Err(io::Error::other(format!("{count:?} of {bytes} bytes came"))),
        }
    }
}

/// The result, or an error when it does not come in time.
async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match future::select(pin!(work), Delay::new(limit)).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("not within {limit:?}"))),
    }
}

/// Two numbers of the other side.
fn words(bytes: &[u8]) -> io::Result<[u32; 2]> {
    let [a, b, c, d, e, f, g, h] = *bytes else {
        return Err(io::Error::other(format!("an answer of {} bytes instead of 8", bytes.len())));
    };
    Ok([u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])])
}

fn since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1_000.0
}

/// Of one short stream.
const DEADLINE: Duration = Duration::from_secs(15);
/// Of noticing what the other side did.
const NOTICE: Duration = Duration::from_secs(5);
