//! Why a transaction is refused, and what to do about it.

use crate::codec::choice;
use crate::evidence::EvidenceError;
use crate::types::{Amount, Height, Nonce, Uid};

/// Why a transaction is refused. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature is not the signer's over these bytes.
    #[error("not signed by its signer: sign it again")]
    Unsigned,
    /// Meant for another chain.
    #[error("for another chain: sign it for this one")]
    ForeignChain,
    /// Its nonce was used before: it was included already, or another in its place.
    #[error("replayed: nonce {given} was used, sign with {next}")]
    Replayed {
        /// Nonce it carries.
        given: Nonce,
        /// Nonce of the next transaction.
        next: Nonce,
    },
    /// Its nonce is ahead of the account.
    #[error("nonce {given} is ahead: sign with {next}")]
    NonceAhead {
        /// Nonce it carries.
        given: Nonce,
        /// Nonce of the next transaction.
        next: Nonce,
    },
    /// Its last height has passed.
    #[error("expired at height {expires}, now {now}: sign it again")]
    Expired {
        /// Last height of the transaction.
        expires: Height,
        /// Height at which it would be included.
        now: Height,
    },
    /// Its last height is too far away.
    #[error("expires too late at height {expires}: choose {most} at most")]
    ExpiresTooLate {
        /// Last height of the transaction.
        expires: Height,
        /// Largest value allowed.
        most: Height,
    },
    /// The key is a neuron already.
    #[error("already registered as uid {uid}: set weights with it")]
    AlreadyRegistered {
        /// Its uid.
        uid: Uid,
    },
    /// The key is the hot key of the uid already.
    #[error("uid {uid} has this hot key already: name another")]
    SameKey {
        /// The uid named.
        uid: Uid,
    },
    /// The key is the hot key of another uid.
    #[error("this key is the hot key of uid {uid}: name another")]
    HotElsewhere {
        /// The uid whose hot key it is.
        uid: Uid,
    },
    /// No room for another neuron.
    #[error("all {most} places are taken by peers that cannot be replaced yet: try again later")]
    Full {
        /// Number of places.
        most: u32,
    },
    /// The block of the proof of work is too old or unknown.
    #[error("work on block {recent} is not recent: search again from block {newest}")]
    NotRecent {
        /// Height in the transaction.
        recent: Height,
        /// Newest height that may stand there.
        newest: Height,
    },
    /// The proof of work does not meet the difficulty.
    #[error("work below the difficulty of {difficulty} hashes: search again")]
    NotEnoughWork {
        /// Expected hashes now.
        difficulty: u64,
    },
    /// The signer does not own the stake of the uid.
    #[error("uid {uid} has another cold key: sign with that one")]
    NotOwned {
        /// The uid named.
        uid: Uid,
    },
    /// More stake is taken out than there is.
    #[error("stake is {stake}: take out at most that, not {wanted}")]
    Understaked {
        /// Stake of the peer.
        stake: Amount,
        /// How much was asked for.
        wanted: Amount,
    },
    /// Too many unstakings of one account are under way.
    #[error("{open} unstakings are under way: wait for the first at height {due}")]
    Unbonding {
        /// How many.
        open: u32,
        /// When the first ends.
        due: Height,
    },
    /// Neither the self-loop's share of what is released nor the balance pays the fee, and one free update an epoch is all.
    #[error("the fee of {fee} is not paid: keep a self-loop or a balance, or wait for height {next}")]
    Unpaid {
        /// The fee.
        fee: Amount,
        /// First height of the next epoch.
        next: Height,
    },
    /// Too many places change hands.
    #[error("too many come and go: try again at height {next}")]
    Crowded {
        /// First height at which it may be tried again.
        next: Height,
    },
    /// The uid does not exist.
    #[error("there is no uid {uid}: register first")]
    UnknownUid {
        /// The uid named.
        uid: Uid,
    },
    /// The signer is not the hot key of the uid.
    #[error("uid {uid} has another hot key: sign with that one")]
    NotYours {
        /// The uid named.
        uid: Uid,
    },
    /// The row was updated too recently.
    #[error("too soon: next at height {next}")]
    TooSoon {
        /// First height that is late enough.
        next: Height,
    },
    /// The row has more entries than the chain allows.
    #[error("a row of {entries} entries: keep the {most} largest")]
    TooManyWeights {
        /// Entries given.
        entries: u32,
        /// Entries allowed.
        most: u32,
    },
    /// The row has fewer entries than the chain demands now.
    #[error("a row of {entries} entries: weigh at least {least}")]
    TooFewWeights {
        /// Entries given.
        entries: u32,
        /// Entries demanded.
        least: u32,
    },
    /// The row moves further than one update may.
    #[error("too large a step: Σ(Δscore)² is {squared}, keep it below {bound}")]
    TooLargeStep {
        /// Σ(Δscore)² of the step.
        squared: u64,
        /// (ε·65,535)², rounded up.
        bound: u64,
    },
    /// The account does not hold enough.
    #[error("overdrawn: {balance} base units of {wanted}; send less")]
    Overdrawn {
        /// What it holds.
        balance: Amount,
        /// What it would send.
        wanted: Amount,
    },
    /// A transfer of nothing.
    #[error("nothing to transfer: send at least one base unit")]
    Nothing,
    /// Too little to open an account.
    #[error("{amount} base units do not open an account: send at least {least}")]
    TooLittle {
        /// Amount given.
        amount: Amount,
        /// Least amount.
        least: Amount,
    },
    /// The row was made before the uid changed hands, and so names its last owner.
    #[error("uid {uid} has another owner since height {registered}: make the row from later tables")]
    Outdated {
        /// The entry.
        uid: Uid,
        /// When its peer registered.
        registered: Height,
    },
    /// The row was made from tables that are not there yet.
    #[error("no tables of height {seen} yet, the newest are of {newest}: make the row from those")]
    Unseen {
        /// Height in the transaction.
        seen: Height,
        /// Newest height that may stand there.
        newest: Height,
    },
    /// The uid has another owner than the one dealt with.
    #[error("uid {uid} is in generation {generation} now: ask its owner for a price again")]
    Resold {
        /// The uid.
        uid: Uid,
        /// Its generation.
        generation: u32,
    },
    /// No peer named this consensus key, or its time is over.
    #[error("this key is no candidate: name it by the cold key of a peer first")]
    NotCandidate,
    /// The consensus key stands for another peer.
    #[error("this key stands for uid {uid} already: name another")]
    OtherCandidate {
        /// The peer that it stands for.
        uid: Uid,
    },
    /// The consensus key was convicted.
    #[error("this key was convicted of conflicting votes: name another")]
    Struck,
    /// The consensus key resigned, or its peer left.
    #[error("this key resigned at height {until}: name it again first")]
    Resigned {
        /// When.
        until: Height,
    },
    /// The peer named too many consensus keys.
    #[error("uid {uid} named {most} keys already: wait until one of them is forgotten")]
    TooManyKeys {
        /// The peer.
        uid: Uid,
        /// Keys allowed.
        most: u32,
    },
    /// The votes are too old: the stake behind them may be gone.
    #[error("evidence of epoch {epoch} is too old: none before epoch {first} counts")]
    Stale {
        /// Epoch of the votes, as the engine counts.
        epoch: u64,
        /// First epoch whose votes still convict.
        first: u64,
    },
    /// The votes convict nobody.
    #[error("no evidence: {error}")]
    NoEvidence {
        /// Why not.
        error: EvidenceError,
    },
    /// The account's place in the queue is used up.
    #[error("{open} transactions of this key wait already: wait until they are included")]
    Queued {
        /// Transactions of the signer that wait.
        open: u32,
    },
    /// No room in the queue.
    #[error("{open} transactions wait already: try again in some blocks")]
    Busy {
        /// Transactions that wait.
        open: u32,
    },
}

