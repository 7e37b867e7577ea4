//! A child's text in other words, before it is kept.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

type Rewrite = dyn FnMut(&[u8]) -> Vec<u8> + Send;

/// What a child's text goes through as it comes.
#[derive(Clone)]
pub(super) struct TextFilter(Arc<Mutex<Rewrite>>);

impl TextFilter {
    pub(super) fn new(rewrite: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(rewrite)))
    }

    pub(super) fn rewrite(&self, bytes: &[u8]) -> Vec<u8> {
        let mut rewrite = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rewrite(bytes)
    }
}

impl fmt::Debug for TextFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextFilter")
    }
}
