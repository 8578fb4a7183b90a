//! What one address may take of a port: connections at a time, new ones a second, bytes a second.
//!
//! A source is an IPv4 address, or the /64 of an IPv6 address, of which one host has all. Ports are to be had by anyone, so
//! whoever accepts asks [`Sources::enter`] first and keeps the [`Seat`] for as long as the connection lasts; [`Metered`]
//! makes those that send or fetch too much wait, all connections of a source together. A source behind which many people
//! are, such as a school, needs more than one person does: the numbers are for a classroom.
//!
//! A hostile host could open connections, let go and come back: its buckets stay until they are full again, so nothing is
//! gained by that. Someone with many addresses meets the bound on all connections together; against that nothing here helps.
//! Addresses of `trusted` machines, such as a reverse proxy, count in all and are not bounded each: many are behind them.

use crate::{bucket::Bucket, source_of};
use futures_timer::Delay;
use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use web_time::Instant;

/// How much there is of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Connections of all sources together.
    pub connections: usize,
    /// Connections of one source.
    pub of_one: usize,
    /// New connections of one source a second, for as long as it likes.
    pub a_second: u32,
    /// New connections of one source at once.
    pub at_once: u32,
    /// Bytes of one source a second, both ways together.
    pub bytes: u64,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// There are too many.
    #[error("all {most} connections are taken")]
    Full {
        /// Of all sources.
        most: usize,
    },
    /// This source has too many.
    #[error("{source_ip} has {most} connections, as many as one address may have")]
    Crowd {
        /// Which.
        source_ip: IpAddr,
        /// Of one source.
        most: usize,
    },
    /// This source comes too often.
    #[error("{source_ip} connects too often")]
    Haste {
        /// Which.
        source_ip: IpAddr,
    },
}

/// Who is connected to a port. Clones share it.
#[derive(Clone, Debug)]
pub struct Sources(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    share: Share,
    trusted: Vec<IpAddr>,
    open: Mutex<Open>,
    turned: [AtomicU64; 3],
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    entered: u32,
    sources: HashMap<IpAddr, Source>,
}

#[derive(Debug)]
struct Source {
    open: usize,
    arrivals: Bucket,
    bytes: Arc<Mutex<Bucket>>,
}

impl Sources {
    /// With so much for each, but for those `trusted`.
    pub fn new(share: Share, trusted: &[IpAddr]) -> Self {
        let trusted = trusted.iter().map(IpAddr::to_canonical).collect();
        Self(Arc::new(Inner { share, trusted, open: Mutex::default(), turned: Default::default() }))
    }

