//! The connections that are open: never more than a fixed number, and never so many that a new one stays outside.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// All open connections.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<HashMap<u64, Open>>,
    places: Arc<Semaphore>,
    next_id: AtomicU64,
}

/// What is known of an open connection.
#[derive(Debug)]
struct Open {
    stage: Stage,
    /// Since when it has been in this stage.
    since: Instant,
    closed: CancellationToken,
}

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// No request has come yet.
    New,
    /// Its last request is answered, though the client may not have read all of the answer.
    Idle,
    /// A request is being answered.
    Busy,
}

/// Which connections may be closed for the sake of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    /// One that waits for its client.
    Waiting,
    /// Any: if none waits, the one whose answer takes longest.
    Any,
}

impl Connections {
    pub(super) fn new(limit: u16) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            places: Arc::new(Semaphore::new(limit.into())),
            next_id: AtomicU64::new(0),
        })
    }

    /// Takes a place for a new connection. If there is none, the connection that has waited longest for its client is
    /// closed; so whoever holds many connections open keeps out only themselves.
    pub(super) async fn enter(self: &Arc<Self>) -> Place {
        if self.places.available_permits() == 0 {
            self.close_one(Victim::Any);
        }
        // Fails only if somebody closes the semaphore, which nobody does.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        let id = self.next_id.fetch_add(1, Relaxed);
        let closed = CancellationToken::new();
        let open = Open { stage: Stage::New, since: Instant::now(), closed: closed.clone() };
        self.lock().insert(id, open);
        Place { id, closed, connections: Arc::clone(self), _permit: permit }
    }

    /// Closes the connection that can best be spared, if there is one.
    pub(super) fn close_one(&self, victim: Victim) {
        let mut open = self.lock();
        let id = open
            .iter()
            .filter(|(_, open)| victim == Victim::Any || open.stage != Stage::Busy)
            .min_by_key(|(_, open)| (open.stage == Stage::Busy, open.since))
            .map(|(id, _)| *id);
        // Out of the list at once, so that the next one to be closed is another one.
        if let Some(open) = id.and_then(|id| open.remove(&id)) {
            open.closed.cancel();
        }
    }

    /// Closes all of them.
    pub(super) fn close_all(&self) {
        self.lock().drain().for_each(|(_, open)| open.closed.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        // Nothing can panic while it is held.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    closed: CancellationToken,
    connections: Arc<Connections>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Ends when this connection must be closed.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Whether a request has come.
    pub(super) fn has_served(&self) -> bool {
        self.connections.lock().get(&self.id).is_some_and(|open| open.stage != Stage::New)
    }

    /// A request is being answered for as long as the result lives.
    pub(super) fn answer(self: &Arc<Self>) -> Answer {
        self.enter_stage(Stage::Busy);
        Answer(Arc::clone(self))
    }

    fn enter_stage(&self, stage: Stage) {
        if let Some(open) = self.connections.lock().get_mut(&self.id) {
            open.stage = stage;
            open.since = Instant::now();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

/// An answer that is being made.
#[derive(Debug)]
pub(super) struct Answer(Arc<Place>);

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.enter_stage(Stage::Idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_connection_that_has_waited_longest_makes_room() {
        let connections = Connections::new(3);
        let [first, second, third] =
            [connections.enter().await, connections.enter().await, connections.enter().await].map(Arc::new);
        // The first one has just been answered, the second one is being answered.
        drop(first.answer());
        let answer = second.answer();
        connections.close_one(Victim::Any);
        assert!(third.closed.is_cancelled() && !first.closed.is_cancelled());
        connections.close_one(Victim::Any);
        assert!(first.closed.is_cancelled() && !second.closed.is_cancelled());
        connections.close_one(Victim::Waiting);
        assert!(!second.closed.is_cancelled());
        connections.close_one(Victim::Any);
        assert!(second.closed.is_cancelled());
        drop(answer);
    }

    #[tokio::test]
    async fn a_new_connection_gets_the_place_of_the_closed_one_and_not_one_more() {
        let connections = Connections::new(1);
        let first = connections.enter().await;
        let entering = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.enter().await.id }
        });
        first.closed().await;
        assert_eq!(connections.places.available_permits(), 0);
        assert!(!entering.is_finished());
        drop(first);
        assert_eq!(entering.await.unwrap(), 1);
        assert_eq!(connections.places.available_permits(), 1);
        assert!(connections.lock().is_empty());
    }
}
