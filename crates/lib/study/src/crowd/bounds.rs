//! Bounds and intervals of the real peers and the real network that live in crates which this one may not use, or in private
//! parts of those it may. A test holds each against the text it was taken from.

use super::clock::{MILLI, SECOND, Time};
use protocol::limits;

/// Connections with peers that a tab can have: each twice for a moment, and its nodes (network, `connections`).
pub const MOST_CONNECTIONS: usize = 2 * limits::CONNECTIONS + 8;
/// Tabs of one node, which is what its line carries; it would reserve circuits for [`RESERVATIONS`].
pub const TABS_A_NODE: usize = 1_024;
/// Tabs that one node reserves circuits for (network, `relay_limits`).
pub const RESERVATIONS: usize = 4_096;
const _: () = assert!(TABS_A_NODE <= RESERVATIONS);
/// Circuits of one node, and of one tab there.
pub const CIRCUITS: usize = 2_048;
/// See [`CIRCUITS`].
pub const CIRCUITS_PER_PEER: usize = 2 * limits::CONNECTIONS;
/// Bytes that a circuit carries before it ends: 256 KiB/s for 600 s (network, `CIRCUIT_RATE`, `CIRCUIT`).
pub const CIRCUIT_BYTES: u64 = (256 << 10) * 600;
/// Between announcements, and while there is no neighbour (network, `mesh`).
pub const ANNOUNCE: Time = 5 * SECOND;
/// See [`ANNOUNCE`].
pub const ANNOUNCE_ALONE: Time = SECOND;
/// Peers remembered from directories.
pub const KNOWN: usize = 1_024;
/// When a peer that no directory lists any more is forgotten.
pub const FORGOTTEN: Time = 30 * SECOND;
/// How long a neighbour that was parted with is left alone.
pub const ASIDE: Time = 300 * SECOND;
/// Between looks at who is of little use.
pub const REPLACING: Time = 10 * SECOND;
/// Longest that a direct connection may take to be made; then a circuit serves.
pub const DIRECT: Time = 10 * SECOND;
/// First and longest pause after a failed dial.
pub const FIRST_PAUSE: Time = 500 * MILLI;
/// See [`FIRST_PAUSE`].
pub const LONGEST_PAUSE: Time = 30 * SECOND;
/// Peers that a node lists (network, `directory`).
pub const ENTRIES: usize = 4_096;
/// How long an announcement lasts.
pub const LIFETIME: Time = 20 * SECOND;
/// Neighbours kept though they are idle (network, `choice`).
pub const KEPT: usize = 6;
/// After this an idle neighbour may make room.
pub const REPLACEABLE: Time = 30 * SECOND;
/// After this it is parted with.
pub const IDLE: Time = 120 * SECOND;
/// Own asks and gradients to one peer that may be open (network, `calls`).
pub const OPEN: usize = 8;
/// Bytes that frame a message of the exchange (network, `exchange/frame`).
pub const FRAME: u64 = 8;
/// Gradients on their way out of a peer (peer, `desk`).
pub const OUTGOING: usize = 16;
/// Answers begun between two parts of a step.
pub const TURN: usize = 8;
/// Weight of a gradient whose sender has none.
pub const STRANGER: f64 = 0.05;
/// Steps between two gradients of others (peer, `step`).
pub const FOREIGN: u64 = 2;
/// Asks remembered, in all and of one peer (peer, `memory`).
pub const ASKS: usize = 64;
/// See [`ASKS`].
pub const ASKS_PER_PEER: usize = 6;
/// Gradients that wait, in all.
pub const WAITING: usize = 8;
/// gossipsub's mesh: wanted, least, most (libp2p's defaults, which the network takes; its tests/gossip.rs holds them).
pub const MESH: [usize; 3] = [6, 5, 12];
/// Peers beside the mesh that hear of a message at a beat: at least so many, or this share.
pub const LAZY: (usize, f64) = (6, 0.25);
/// Beats for which they do.
pub const HISTORY: u64 = 3;
/// From so many bytes on the mesh is told not to send what came already.
pub const DO_NOT_WANT: u64 = 1_000;
/// How long after a block was due a tab asks for it (light, `heads`), and the soonest after anything.
pub const FINALITY: Time = 150 * MILLI;
/// See [`FINALITY`].
pub const SOONEST_HEAD: Time = 200 * MILLI;
/// Time from one block to the next of a public chain (ledger, `parameters`).
pub const BLOCK: Time = 2 * SECOND;
/// Blocks an epoch of a public chain.
pub const TEMPO: u64 = 1_800;

