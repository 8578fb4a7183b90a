//! The bounds on what another peer may send. Each is checked before memory is given to what it bounds.

/// Longest encoded message of the exchange, bytes. A batch of 64 × 256 × 64 `f32` fills it.
pub const MESSAGE_BYTES: usize = 4 << 20;
/// Most bytes of requests to one peer that may be unanswered, but for a single one: half of what a data channel holds unread.
pub const WINDOW: usize = 8 << 20;
/// Longest encoded ledger query, bytes: a transaction with a full row is below 1 KiB.
pub const LEDGER_QUERY_BYTES: usize = 64 << 10;
/// Longest encoded ledger reply, bytes: a block is at most 1 MiB, plus its framing and its certificate.
pub const LEDGER_REPLY_BYTES: usize = (1 << 20) + 256 * 1024;
/// Longest message of the directory, bytes.
pub const DIRECTORY_BYTES: usize = 64 << 10;
/// Longest gossiped message, bytes: a header with its finalization.
pub const GOSSIP_BYTES: usize = 64 << 10;
/// Most sequences in one ask.
pub const BATCH: u32 = 64;
/// Most positions in one sequence.
pub const SEQUENCE: u32 = 1_024;
/// Largest width of a representation.
pub const DIM: u32 = 1_024;
/// Most values at one position of an input: a patch of 3 × 64 × 64 pixels, or as many features.
pub const WIDTH: u32 = 12_288;
/// Largest magnitude of a real value of an input.
pub const REAL: f32 = 1e4;
/// Most bytes of inputs in one ask: what a message holds, less 1 KiB of framing.
pub const INPUT_BYTES: usize = MESSAGE_BYTES - 1_024;
/// Longest transaction, proof of its place, and headers with their certificate in a claim, bytes each.
pub const CLAIM_BYTES: usize = 64 << 10;
/// Positions that a price pays for.
pub const PRICED: u64 = 1_024;
/// Most values in one representation: what a message holds, less 1 KiB of framing.
pub const VALUES: usize = (MESSAGE_BYTES - 1_024) / 4;
/// Asks and gradients of one peer that may wait for an answer here.
pub const OPEN_PER_PEER: usize = 4;
/// Asks and gradients of all peers together that may wait for an answer here.
pub const OPEN: usize = 64;
/// Asks of all peers together that may wait for their turn here: half of what is let in, so that a heavier one still gets in
/// to take the place of a lighter.
pub const WAITING: usize = OPEN / 2;
/// Buyers whose credit is kept.
pub const BUYERS: usize = 1_024;
/// Longest time a peer may be asked to work on an answer, ms.
pub const DEADLINE_MS: u32 = 30_000;
/// Most connections of a tab.
pub const CONNECTIONS: usize = 16;
/// Most addresses in a record or a directory entry.
pub const ADDRESSES: usize = 8;
/// Longest address as text, bytes.
pub const ADDRESS_BYTES: usize = 256;
/// Length of a hot key, bytes.
pub const KEY_BYTES: usize = 32;
/// Longest libp2p peer id, bytes.
pub const PEER_BYTES: usize = 64;
/// Most entries in one reply of the directory.
pub const DIRECTORY_ENTRIES: usize = 64;
/// Longest time a record may still be valid, ms (two days).
pub const RECORD_LIFETIME_MS: u64 = 2 * 24 * 3_600 * 1_000;
/// Longest `/bootstrap.json`, bytes.
pub const BOOTSTRAP_BYTES: usize = 1 << 20;
/// Most STUN and TURN servers of a tab. A browser asks each of them at each connection.
pub const ICE_SERVERS: usize = 8;
/// Most URLs of one such server.
pub const ICE_URLS: usize = 4;
/// Longest such URL, bytes: a name of 253 and what stands around it.
pub const ICE_URL_BYTES: usize = 300;
/// Longest username at such a server, bytes (RFC 8489, 14.3); browsers refuse longer ones.
pub const ICE_USERNAME_BYTES: usize = 509;
/// Longest credential at such a server, bytes.
pub const ICE_CREDENTIAL_BYTES: usize = 512;
