//! The constructors of a module for the browser, run once.
//!
//! CubeCL registers its operations in functions that are to run before everything else. A linker that finds nobody
//! calling them takes the module for a command and runs all of them at every call from JavaScript, several thousand
//! times in a training step on WebGPU. Naming them here makes the caller of [`run`] responsible instead.

use std::sync::Once;

static DONE: Once = Once::new();

#[expect(unsafe_code, reason = "made by the linker, takes nothing and gives nothing")]
unsafe extern "C" {
    safe fn __wasm_call_ctors();
}

/// Runs them, unless they ran.
pub fn run() {
    DONE.call_once(|| __wasm_call_ctors());
}
