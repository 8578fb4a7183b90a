//! Where the tensors live: the CPU everywhere, WebGPU in a browser that has an adapter.

use burn::tensor::Device;

#[cfg(feature = "webgpu")]
use crate::Error;

/// Which sort of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Burn's `flex` on one thread.
    Cpu,
    /// A GPU through the browser.
    WebGpu,
    /// A GPU through Vulkan.
    Vulkan,
}

/// A device that was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The device, able to differentiate.
    pub device: Device,
    /// Its sort.
    pub kind: Kind,
    /// Its name, for a person.
    pub name: String,
}

impl Kind {
    /// As a person reads it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::WebGpu => "WebGPU",
            Self::Vulkan => "Vulkan",
        }
    }
}

/// The CPU.
#[must_use]
pub fn cpu() -> Chosen {
    Chosen { device: Device::flex().autodiff(), kind: Kind::Cpu, name: "Burn flex, one thread".into() }
}

/// The default GPU, through Vulkan. It comes up at the first step, which fails where there is none.
#[cfg(feature = "vulkan")]
#[must_use]
pub fn vulkan() -> Chosen {
    let device = Device::vulkan(burn::tensor::DeviceKind::DefaultDevice).autodiff();
    Chosen { device, kind: Kind::Vulkan, name: "the default GPU, through Vulkan".into() }
}

/// The browser's adapter, and a handle to lose it with, which tests use. A second call in one worker is an error.
///
/// # Errors
/// [`Error::NoDevice`] where there is no adapter.
#[cfg(feature = "webgpu")]
pub async fn adapter() -> Result<(Chosen, impl FnOnce()), Error> {
    #[cfg(target_arch = "wasm32")]
    crate::constructors::run();
    let options = Device::wgpu_options();
    let (device, setup) = options.init_with_setup_async().await.map_err(|error| Error::NoDevice(error.to_string()))?;
    let info = setup.adapter.get_info();
    let name = [info.name, info.driver, info.driver_info].into_iter().find(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| format!("{:?} adapter", info.device_type));
    let chosen = Chosen { device: device.autodiff(), kind: Kind::WebGpu, name };
    Ok((chosen, move || setup.device.destroy()))
}

/// The browser's adapter. A second call in one worker is an error.
///
/// # Errors
/// [`Error::NoDevice`] where there is no adapter.
#[cfg(feature = "webgpu")]
pub async fn webgpu() -> Result<Chosen, Error> {
    adapter().await.map(|(chosen, _)| chosen)
}
