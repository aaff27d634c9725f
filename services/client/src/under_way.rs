//! The attempts of one request that are in flight at one time: one, or with hedging several.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

/// Futures of which the first to finish counts. Most requests have one at a time, so that the list stays empty.
pub struct UnderWay<F> {
    one: Option<Pin<Box<F>>>,
    more: Vec<Pin<Box<F>>>,
}

impl<F: Future> UnderWay<F> {
    /// None in flight.
    pub const fn new() -> Self {
        Self { one: None, more: Vec::new() }
    }

    /// Another one. It starts with the next wait.
    pub fn add(&mut self, attempt: F) {
        if self.one.is_none() {
            self.one = Some(Box::pin(attempt));
        } else {
            self.more.push(Box::pin(attempt));
        }
    }

    /// Whether none is in flight.
    pub const fn is_empty(&self) -> bool {
        self.one.is_none() && self.more.is_empty()
    }

    /// Waits for the first that finishes, which is in flight no more. With none in flight it waits for ever.
    pub async fn first(&mut self) -> F::Output {
        poll_fn(|context| self.poll(context)).await
    }

    /// The latest one first: it has begun by the time at which another one is found to have finished.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        for i in (0..self.more.len()).rev() {
            if let Poll::Ready(output) = self.more[i].as_mut().poll(context) {
                drop(self.more.swap_remove(i));
                return Poll::Ready(output);
            }
        }
        if let Some(Poll::Ready(output)) = self.one.as_mut().map(|one| one.as_mut().poll(context)) {
            self.one = None;
            return Poll::Ready(output);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_first_that_finishes_counts_and_the_others_go_on() {
        let mut under_way = UnderWay::new();
        for ms in [6, 1, 3] {
            under_way.add(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                ms
            });
        }
        let mut order = Vec::new();
        while !under_way.is_empty() {
            order.push(under_way.first().await);
        }
        assert_eq!(order, [1, 3, 6]);
    }
}