    /// A connection from `from` wants in now.
    ///
    /// # Errors
    /// [`Turned`], after which it is to be closed unread.
    pub fn enter(&self, from: IpAddr) -> Result<Seat, Turned> {
        let entered = self.try_enter(from, Instant::now());
        if let Err(turned) = entered {
            let which = match turned {
                Turned::Full { .. } => 0,
                Turned::Crowd { .. } => 1,
                Turned::Haste { .. } => 2,
            };
            self.0.turned[which].fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    fn try_enter(&self, from: IpAddr, now: Instant) -> Result<Seat, Turned> {
        let share = self.0.share;
        let from = from.to_canonical();
        let bounded = !self.0.trusted.contains(&from);
        let source_ip = source_of(from);
        let mut open = lock(&self.0.open);
        open.entered = open.entered.wrapping_add(1);
        if open.entered.is_multiple_of(SWEEP) {
            open.sources.retain(|_, source| source.open > 0 || source.busy(now));
        }
        if open.all >= share.connections {
            return Err(Turned::Full { most: share.connections });
        }
        let fresh = || Source { open: 0, arrivals: Bucket::new(now), bytes: Arc::new(Mutex::new(Bucket::new(now))) };
        let source = open.sources.entry(source_ip).or_insert_with(fresh);
        if bounded {
            if source.open >= share.of_one {
                return Err(Turned::Crowd { source_ip, most: share.of_one });
            }
            let one = Duration::from_secs(1) / share.a_second.max(1);
            if !source.arrivals.try_take(one, one * share.at_once, now) {
                return Err(Turned::Haste { source_ip });
            }
        }
        source.open += 1;
        let bytes = bounded.then(|| Arc::clone(&source.bytes));
        open.all += 1;
        Ok(Seat { sources: self.clone(), source_ip, bytes })
    }

    /// Connections open now, and those turned away so far with the reason in a word.
    pub fn tally(&self) -> (usize, [(&'static str, u64); 3]) {
        let turned = |at: usize| self.0.turned[at].load(Ordering::Relaxed);
        (lock(&self.0.open).all, [("full", turned(0)), ("crowd", turned(1)), ("haste", turned(2))])
    }
}

impl Source {
    /// Whether something that was taken is not given back yet.
    fn busy(&self, now: Instant) -> bool {
        !self.arrivals.is_full(now) || !lock(&self.bytes).is_full(now)
    }
}

/// The place of one connection; dropped, it is free again.
#[derive(Debug)]
pub struct Seat {
    sources: Sources,
    source_ip: IpAddr,
    bytes: Option<Arc<Mutex<Bucket>>>,
}

impl Seat {
    /// Counts bytes against the share of its source; how long to wait before the next.
    fn spend(&self, bytes: usize) -> Duration {
        let Some(bucket) = &self.bytes else { return Duration::ZERO };
        let rate = self.sources.0.share.bytes.max(1);
        let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
        lock(bucket).take(cost, DEPTH, Instant::now())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = lock(&self.sources.0.open);
        open.all = open.all.saturating_sub(1);
        if let Some(source) = open.sources.get_mut(&self.source_ip) {
            source.open = source.open.saturating_sub(1);
        }
    }
}

/// A connection whose bytes count against the share of its source, and which ends when its other end takes nothing for
/// longer than `patience`.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    seat: Option<Seat>,
    /// Pauses of a source that read or wrote too much.
    reads: Option<Delay>,
    writes: Option<Delay>,
    patience: Option<Duration>,
    /// While the other end takes nothing.
    stalled: Option<Delay>,
}

impl<S> Metered<S> {
    /// Meters `stream`, whose place `seat` is; without one nothing is counted. With a `patience` it ends by itself.
    pub fn new(stream: S, seat: Option<Seat>, patience: Option<Duration>) -> Self {
        Self { stream, seat, reads: None, writes: None, patience, stalled: None }
    }

    fn read(&mut self, bytes: usize) {
        self.reads = pause(self.seat.as_ref(), bytes);
    }

    fn wrote(&mut self, bytes: usize) {
        self.writes = pause(self.seat.as_ref(), bytes);
    }

    /// What is to be said of a write: a stall that lasts too long is an error.
    fn watched<T>(&mut self, context: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stalled = None;
        } else if let Some(patience) = self.patience {
            let stalled = self.stalled.get_or_insert_with(|| Delay::new(patience));
            if Pin::new(stalled).poll(context).is_ready() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other end takes nothing")));
            }
        }
        progress
    }
}

fn pause(seat: Option<&Seat>, bytes: usize) -> Option<Delay> {
    let pause = seat?.spend(bytes);
    (!pause.is_zero()).then(|| Delay::new(pause.min(LONGEST)))
}

/// Waits where a pause is due.
fn rest(pause: &mut Option<Delay>, context: &mut Context<'_>) -> Poll<()> {
    if let Some(due) = pause {
        ready!(Pin::new(due).poll(context));
        *pause = None;
    }
    Poll::Ready(())
}

impl<S: futures::AsyncRead + Unpin> futures::AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(rest(&mut self.reads, context));
        let bytes = ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.read(bytes);
        Poll::Ready(Ok(bytes))
    }
}

impl<S: futures::AsyncWrite + Unpin> futures::AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        ready!(rest(&mut self.writes, context));
        let progress = Pin::new(&mut self.stream).poll_write(context, buffer);
        let bytes = ready!(self.watched(context, progress))?;
        self.wrote(bytes);
        Poll::Ready(Ok(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(context, progress)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_close(context);
        self.watched(context, progress)
    }
}

impl<S: tokio::io::AsyncRead + Unpin> tokio::io::AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(rest(&mut self.reads, context));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.read(buffer.filled().len().saturating_sub(before));
        Poll::Ready(Ok(()))
    }
}

