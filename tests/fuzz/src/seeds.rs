//! What honest senders send, for the targets to begin with: keys and signatures are in it that no mutation finds.

use crate::chain::Chain;
use bytes::Bytes;
use commonware_codec::Encode;
use commonware_cryptography::Signer;
use ledger::query::Certified;
use ledger::{
    Action, Amount, Body, ChainId, Digest, Evidence, Genesis, Header, Height, Nonce, PrivateKey, Proposal, Query,
    Reply, Row, Table, Transaction, Uid, Vote,
};
use protocol::bootstrap::{self, Bootstrap, Checkpoint, Corpus};
use protocol::directory::{Announce, Entry, Listing, Presence};
use protocol::exchange::{
    Answer, Ask, Claim, Encoding, Gradient, Hello, Inputs, Kind, Modality, PROTOCOL, Preset, Refuse, Representation,
    Request, Response, Shape, Want,
};
use protocol::wire;
use std::path::PathBuf;
use std::{env, fs};

/// A gray picture of three by three pixels.
const PNG: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x03\x00\x00\x00\x03\x08\x00\x00\x00\x00sC\
      \xeac\x00\x00\x00\x0eIDATx\x9cc`h\xf8\xcf\x00\xc5\x00\x17\xfd\x04~yoUD\x00\x00\x00\x00IEND\xaeB`\x82";

/// The chain of the evidence.
const CHAIN: ChainId = ChainId(Digest([7; 32]));

/// Honest messages for a target; none, where any bytes will do to begin with.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut chain = Chain::rotating(4);
    chain.steps(9);
    let (header, finalization) = chain.head();
    let transactions: Vec<Transaction> =
        (0..).zip(actions()).map(|(nonce, action)| sign(&chain, nonce, action)).collect();
    let seeds: Vec<Bytes> = match target {
        "transaction" => transactions.iter().map(Encode::encode).collect(),
        "block" => vec![Body { transactions }.encode()],
        "header" => vec![header.encode()],
        "evidence" => vec![evidence().encode()],
        "genesis" => vec![Genesis::example().encode(), chain.genesis.encode()],
        "snapshot" => vec![chain.states[0].encode(), chain.state().encode()],
        "certificate" => {
            let mut one = Chain::new(4);
            one.step();
            [&[0, 1, 2, 3][..], &[0, 1, 2], &[1, 2]].map(|signers| one.certify_by(&one.head().0, signers)).to_vec()
        }
        "record" => vec![[&999_999_999u64.to_le_bytes()[..], &crate::record::HONEST.to_bytes()].concat().into()],
        "exchange" => exchange(),
        "dataset" => files(),
        "picture" => vec![Bytes::from_static(PNG)],
        "query" => queries(&mut chain, &header, finalization, &transactions[0]),
        _ => Vec::new(),
    };
    seeds.iter().map(|seed| seed.to_vec()).collect()
}

/// Writes them into the folder that `PEERAGE_SEEDS` names, if it names one.
pub fn write(target: &str) {
    let Some(folder) = env::var_os("PEERAGE_SEEDS").map(PathBuf::from) else { return };
    for (number, seed) in of(target).iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).expect("the folder of the seeds can be written to");
    }
}

/// A message of each kind.
fn exchange() -> Vec<Bytes> {
    let shape = Shape::new(1, 2).expect("small");
    let values = [0.5; 8];
    let representation = || Representation::encoded(shape, 4, &values, Encoding::F16, None).expect("of the shape");
    let hello = || Hello {
        version: PROTOCOL,
        chain: CHAIN.0,
        kind: Kind::Tab,
        modalities: Modality::Text.into(),
        dim: 4,
        preset: Preset::Small,
        price: 3,
        record: Some(crate::record::HONEST.clone()),
    };
    let inputs = [
        Inputs::text(shape, vec![65, 66]),
        Inputs::image(shape, [1, 1, 2], vec![1, 2, 3, 4]),
        Inputs::speech(shape, 2, vec![0.5; 4]),
        Inputs::tensor(shape, 2, vec![0.5; 4]),
    ]
    .map(|inputs| inputs.expect("of the shape"));
    let asks = inputs.map(|inputs| Ask::new(7, inputs, Want::Encoding, Encoding::Int8, 900).expect("of the shape"));
    let claim = Claim { transaction: vec![1; 9], index: 0, proof: vec![2; 9], headers: vec![3; 9], nonce: [4; 32] };
    let mut requests: Vec<Request> = asks.into_iter().map(Request::Ask).collect();
    requests.push(Request::Hello(hello()));
    requests.push(Request::Gradient(Gradient { id: 7, representation: representation() }));
    requests.push(Request::Claim(claim));
    let responses = [
        Response::Hello(hello()),
        Response::Answer(Answer { id: 7, representation: representation() }),
        Response::Refuse(Refuse::Busy { retry_ms: 9 }),
        Response::Applied,
        Response::Credit { positions: 4 },
    ];
    let record = || Some(crate::record::HONEST.clone());
    let presence = || Presence { kind: Kind::Tab, addresses: vec!["/memory/1".into()], record: record() };
    let entry = Entry { peer: vec![1, 2, 3], presence: presence() };
    let bootstrap = Bootstrap {
        version: bootstrap::VERSION,
        name: "dev".into(),
        chain: CHAIN.0,
        genesis: b"genesis".to_vec(),
        checkpoint: Checkpoint { height: 0, digest: Digest([2; 32]), time: 5 },
        validators: vec![PrivateKey::from_seed(1).public_key()],
        node: vec!["/ip4/127.0.0.1/tcp/8081/ws".into()],
        residents: vec![],
        corpus: Corpus { url: "corpus".into(), bytes: 9, name: "text".into() },
        ice_servers: vec![],
    };
    let mut all: Vec<Vec<u8>> = requests.iter().map(Request::to_bytes).collect();
    all.extend(responses.iter().map(Response::to_bytes));
    all.push(crate::record::HONEST.to_bytes());
    all.push(wire::encode(&Announce(presence())));
    all.push(wire::encode(&Listing { entries: vec![entry] }));
    all.push(bootstrap.to_text().expect("it is short").into());
    all.into_iter().map(Bytes::from).collect()
}