#[cfg(test)]
mod tests {
    /// Text, and what has to stand in it.
    const TAKEN: [(&str, &[&str]); 12] = [
        (
            include_str!("../../../network/src/behaviour.rs"),
            &[
                "Role::Tab => 2 * limits::CONNECTIONS as u32 + 8,",
                "max_reservations: NODE_CONNECTIONS as usize,",
                "NODE_CONNECTIONS: u32 = 4_096;",
                "max_circuits: 2_048,",
                "max_circuits_per_peer: 2 * limits::CONNECTIONS,",
                "CIRCUIT_RATE: u64 = 256 << 10;",
                "CIRCUIT: Duration = Duration::from_secs(600);",
                "ConfigBuilder::default()",
            ],
        ),
        (
            include_str!("../../../network/src/driver/mesh.rs"),
            &[
                " ANNOUNCE: Duration = Duration::from_secs(5);",
                "ANNOUNCE_ALONE: Duration = Duration::from_secs(1);",
                "KNOWN: usize = 1_024;",
                "FORGOTTEN: Duration = Duration::from_secs(30);",
                "ASIDE: Duration = Duration::from_secs(300);",
                "REPLACING: Duration = Duration::from_secs(10);",
                " DIRECT: Duration = Duration::from_secs(10);",
                " FIRST_PAUSE: Duration = Duration::from_millis(500);",
                " LONGEST_PAUSE: Duration = Duration::from_secs(30);",
            ],
        ),
        (
            include_str!("../../../network/src/directory.rs"),
            &["ENTRIES: usize = 4_096;", "LIFETIME: Duration = Duration::from_secs(20);"],
        ),
        (
            include_str!("../../../network/src/driver/choice.rs"),
            &[
                "KEPT: usize = 6;",
                "REPLACEABLE: Duration = Duration::from_secs(30);",
                "IDLE: Duration = Duration::from_secs(120);",
            ],
        ),
        (include_str!("../../../network/src/driver/calls.rs"), &["OPEN: usize = 8;"]),
        (include_str!("../../../network/src/exchange/frame.rs"), &["HEADER: usize = 8;"]),
        (
            include_str!("../../../peer/src/desk.rs"),
            &["OUTGOING: usize = 16;", "TURN: usize = 8;", "STRANGER: f64 = 0.05;"],
        ),
        (include_str!("../../../peer/src/peer/step.rs"), &["FOREIGN: u64 = 2;"]),
        (
            include_str!("../../../peer/src/memory.rs"),
            &["ASKS: usize = 64;", "ASKS_PER_PEER: usize = 6;", "WAITING: usize = 8;", "WAITING_PER_PEER: usize = 1;"],
        ),
        (
            include_str!("../../../../core/light/src/follower/heads.rs"),
            &["FINALITY_MS: u64 = 150;", "MIN_HEAD_MS: u64 = 200;"],
        ),
        (include_str!("../../../../core/ledger/src/parameters.rs"), &["block_time: 2_000,", "tempo: 1_800,"]),
        (
            include_str!("../../../network/tests/gossip.rs"),
            &[
                "[config.mesh_n(), config.mesh_n_low(), config.mesh_n_high()], [6, 5, 12]",
                "(config.gossip_lazy(), config.gossip_factor(), config.history_gossip()), (6, 0.25, 3)",
                "config.idontwant_message_size_threshold(), 1_000",
            ],
        ),
    ];

    #[test]
    fn the_numbers_of_other_crates_are_theirs() {
        for (text, numbers) in TAKEN {
            for number in numbers {
                assert!(text.contains(number), "nowhere there: {number}");
            }
        }
    }
}
