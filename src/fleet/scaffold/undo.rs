//! What is undone when a later step fails.

/// Steps to take back, the last one first, unless all came to a good end.
#[derive(Default)]
pub(super) struct Undo(Vec<Box<dyn FnOnce()>>);

impl Undo {
    /// Notes how to take back what was just done. What fails in that is not told: there is a graver error to tell.
    pub(super) fn push(&mut self, step: impl FnOnce() + 'static) {
        self.0.push(Box::new(step));
    }

    /// Everything stays.
    pub(super) fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        while let Some(step) = self.0.pop() {
            step();
        }
    }
}