/// A small file of each kind, behind the byte that names it.
fn files() -> Vec<Bytes> {
    let text = b"To be, or not to be, that is the question: whether it is nobler in the mind to suffer.".repeat(3);
    let rows = |cut: &str| {
        let row = |at: u8| [(at % 7).to_string(), (at * 3 % 5).to_string(), ["a", "b"][usize::from(at % 2)].to_owned()];
        let rows: Vec<String> = (0..24).map(|at| row(at).join(cut)).collect();
        format!("{}\n{}\n", ["x", "y", "label"].join(cut), rows.join("\n")).into_bytes()
    };
    let samples: Vec<u8> = (0..4_000u16).flat_map(|at| (at % 97 * 37).to_le_bytes()).collect();
    let length = |bytes: usize| u32::try_from(bytes).expect("it is short").to_le_bytes();
    let format = [1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0];
    let sound = [&b"fmt "[..], &length(16), &format, b"data", &length(samples.len()), &samples].concat();
    let wave = [&b"RIFF"[..], &length(4 + sound.len()), b"WAVE", &sound].concat();
    let files = [text, rows(","), rows("\t"), wave, PNG.to_vec()];
    (0..).zip(files).map(|(name, file): (u8, Vec<u8>)| Bytes::from([&[name][..], &file].concat())).collect()
}

/// Each question and what an honest source replies.
fn queries(chain: &mut Chain, header: &Header, finalization: Bytes, transaction: &Transaction) -> Vec<Bytes> {
    let height = header.height;
    let digest = header.digest();
    let queries = [
        Query::Head,
        Query::Headers { from: height, limit: 4 },
        Query::Leaf { height, table: Table::Weights, index: 0 },
        Query::Account { height, key: PrivateKey::from_seed(1).public_key() },
        Query::Submit { transaction: transaction.clone() },
        Query::Status { digest },
        Query::Epochs { from: 1, limit: 2 },
        Query::Blocks { from: height, limit: 64 },
    ];
    let mut messages: Vec<Bytes> = queries.iter().map(Encode::encode).collect();
    messages.extend(queries.iter().map(|query| chain.reply(query).encode()));
    let blocks = vec![Certified { block: header.encode(), finalization }; 2];
    messages.push(Reply::Blocks { blocks }.encode());
    messages.push(Reply::Inclusion { height, index: 1, proof: Bytes::from_static(b"proof") }.encode());
    messages
}

fn sign(chain: &Chain, nonce: u64, action: Action) -> Transaction {
    Transaction::sign(&PrivateKey::from_seed(1), chain.id(), Nonce(nonce), Height(20), action)
}

/// One of each kind.
fn actions() -> Vec<Action> {
    let key = PrivateKey::from_seed(2).public_key();
    let (uid, amount, address) = (Uid(0), Amount(5), ([127, 0, 0, 1], 9).into());
    vec![
        Action::Register { cold: key.clone(), modality: 0, recent: Height(3), work: 9 },
        Action::SetWeights { uid, row: Row::own(uid), seen: Height(3) },
        Action::Subscribe { cold: key.clone(), modality: 1 },
        Action::Stake { uid, amount },
        Action::Unstake { uid, amount },
        Action::Leave { uid },
        Action::Transfer { to: key.clone(), amount },
        Action::Candidate { uid, key: key.clone(), address },
        Action::Ready { address },
        Action::Resign { key: key.clone() },
        Action::Evidence { evidence: Box::new(evidence()) },
        Action::Purchase { uid, generation: 0, amount, order: Digest([1; 32]) },
        Action::Rekey { uid, hot: key },
    ]
}

/// Two blocks of one round, as the engine encodes what it signs.
fn evidence() -> Evidence {
    let key = PrivateKey::from_seed(1);
    let vote = |payload: u8| {
        let proposal = Proposal { epoch: 3, view: 9, parent: 8, payload: Digest([payload; 32]) };
        let bytes = [&[3, 9, 8][..], &[payload; 32]].concat();
        let namespace = [&ledger::namespace(&CHAIN)[..], b"_NOTARIZE"].concat();
        Vote::Notarize { proposal, signature: key.sign(&namespace, &bytes) }
    };
    Evidence { key: key.public_key(), first: vote(1), second: vote(2) }
}
