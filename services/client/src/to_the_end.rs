//! A future that is finished whether or not anybody waits for it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Runs in the caller's task, which saves the hot path a task and its wake-ups; if the caller is dropped (its client has
/// gone), what is left of it goes on in a task of its own. It ends at the latest with the runtime.
pub struct ToTheEnd<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send> ToTheEnd<F> {
    /// Starts nothing before the first poll, like any future.
    pub fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future<Output: Send> + Send> Future for ToTheEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let output = ready!(future.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for ToTheEnd<F> {
    fn drop(&mut self) {
        if let (Some(future), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(future);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_gives_its_output_to_whoever_waits() {
        assert_eq!(ToTheEnd::new(async { 7 }).await, 7);
    }

    #[tokio::test]
    async fn it_goes_on_when_nobody_waits_any_more() {
        let (done, told) = oneshot::channel();
        let abandoned = ToTheEnd::new(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            done.send(7)
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), abandoned).await.is_err());
        assert_eq!(told.await, Ok(7));
    }
}
