//! How many bytes each message has: encoded once for each shape with the real codec. Values do not change the length of an
//! encoding, so nothing has to be encoded again.

use commonware_cryptography::{Hasher, Sha256, Signer, ed25519::PrivateKey};
use model::Preset;
use peer::{ANSWERS, GRADIENTS};
use protocol::directory::{Announce, Entry, Listing, Presence};
use protocol::exchange::{
    Answer, Ask, Gradient, Hello, Inputs, Kind, Modality, PROTOCOL, Refuse, Representation, Request, Response, Shape,
    ShapeError, Want,
};
use protocol::limits;
use protocol::record::Record;
use protocol::wire;

use super::bounds::FRAME;

/// Bytes of messages, by number of examples where they have some. Those of the exchange with their frame.
#[derive(Clone, Debug)]
pub struct Letters {
    /// Asks.
    pub ask: Vec<u64>,
    /// Answers.
    pub answer: Vec<u64>,
    /// Gradients.
    pub gradient: Vec<u64>,
    /// A refusal for want of room.
    pub refuse: u64,
    /// That a gradient will be used.
    pub applied: u64,
    /// Who one is; each way.
    pub hello: u64,
    /// To the directory.
    pub announce: u64,
    /// From it, by number of entries.
    pub listing: Vec<u64>,
}

/// Why they cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// A shape.
    #[error("{0}")]
    Shape(#[from] ShapeError),
    /// A representation.
    #[error("{0}")]
    Representation(#[from] protocol::exchange::RepresentationError),
    /// A record.
    #[error("{0}")]
    Record(#[from] protocol::record::RecordError),
}

impl Letters {
    /// Of peers whose models are of `preset`.
    ///
    /// # Errors
    /// [`LettersError`], where a message of that preset is not allowed.
    pub fn new(preset: &Preset) -> Result<Self, LettersError> {
        let (mut ask, mut answer, mut gradient) = (vec![0], vec![0], vec![0]);
        for rows in 1..=preset.batch {
            let [asked, answered, returned] = exchange(preset, rows as u32)?;
            ask.push(asked.to_bytes().len() as u64 + FRAME);
            answer.push(answered.to_bytes().len() as u64 + FRAME);
            gradient.push(returned.to_bytes().len() as u64 + FRAME);
        }
        let chain = Sha256::hash(&[b"crowd"]);
        // A libp2p id of an ed25519 key; a tab has no addresses.
        let peer = vec![0; PEER_BYTES];
        let record = Record::sign(&PrivateKey::from_seed(1), chain, peer.clone(), Vec::new(), 1)?;
        let hello = Hello {
            version: PROTOCOL,
            chain,
            kind: Kind::Tab,
            modalities: Modality::Text.into(),
            dim: preset.dim as u16,
            preset: protocol::exchange::Preset::Small,
            price: 0,
            record: Some(record.clone()),
        };
        let presence = Presence { kind: Kind::Tab, addresses: Vec::new(), record: Some(record) };
        let entry = Entry { peer, presence: presence.clone() };
        let listing = |count| wire::encode(&Listing { entries: vec![entry.clone(); count] }).len() as u64;
        Ok(Self {
            ask,
            answer,
            gradient,
            refuse: Response::Refuse(Refuse::Busy { retry_ms: 50 }).to_bytes().len() as u64 + FRAME,
            applied: Response::Applied.to_bytes().len() as u64 + FRAME,
            hello: Request::Hello(hello).to_bytes().len() as u64 + FRAME,
            announce: wire::encode(&Announce(presence)).len() as u64,
            listing: (0..=limits::DIRECTORY_ENTRIES).map(listing).collect(),
        })
    }
}

/// Bytes of a libp2p peer id.
const PEER_BYTES: usize = 38;

/// Either side of an exchange.
enum Message {
    Request(Request),
    Response(Response),
}

impl Message {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}

/// Ask, answer and gradient about `rows` examples.
fn exchange(preset: &Preset, rows: u32) -> Result<[Message; 3], LettersError> {
    let (shape, dim) = (Shape::new(rows, preset.seq as u32)?, preset.dim);
    let inputs = Inputs::text(shape, vec![0; shape.tokens()])?;
    let values: Vec<f32> = (0..shape.tokens() * dim).map(|index| (index % 31) as f32 - 15.0).collect();
    let write = |encoding| Representation::encoded(shape, dim as u32, &values, encoding, None);
    let ask = Ask::new(1, inputs, Want::Joined, ANSWERS, 3_000)?;
    Ok([
        Message::Request(Request::Ask(ask)),
        Message::Response(Response::Answer(Answer { id: 1, representation: write(ANSWERS)? })),
        Message::Request(Request::Gradient(Gradient { id: 1, representation: write(GRADIENTS)? })),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_the_codecs_and_come_back_as_what_was_sent() {
        let preset = Preset::small();
        let letters = Letters::new(&preset).unwrap();
        for rows in 1..=preset.batch {
            let [ask, answer, gradient] = exchange(&preset, rows as u32).unwrap();
            let framed = |message: &Message| message.to_bytes().len() as u64 + FRAME;
            assert_eq!(
                [framed(&ask), framed(&answer), framed(&gradient)],
                [letters.ask[rows], letters.answer[rows], letters.gradient[rows]]
            );
            assert!(
                matches!(Request::from_bytes(&ask.to_bytes()).unwrap(), Request::Ask(ask) if ask.inputs().shape().batch() == rows as u32)
            );
            assert!(matches!(Response::from_bytes(&answer.to_bytes()).unwrap(), Response::Answer(_)));
        }
        // Values do not change a length.
        let shape = Shape::new(3, 64).unwrap();
        for encoding in [ANSWERS, GRADIENTS] {
            let of = |value: f32| {
                let values = vec![value; shape.tokens() * 64];
                let representation = Representation::encoded(shape, 64, &values, encoding, None).unwrap();
                Response::Answer(Answer { id: u64::MAX, representation }).to_bytes().len()
            };
            assert_eq!([of(0.0), of(1e-6)], [of(7.5); 2]);
        }
    }
}
