//! The large worker of a tab: the model on WebGPU or CPU.
