//! Weights on the host, so that training can go on where a device was lost.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::Transaction;

use crate::reading::{device, values};
use crate::{Error, Network};

/// Weights on the host, to go on elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u64,
    tensors: Vec<Vec<f32>>,
}

impl Checkpoint {
    /// Copies the weights of `network` to the host.
    pub(crate) fn take(network: &Network, step: u64) -> impl Future<Output = Result<Self, Error>> + use<> {
        let mut collect = Collect(Transaction::default());
        network.visit(&mut collect);
        async move {
            let data = collect.0.execute_async().await.map_err(device)?;
            let tensors = data.into_iter().map(values).collect::<Result<_, _>>()?;
            Ok(Self { step, tensors })
        }
    }

    /// Puts the weights in the place of those of `network`, on `device`.
    ///
    /// # Errors
    /// [`Error::ForeignCheckpoint`].
    pub(crate) fn place(&self, network: Network, device: &Device) -> Result<Network, Error> {
        let mut sizes = Sizes::default();
        network.visit(&mut sizes);
        let sizes = sizes.0;
        let fits = sizes.iter().zip(&self.tensors).all(|(size, values)| *size == values.len());
        if sizes.len() != self.tensors.len() || !fits {
            return Err(Error::ForeignCheckpoint { expected: sizes.len(), got: self.tensors.len() });
        }
        Ok(network.map(&mut Place { tensors: self.tensors.iter(), device }))
    }
}

#[derive(Default)]
struct Sizes(Vec<usize>);

impl ModuleVisitor for Sizes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().shape().num_elements());
    }
}

struct Collect(Transaction);

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let transaction = std::mem::take(&mut self.0);
        self.0 = transaction.register(param.val());
    }
}

struct Place<'a> {
    tensors: std::slice::Iter<'a, Vec<f32>>,
    device: &'a Device,
}

impl ModuleMapper for Place<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.tensors.next() else { return param };
        let data = TensorData::new(values.clone(), param.val().shape());
        param.map(|_| Tensor::from_data(data, self.device).require_grad())
    }
}