choice!(Refusal {
    0 => Unsigned {},
    1 => ForeignChain {},
    2 => Replayed { given, next },
    3 => NonceAhead { given, next },
    4 => Expired { expires, now },
    5 => ExpiresTooLate { expires, most },
    6 => AlreadyRegistered { uid },
    7 => Full { most },
    8 => NotRecent { recent, newest },
    9 => NotEnoughWork { difficulty },
    10 => UnknownUid { uid },
    11 => NotYours { uid },
    12 => TooSoon { next },
    13 => TooManyWeights { entries, most },
    14 => TooLargeStep { squared, bound },
    15 => Overdrawn { balance, wanted },
    16 => Nothing {},
    17 => TooLittle { amount, least },
    18 => Queued { open },
    19 => Busy { open },
    20 => TooFewWeights { entries, least },
    21 => NotOwned { uid },
    22 => Understaked { stake, wanted },
    23 => Unbonding { open, due },
    24 => Unpaid { fee, next },
    25 => Crowded { next },
    26 => Outdated { uid, registered },
    27 => Unseen { seen, newest },
    28 => Resold { uid, generation },
    29 => NotCandidate {},
    30 => OtherCandidate { uid },
    31 => Struck {},
    32 => Resigned { until },
    33 => TooManyKeys { uid, most },
    34 => Stale { epoch, first },
    35 => NoEvidence { error },
    36 => SameKey { uid },
    37 => HotElsewhere { uid },
});

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_codec::{DecodeExt, Encode, Error};

    #[test]
    fn refusals_travel_and_say_what_to_do() {
        let refusal = Refusal::TooSoon { next: Height(1204) };
        assert_eq!(refusal.to_string(), "too soon: next at height 1204");
        assert_eq!(Refusal::decode(refusal.encode()).unwrap(), refusal);
        assert!(matches!(Refusal::decode(vec![200u8]), Err(Error::InvalidEnum(200))));
    }
}
