//! Questions to the system that may wait for a device: a dead network disk, a stuck USB adapter.

use std::fmt;

use tokio::task::JoinHandle;
use wire::reading::{Failure, Reason};

/// Asks on a thread of its own, so that the agent's only other thread never waits with it.
///
/// A question whose run was cut off goes on: nothing can stop a thread inside the kernel. Until
/// it ends no further one begins, so a dead device costs one thread and not one every cycle.
pub(super) struct Aside<T> {
    pending: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Aside<T> {
    /// The answer to `question`.
    pub(super) async fn ask(
        &mut self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        if let Some(stale) = self.pending.as_mut() {
            // Its answer is of a moment long gone.
            let _ = stale.await;
        }
        let pending = self.pending.insert(tokio::task::spawn_blocking(question));
        let answer = pending.await;
        self.pending = None;
        answer.map_err(|error| Failure::new(Reason::Internal, format_args!("a thread: {error}")))
    }
}

impl<T> Default for Aside<T> {
    fn default() -> Self {
        Self { pending: None }
    }
}

/// A copied probe asks its own questions.
impl<T> Clone for Aside<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> fmt::Debug for Aside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside").field("pending", &self.pending.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_hung_question_holds_up_the_next_one_and_its_answer_is_not_mistaken_for_it() {
        let (release, hung) = mpsc::channel::<()>();
        let mut aside = Aside::default();
        let first = aside.ask(move || {
            let _ = hung.recv();
            1
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), first).await.is_err());
        assert!(
            tokio::time::timeout(Duration::from_millis(20), aside.ask(|| 2)).await.is_err(),
            "no second thread while the first one hangs"
        );
        drop(release);
        assert_eq!(aside.ask(|| 3).await, Ok(3));
    }
}