impl<S: tokio::io::AsyncWrite + Unpin> tokio::io::AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        ready!(rest(&mut self.writes, context));
        let progress = Pin::new(&mut self.stream).poll_write(context, buffer);
        let bytes = ready!(self.watched(context, progress))?;
        self.wrote(bytes);
        Poll::Ready(Ok(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watched(context, progress)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// New connections between two looks for sources of which nothing is left.
const SWEEP: u32 = 1_024;
/// Seconds of bytes that a source may take at once.
const DEPTH: Duration = Duration::from_secs(2);
/// Longest pause of a connection: those of a crowd wait in turn, not for hours.
const LONGEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Share = Share { connections: 6, of_one: 3, a_second: 10, at_once: 4, bytes: 1_000 };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_source_takes_no_more_than_its_share_of_the_places() {
        let sources = Sources::new(SHARE, &[]);
        let now = Instant::now();
        let enter = |from: &str| sources.try_enter(address(from), now);
        // All of a /64 are one source, also where IPv4 is written as IPv6.
        let mut held =
            vec![enter("2001:db8::1").unwrap(), enter("2001:db8::2").unwrap(), enter("2001:db8::3").unwrap()];
        assert!(matches!(enter("2001:db8::4"), Err(Turned::Crowd { most: 3, .. })));
        held.push(enter("2001:db8:0:1::1").unwrap());
        held.push(enter("192.0.2.1").unwrap());
        held.push(enter("::ffff:192.0.2.1").unwrap());
        assert_eq!(source_of(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        assert!(matches!(enter("198.51.100.1"), Err(Turned::Full { most: 6 })));
        drop(held);
        assert_eq!(sources.tally().0, 0);
        enter("198.51.100.1").unwrap();
    }

    #[test]
    fn who_lets_go_and_comes_back_is_as_hasty_as_before() {
        let sources = Sources::new(SHARE, &[]);
        let now = Instant::now();
        let from = address("192.0.2.1");
        for _ in 0..4 {
            drop(sources.try_enter(from, now).unwrap());
        }
        assert!(matches!(sources.try_enter(from, now), Err(Turned::Haste { .. })));
        // Being turned away costs nothing more; a tenth of a second later there is room for one.
        let later = now + Duration::from_millis(101);
        drop(sources.try_enter(from, later).unwrap());
        assert!(matches!(sources.try_enter(from, later), Err(Turned::Haste { .. })));
        sources.enter(from).unwrap_err();
        assert_eq!(sources.tally().1, [("full", 0), ("crowd", 0), ("haste", 1)]);
    }

    #[test]
    fn what_is_behind_a_trusted_address_counts_in_all_alone() {
        let proxy = address("10.0.0.1");
        let sources = Sources::new(SHARE, &[address("::ffff:10.0.0.1")]);
        let now = Instant::now();
        let held: Vec<_> = (0..6).map(|_| sources.try_enter(proxy, now).unwrap()).collect();
        assert!(matches!(sources.try_enter(proxy, now), Err(Turned::Full { .. })));
        assert_eq!(held[0].spend(1 << 30), Duration::ZERO);
    }

    #[test]
    fn bytes_of_all_connections_of_a_source_come_out_of_one_bucket() {
        let sources = Sources::new(SHARE, &[]);
        let one = sources.enter(address("192.0.2.1")).unwrap();
        let two = sources.enter(address("192.0.2.1")).unwrap();
        let other = sources.enter(address("192.0.2.2")).unwrap();
        // Two seconds' worth is there at once.
        assert_eq!(one.spend(1_900), Duration::ZERO);
        let pause = two.spend(1_100);
        assert!(pause > Duration::from_millis(900) && pause <= Duration::from_secs(1), "{pause:?}");
        assert_eq!(other.spend(1_900), Duration::ZERO);
        // Letting go and coming back fills nothing.
        drop((one, two));
        assert!(sources.enter(address("192.0.2.1")).unwrap().spend(0) > Duration::from_millis(900));
    }

    #[test]
    fn sources_of_which_nothing_is_left_are_forgotten() {
        let sources =
            Sources::new(Share { connections: usize::MAX, of_one: 1, a_second: 1_000, at_once: 1, bytes: 1 }, &[]);
        let mut now = Instant::now();
        for host in 0..SWEEP * 2 {
            now += Duration::from_millis(2);
            drop(sources.try_enter(IpAddr::from(host.to_be_bytes()), now).unwrap());
        }
        assert!(lock(&sources.0.open).sources.len() <= 1, "{}", lock(&sources.0.open).sources.len());
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_let_go_and_a_greedy_writer_waits() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let seat = || Sources::new(SHARE, &[]).enter(address("192.0.2.1")).ok();
        let (near, far) = tokio::io::duplex(64);
        let mut metered = Metered::new(near, seat(), Some(Duration::from_millis(20)));
        let error = metered.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(far);
        // 2,000 bytes at once, and the next only when they have been given back.
        let (near, mut far) = tokio::io::duplex(8_192);
        let mut metered = Metered::new(near, seat(), None);
        far.write_all(&[0; 2_101]).await.unwrap();
        let mut bytes = [0; 2_100];
        metered.read_exact(&mut bytes).await.unwrap();
        assert!(metered.reads.is_some(), "the next read waits");
        let began = Instant::now();
        metered.read_exact(&mut bytes[..1]).await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    }
}
