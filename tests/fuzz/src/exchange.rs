//! What peers and nodes send each other: whatever can be read is written as the same bytes again.

use protocol::{
    bootstrap::Bootstrap,
    directory::{Announce, Listing},
    exchange::{Request, Response},
    limits,
    record::Record,
    wire,
};

/// See the module.
pub fn run(bytes: &[u8]) {
    if let Ok(request) = Request::from_bytes(bytes) {
        assert_eq!(request.to_bytes(), bytes);
    }
    if let Ok(response) = Response::from_bytes(bytes) {
        assert_eq!(response.to_bytes(), bytes);
    }
    if let Ok(record) = Record::from_bytes(bytes) {
        assert_eq!(record.to_bytes(), bytes);
    }
    if let Ok(announce) = wire::decode::<Announce>(bytes, limits::DIRECTORY_BYTES) {
        assert_eq!(wire::encode(&announce), bytes);
    }
    if let Ok(listing) = wire::decode::<Listing>(bytes, limits::DIRECTORY_BYTES) {
        assert_eq!(wire::encode(&listing), bytes);
    }
    if let Ok(bootstrap) =
        std::str::from_utf8(bytes).map_err(drop).and_then(|text| Bootstrap::parse(text).map_err(drop))
    {
        let text = bootstrap.to_text().expect("what was read can be written");
        assert_eq!(Bootstrap::parse(&text).expect("and read again"), bootstrap);
    }
}
