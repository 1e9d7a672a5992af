//! What a thread computes hashes with.

use std::sync::Arc;

use crate::kernel::{Kernel, Memory};
use crate::pepper::{Pepper, PepperId, Peppers};
use crate::resource::ResourceError;

/// The memory of one hash at a time, what fills it, and the peppers that hashes may name.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) memory: Memory,
    pub(super) kernel: Kernel,
    peppers: Arc<Peppers>,
}

impl Workspace {
    /// Holds no memory yet.
    pub(crate) fn new(kernel: Kernel, peppers: &Arc<Peppers>) -> Workspace {
        Workspace { memory: Memory::default(), kernel, peppers: Arc::clone(peppers) }
    }

    /// The pepper that a hash names, if it names one.
    pub(crate) fn pepper(&self, id: Option<PepperId>) -> Result<Option<Pepper>, ResourceError> {
        let find = |id| self.peppers.find(id).cloned().ok_or(ResourceError::Pepper(id));
        id.map(find).transpose()
    }
}
