//! The constructors of this module, run once.
//!
//! CubeCL registers its operations in functions that run before everything else. A linker that finds nobody calling them
//! takes the module for a command and runs all of them at every call from JavaScript, several thousand in a training step
//! on WebGPU. Naming them here makes the caller of [`run`] responsible instead.

#[expect(unsafe_code, reason = "made by the linker, takes nothing and gives nothing")]
unsafe extern "C" {
    safe fn __wasm_call_ctors();
}

/// Runs them. To be called once, first of all.
pub fn run() {
    __wasm_call_ctors();
}
