//! Plain objects of JavaScript, written field by field. Amounts are `BigInt`, since a JavaScript number cannot hold them; heights, times
//! and counts are numbers; keys, digests and roots are lower-case hexadecimal.

use ledger::text;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// A plain object.
    #[wasm_bindgen(js_name = Object)]
    pub type Object;

    #[wasm_bindgen(constructor, js_class = "Object")]
    fn new() -> Object;

    #[wasm_bindgen(method, structural, indexing_setter)]
    fn put(this: &Object, name: &str, value: &JsValue);
}

impl Object {
    /// An object without fields.
    pub fn empty() -> Self {
        Self::new()
    }

    /// The object of a kind: `{ type }`.
    pub fn of(kind: &str) -> Self {
        Self::empty().text("type", kind)
    }

    /// With a field of any value.
    pub fn with(self, name: &str, value: &JsValue) -> Self {
        self.put(name, value);
        self
    }

    /// With a text.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.with(name, &JsValue::from_str(value))
    }

    /// With a number.
    pub fn number(self, name: &str, value: f64) -> Self {
        self.with(name, &JsValue::from_f64(value))
    }

    /// With a height, a time or a count.
    #[expect(clippy::cast_precision_loss, reason = "heights, times and counts are far below 2^53")]
    pub fn count(self, name: &str, value: u64) -> Self {
        self.number(name, value as f64)
    }

    /// With an amount in base units.
    pub fn amount(self, name: &str, value: ledger::Amount) -> Self {
        self.with(name, &JsValue::from(value.get()))
    }

    /// With a yes or no.
    pub fn flag(self, name: &str, value: bool) -> Self {
        self.with(name, &JsValue::from_bool(value))
    }

    /// With bytes as hexadecimal.
    pub fn hex(self, name: &str, bytes: &[u8]) -> Self {
        self.text(name, &text::hex(bytes))
    }

    /// With bytes.
    pub fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        self.with(name, &js_sys::Uint8Array::from(bytes))
    }
}
